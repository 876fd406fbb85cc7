"""A Slurm cluster, through submitit: job arrays whose tasks are units."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

from bench.codes.threads import cores
from bench.config import setting
from bench.errors import ConfigError
from bench.executors._cluster import ClusterConfig, need
from bench.grid.job import Job
from bench.grid.units import units_of
from bench.plugins import PluginInfo
from bench.plugins.executor import Executor
from bench.storage.store import StoredCell
from bench.training.progress import Observer
from bench.workers.dispatch import Dispatch

INFO = PluginInfo(
    name="slurm",
    summary="a Slurm cluster: job arrays, through submitit",
    licence="MIT (submitit itself: MIT)",
    homepage="https://github.com/facebookincubator/submitit",
)


class SlurmConfig(ClusterConfig):
    """Settings of slurm."""

    cluster: Literal["slurm", "local"] = setting("slurm", "slurm; local: the same jobs as processes of this machine")
    partition: str | None = setting(None, "partition; none: the cluster's default")
    account: str | None = setting(None, "account that the time is charged to; none: the user's default")
    time: int = setting(
        240, "minutes after which a job is ended, to be queued again and go on from its checkpoint",
        source="short jobs find room early, and little is lost at their end", ge=1,
    )  # fmt: skip
    requeues: int = setting(10, "times that a job may reach its time limit", ge=0)
    grace: int = setting(90, "seconds before the time limit at which a job is told of it", source="submitit", ge=5)
    gpus: int = setting(0, "GPUs of a job: one, or none to run on the CPU", ge=0, le=1)
    cpus: int | None = setting(None, "CPUs of a job; none: as many as threads", ge=1)
    array: int = setting(1000, "most jobs of an array", source="Slurm's MaxArraySize is 1001 by default", ge=1)
    setup: tuple[str, ...] = setting((), "lines of shell before a job begins: module load cuda, ...")
    extra: dict[str, Any] = setting(
        {}, "more options of sbatch by their long names: {qos = 'long', constraint = 'a100'}"
    )
    poll: float = setting(10, "seconds between questions to Slurm about its jobs", gt=0)


class Slurm(Executor):
    """A unit as one job of an array; with `workers`, so many of them at a time.

    All machines share the output folder. Jobs that Slurm ends at their time limit, with their node, or for others are
    queued again and go on. They are cancelled when the run ends early; if the program is killed, they go on by
    themselves.
    """

    Config: ClassVar[type[ClusterConfig]] = SlurmConfig

    def __init__(self, config: SlurmConfig) -> None:
        """Take settings.

        Raises:
            ConfigError: the package submitit is not installed, or there is no Slurm on this machine.
        """
        super().__init__(config)
        need("submitit", INFO.name, "submitit>=1.5")
        if config.cluster == "slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
            raise ConfigError(
                "there is no sbatch on this machine: use --executor slurm on a login node of the cluster, or try the "
                "same jobs here with --set slurm.cluster=local."
            )

    def run(self, jobs: Sequence[Job], observer: Observer) -> Iterator[StoredCell]:
        """See the contract.

        Raises:
            ConfigError: Slurm refuses the jobs, or a GPU is asked for that none of them has.
        """
        if not jobs:
            return
        from bench.executors._slurm_cluster import SlurmCluster

        at_once = self.at_once(jobs) if self.config.cluster == "local" else None
        cluster = SlurmCluster(self.config, jobs[0])
        yield from Dispatch(cluster, self.config, observer, at_once).run(units_of(jobs, self.config.together))

    def at_once(self, jobs: Sequence[Job]) -> int:
        """See the contract; one where Slurm alone knows."""
        if self.config.workers is None and self.config.cluster == "local":
            return max(1, cores() // self.config.threads)
        return super().at_once(jobs)

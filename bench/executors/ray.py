"""A Ray cluster, or a Ray started on this machine for the run: each unit is a task."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import ClassVar

from bench.codes.threads import cores
from bench.config import setting
from bench.executors._cluster import ClusterConfig, need
from bench.grid.job import Job
from bench.grid.units import units_of
from bench.plugins import PluginInfo
from bench.plugins.executor import Executor
from bench.storage.store import StoredCell
from bench.training.progress import Observer
from bench.workers.dispatch import Dispatch

INFO = PluginInfo(
    name="ray",
    summary="a Ray cluster, or a Ray started on this machine",
    citation="Moritz et al., Ray: A Distributed Framework for Emerging AI Applications, OSDI 2018",
    licence="MIT (Ray itself: Apache-2.0)",
    homepage="https://www.ray.io",
)


class RayConfig(ClusterConfig):
    """Settings of ray."""

    address: str | None = setting(
        None, "auto, host:port or ray://host:port; none: $RAY_ADDRESS, else a Ray of its own on this machine"
    )
    gpus: float | None = setting(
        None, "GPUs of a unit, 0.5: two share one; none: one if the cluster has any and --device is not cpu", ge=0
    )
    shared: bool = setting(True, "whether all nodes see the output folder; if not, results come back through Ray")
    share: float = setting(
        2.0, "GiB of features or images of a dataset, up to which one node makes them for all; 0: each its own",
        source="fits the object store of a node with 8 GiB of memory, of which Ray takes 30 %", ge=0,
    )  # fmt: skip

    @property
    def place(self) -> str:
        """Where the cluster is; "local": nowhere yet."""
        return self.address or os.environ.get("RAY_ADDRESS") or "local"


class Ray(Executor):
    """A unit on a node that has `threads` CPUs, `gpus` GPUs and `memory` free."""

    Config: ClassVar[type[ClusterConfig]] = RayConfig

    def __init__(self, config: RayConfig) -> None:
        """Take settings.

        Raises:
            ConfigError: the package ray is not installed.
        """
        super().__init__(config)
        need("ray", INFO.name, "ray>=2.40")

    def run(self, jobs: Sequence[Job], observer: Observer) -> Iterator[StoredCell]:
        """See the contract.

        Raises:
            ConfigError: there is no cluster at the address, or it has no GPU though one is asked for.
        """
        if not jobs:
            return
        from bench.executors._ray_cluster import RayCluster, connected

        units = units_of(jobs, self.config.together)
        with connected(self.config):
            cluster = RayCluster(self.config, units, observer)
            yield from Dispatch(cluster, self.config, observer, self.config.workers).run(units)

    def at_once(self, jobs: Sequence[Job]) -> int:
        """See the contract; one, of a cluster that is asked only when it is to run."""
        if self.config.workers is None and self.config.place == "local":
            return max(1, cores() // self.config.threads)
        return super().at_once(jobs)

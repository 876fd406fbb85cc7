"""The contract of an executor: where cells run. Cells are independent of each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from bench.config import Config, setting
from bench.plugins.info import PluginInfo

if TYPE_CHECKING:
    from bench.grid.job import Job
    from bench.storage.store import StoredCell
    from bench.training.progress import Observer


class ExecutorConfig(Config):
    """Settings of every executor; none decides a result, but for `threads` and `together` in the last digits."""

    workers: int | None = setting(
        None, "processes at a time; none: as many as fit on the GPUs, or one for each core; 0: in this process (local)",
        source="project: one for a GPU until finished cells have told how busy they keep it", ge=0,
    )  # fmt: skip
    threads: int = setting(
        1, "threads of a cell on the CPU",
        source="one, however many cores there are: sums of floats hang on it, and a grid keeps all cores busy", ge=1,
    )  # fmt: skip
    together: bool = setting(
        True, "train linear heads on the same features, of one seed, in one pass: the same but for rounding, and faster"
    )
    timeout: float | None = setting(None, "seconds after which a cell counts as hanging and is ended", gt=0)
    retries: int = setting(
        1, "times that a unit whose process or node was lost is run again, before each of its cells is run alone",
        source="a process may be killed by accident; one that takes all memory should not be for ever", ge=0,
    )  # fmt: skip
    memory: float | None = setting(None, "GiB that a cell's process may take on the host", gt=0)


class Executor(ABC):
    """One way to run jobs, as one module of bench/executors/ or of another package."""

    INFO: ClassVar[PluginInfo]
    Config: ClassVar[type[ExecutorConfig]] = ExecutorConfig

    def __init__(self, config: Any) -> None:
        """Take settings, an instance of this class's `Config`."""
        self.config: Any = config

    def at_once(self, jobs: Sequence[Job]) -> int:
        """How many of these jobs, or units of them, run at a time: what the expected time is reckoned with."""
        return max(1, self.config.workers or 1)

    @abstractmethod
    def run(self, jobs: Sequence[Job], observer: Observer) -> Iterator[StoredCell]:
        """Run every job and yield its stored cell as soon as it is there, in any order.

        A job that fails is stored and yielded too; a worker that is lost costs its job in flight and nothing else.

        Raises:
            DataError: data that no cell on it could be run with; raised once all other cells have run.
            StoreError: results cannot be written.
        """

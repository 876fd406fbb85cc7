"""The contract of an executor: where cells run. Cells are independent of each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from bench.plugins.info import PluginInfo

if TYPE_CHECKING:
    from bench.grid.job import Job
    from bench.grid.store import StoredCell
    from bench.training.progress import Observer


class Executor(ABC):
    """One way to run jobs, as one module of bench/executors/ or of another package."""

    INFO: ClassVar[PluginInfo]

    @abstractmethod
    def run(self, jobs: Sequence[Job], observer: Observer) -> Iterator[StoredCell]:
        """Run every job and yield its stored cell as soon as it is there, in any order.

        A job that fails is stored and yielded too; a worker that is lost costs its job in flight and nothing else.
        """

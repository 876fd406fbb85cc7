"""Units where they run: what has begun, what is stored, what was lost. The same for this machine, Ray and Slurm."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bench.errors import BenchError, StoreError
from bench.grid.job import Job
from bench.grid.outcome import store_failure
from bench.grid.units import Unit
from bench.plugins.executor import ExecutorConfig
from bench.storage.claims import claimed_ids
from bench.storage.failures import Failure
from bench.storage.store import Store, StoredCell
from bench.training.progress import Observer
from bench.workers.messages import Message, error_in, relay

_SHARED = {"decoding images", "extracting features"}  # stages whose time is no one cell's
_PATIENCE = 2.0  # seconds between looks at cells that another run has in hand


@dataclass(frozen=True)
class End:
    """How a task has ended that has not said itself that it is done.

    Attributes:
        final: whether what it has left is not run again: someone has cancelled it, or it would end so again.
    """

    failure: Failure
    final: bool = False


class Task:
    """A unit that was handed over.

    Attributes:
        unit: cells that are neither stored nor given back.
        number: from 0, of those that run now; None while it waits for a machine.
        since: when its last cell began or ended, on the monotonic clock.
        shared: whether it does what all cells on a dataset profit of; that counts toward no cell's time.
        timed_out: whether it was ended because a cell took too long.
        advanced: whether any of its cells is stored.
    """

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.number: int | None = None
        self.since = time.monotonic()
        self.shared = self.timed_out = self.advanced = False


T = TypeVar("T", bound=Task)


class Cluster(ABC, Generic[T]):
    """What processes of this machine, Ray and Slurm each do in their way.

    Attributes:
        delay: seconds after which what another machine has written is seen.
    """

    delay: float = 0

    @abstractmethod
    def start(self, units: Sequence[Unit]) -> Sequence[T]:
        """Hand units over; they run when the cluster has room for them."""

    @abstractmethod
    def ended(self, tasks: Sequence[T]) -> Iterable[tuple[T, End]]:
        """Tasks that have ended, as far as the cluster knows."""

    @abstractmethod
    def hear(self, tasks: Sequence[T]) -> Iterable[tuple[T, Message]]:
        """What tasks have said since the last call; all that one has said before it was reported as ended.

        Waits a moment where there is nothing.
        """

    @abstractmethod
    def cancel(self, tasks: Sequence[T]) -> None:
        """End them, whether they run or wait."""

    def close(self) -> None:
        """Let go of all that was started."""

    def collect(self, job: Job, message: Message) -> StoredCell:
        """The cell that a task says it has stored."""
        end = time.monotonic() + self.delay
        while (stored := Store(job.out).read_newer(job.cell, job.seen)) is None:
            if time.monotonic() > end:
                raise StoreError(
                    f"{job.cell.title} was stored but is not in {job.out}: all machines must share that folder."
                )
            time.sleep(0.2)
        return stored


class Dispatch(Generic[T]):
    """Hands units to a cluster and follows them until every cell is stored."""

    def __init__(
        self, cluster: Cluster[T], config: ExecutorConfig, observer: Observer, at_once: int | None = None
    ) -> None:
        """Take how many units the cluster is given at a time; None: all of them, since it has a queue of its own."""
        self.cluster, self.config, self.observer, self.at_once = cluster, config, observer, at_once
        self.tasks: list[T] = []
        self.waiting: deque[Unit] = deque()
        self.elsewhere: list[Unit] = []  # cells that another run has in hand
        self.lost: Counter[str] = Counter()  # how many tasks have ended with a cell in hand
        self.error: BenchError | None = None
        self._looked = time.monotonic()

    def run(self, units: Sequence[Unit]) -> Iterator[StoredCell]:
        """Stored cells as they come; see `Executor.run` for errors."""
        self.waiting.extend(units)
        try:
            while self.waiting or self.tasks or self.elsewhere:
                self._hand_out()
                ends = list(self.cluster.ended(self.tasks))  # first: then all that they have said is heard below
                for task, message in self.cluster.hear(self.tasks):
                    yield from self._hear(task, message)
                for task, end in ends:
                    if task in self.tasks:
                        yield from self._bury(task, end)
                self._end_those_that_hang()
                yield from self._look_elsewhere()
        finally:
            if self.tasks:
                self.cluster.cancel(self.tasks)
            self.cluster.close()
        if self.error is not None:
            raise self.error

    def _hand_out(self) -> None:
        room = len(self.waiting) if self.at_once is None else self.at_once - len(self.tasks)
        units = [self.waiting.popleft() for _ in range(min(room, len(self.waiting)))]
        if units:
            self.tasks += self.cluster.start(units)

    def _hear(self, task: T, message: Message) -> Iterator[StoredCell]:
        if task not in self.tasks:
            return
        match message["say"]:
            case "cells":
                self._begin(task, message["ids"])
            case "stored":
                job = next((job for job in task.unit if job.cell.id == message["id"]), None)
                if job is not None:  # else heard twice: the task was run again
                    yield self._drop(task, job, self.cluster.collect(job, message))
            case "error":
                self._give_up(task, error_in(message))
            case "done":
                self.tasks.remove(task)
                if task.unit:
                    self.elsewhere.append(task.unit)
            case what:
                if what == "stage":
                    task.shared = message["name"] in _SHARED
                if task.shared:
                    task.since = time.monotonic()
                relay(message, self._observer(task))

    def _begin(self, task: T, ids: Sequence[str]) -> None:
        if task.number is None:
            taken = {task.number for task in self.tasks}
            task.number = next(number for number in range(len(taken) + 1) if number not in taken)
        task.since, task.shared = time.monotonic(), False
        self._observer(task).begin([job.cell for job in task.unit if job.cell.id in ids])

    def _drop(self, task: T, job: Job, stored: StoredCell) -> StoredCell:
        task.unit = tuple(other for other in task.unit if other is not job)
        task.advanced = True
        task.since = time.monotonic()
        self._observer(task).stored(stored)
        return stored

    def _observer(self, task: T) -> Observer:
        return self.observer.worker(task.number or 0)

    def _give_up(self, task: T, error: BenchError) -> None:
        """An error that every cell on the same data would end with, or every cell at all."""
        if isinstance(error, StoreError):
            raise error
        self.error = self.error or error
        if not task.unit:
            return
        spoilt = task.unit[0].cell.fingerprint
        task.unit = ()
        self.waiting = deque(unit for unit in self.waiting if unit[0].cell.fingerprint != spoilt)
        self.elsewhere = [unit for unit in self.elsewhere if unit[0].cell.fingerprint != spoilt]
        idle = [t for t in self.tasks if t.number is None and t.unit and t.unit[0].cell.fingerprint == spoilt]
        self.tasks = [task for task in self.tasks if task not in idle]
        self.cluster.cancel(idle)

    def _bury(self, task: T, end: End) -> Iterator[StoredCell]:
        """A task has ended. Its unit is run once more, as it was; if that ends badly again, cell by cell.

        One that has stored a cell leaves others that it need not have begun: they have lost nothing yet.
        """
        for job in task.unit:
            stored = Store(job.out).read_newer(job.cell, job.seen)  # the message was lost with the machine
            if stored is not None:
                yield self._drop(task, job, stored)
        self.tasks.remove(task)
        unit = task.unit
        if not task.advanced:
            self.lost.update(job.cell.id for job in unit)
        if task.timed_out:
            end = End(Failure("timeout", f"not done after {self.config.timeout:g} s: ended as --timeout says"))
        hopeful = not end.final and end.failure.kind != "timeout"
        if unit and hopeful and all(self.lost[job.cell.id] <= self.config.retries for job in unit):
            self.waiting.appendleft(unit)
        elif len(unit) > 1 and not end.final:
            self.waiting.extendleft((job,) for job in reversed(unit))
        else:
            for job in unit:
                yield self._drop(task, job, store_failure(job, end.failure, time.monotonic() - task.since))

    def _end_those_that_hang(self) -> None:
        if self.config.timeout is None:
            return
        for task in list(self.tasks):
            late = time.monotonic() - task.since > self.config.timeout * len(task.unit)
            if task.number is not None and task.unit and late and not task.timed_out:
                task.timed_out = True
                self.cluster.cancel([task])

    def _look_elsewhere(self) -> Iterator[StoredCell]:
        """Cells that another run has stored in the meantime, or has let go of."""
        if not self.elsewhere or time.monotonic() - self._looked < _PATIENCE:
            return
        self._looked = time.monotonic()
        units, self.elsewhere = self.elsewhere, []
        for unit in units:
            store, left = Store(unit[0].out), []
            running = claimed_ids(store.cells)
            for job in unit:
                stored = store.read_newer(job.cell, job.seen)
                if stored is None:
                    left.append(job)
                else:
                    self.observer.stored(stored)
                    yield stored
            if any(job.cell.id in running for job in left):
                self.elsewhere.append(tuple(left))
            elif left:
                self.waiting.append(tuple(left))

"""Processes of this machine as `Dispatch` sees them: pinned to its devices in turn, each takes unit after unit."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bench.grid.units import Unit
from bench.plugins.executor import ExecutorConfig
from bench.storage.failures import Failure
from bench.workers.dispatch import Cluster, End, Task
from bench.workers.messages import Message
from bench.workers.process import Worker

_PAUSE = 0.5  # seconds to wait where no worker has said anything


class PoolTask(Task):
    """A unit as a worker has it in hand."""

    def __init__(self, unit: Unit, worker: Worker) -> None:
        super().__init__(unit)
        self.worker = worker


class Pool(Cluster[PoolTask]):
    """Worker processes; one is started where a unit finds none idle."""

    def __init__(self, config: ExecutorConfig, devices: Sequence[str], most: int) -> None:
        """`most` workers will be busy at a time."""
        self.config, self.devices, self.shared = config, devices, most > len(devices)
        self.inbox: queue.Queue[tuple[Worker, Message | None]] = queue.Queue()
        self.workers: list[Worker] = []
        self.busy: dict[Worker, PoolTask] = {}
        self.ends: list[tuple[PoolTask, End]] = []

    def start(self, units: Sequence[Unit]) -> list[PoolTask]:
        """See `Cluster`."""
        return [self._start(unit) for unit in units]

    def _start(self, unit: Unit) -> PoolTask:
        worker = next((worker for worker in self.workers if worker not in self.busy), None) or self._new()
        device = self.devices[worker.number % len(self.devices)]
        worker.give(tuple(replace(job, device=device, shares_gpu=self.shared) for job in unit))
        self.busy[worker] = PoolTask(unit, worker)
        return self.busy[worker]

    def _new(self) -> Worker:
        numbers = {worker.number for worker in self.workers}
        worker = Worker(next(n for n in range(len(numbers) + 1) if n not in numbers), self.config, self.inbox)
        self.workers.append(worker)
        return worker

    def ended(self, tasks: Sequence[PoolTask]) -> Iterable[tuple[PoolTask, End]]:
        """See `Cluster`."""
        ends, self.ends = self.ends, []
        return ends

    def hear(self, tasks: Sequence[PoolTask]) -> Iterable[tuple[PoolTask, Message]]:
        """See `Cluster`."""
        for worker, message in self._new_messages():
            task = self.busy.get(worker)
            if message is None:
                self.workers.remove(worker)
            if message is None or message["say"] == "done":
                self.busy.pop(worker, None)
            if task is not None and message is not None:
                yield task, message
            elif task is not None:
                self.ends.append((task, End(Failure("killed", worker.death()))))

    def _new_messages(self) -> Iterator[tuple[Worker, Message | None]]:
        try:
            yield self.inbox.get(timeout=_PAUSE)
            while True:
                yield self.inbox.get_nowait()
        except queue.Empty:
            return

    def cancel(self, tasks: Sequence[PoolTask]) -> None:
        """See `Cluster`."""
        for task in tasks:
            task.worker.kill()

    def close(self) -> None:
        """See `Cluster`."""
        for worker in self.workers:
            worker.kill()

"""Units to workers: each gets the next one when it is free; what a lost worker had in hand is run again."""

from __future__ import annotations

import queue
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.errors import BenchError, StoreError
from bench.grid.failures import Failure
from bench.grid.job import Job
from bench.grid.outcome import store_failure
from bench.grid.store import Store, StoredCell
from bench.grid.units import Unit
from bench.plugins.executor import ExecutorConfig
from bench.training.progress import Observer
from bench.workers.messages import error_in, relay
from bench.workers.process import Message, Worker

_SHARED = {"decoding images", "extracting features"}  # stages whose time is no one cell's
_PATIENCE = 0.5  # seconds between looks at cells that another run has in hand, and at the clock


class Pool:
    """Processes on this machine, pinned to its devices in turn."""

    def __init__(self, config: ExecutorConfig, workers: int, devices: Sequence[str], observer: Observer) -> None:
        self.config, self.devices, self.observer = config, devices, observer
        self.inbox: queue.Queue[tuple[Worker, Message | None]] = queue.Queue()
        self.workers: list[Worker] = []
        self.size = workers
        self.waiting: deque[Unit] = deque()
        self.elsewhere: deque[Unit] = deque()  # cells that another run has in hand
        self.lost: Counter[str] = Counter()  # how many workers have ended with a cell in hand
        self.error: BenchError | None = None

    def run(self, units: Sequence[Unit]) -> Iterator[StoredCell]:
        """Stored cells as they come; see `Executor.run` for errors."""
        self.waiting.extend(units)
        looked = time.monotonic()
        try:
            self._hand_out()
            while self.elsewhere or any(worker.busy for worker in self.workers):
                try:
                    worker, message = self.inbox.get(timeout=_PATIENCE)
                except queue.Empty:
                    pass
                else:
                    yield from self._hear(worker, message)
                self._end_those_that_hang()
                if self.elsewhere and time.monotonic() - looked > _PATIENCE:
                    looked = time.monotonic()
                    self.waiting.extend(self.elsewhere)
                    self.elsewhere.clear()
                self._hand_out()
        finally:
            for worker in self.workers:
                worker.kill()
        if self.error is not None:
            raise self.error

    def _hand_out(self) -> None:
        while self.waiting:
            worker = next((worker for worker in self.workers if not worker.busy), None)
            if worker is None and len(self.workers) == self.size:
                return
            if worker is None:
                numbers = {worker.number for worker in self.workers}
                worker = Worker(next(n for n in range(self.size) if n not in numbers), self.config, self.inbox)
                self.workers.append(worker)
            device = self.devices[worker.number % len(self.devices)]
            worker.give(tuple(replace(job, device=device) for job in self.waiting.popleft()))

    def _hear(self, worker: Worker, message: Message | None) -> Iterator[StoredCell]:
        observer = self.observer.worker(worker.number)
        if message is None:
            yield from self._bury(worker)
            return
        match message["say"]:
            case "cells":
                worker.begin()
                observer.begin([job.cell for job in worker.unit if job.cell.id in message["ids"]])
            case "stored":
                job = worker.job(message["id"])
                worker.drop(message["id"])
                stored = Store(job.out).read(job.cell)
                if stored is None:
                    raise StoreError(f"{job.cell.title} was stored but cannot be read: look at {job.out}.")
                observer.stored(stored)
                yield stored
            case "error":
                self._give_up(worker, error_in(message))
            case "done":
                if worker.unit:  # cells that another run has in hand
                    self.elsewhere.append(worker.unit)
                worker.unit, worker.busy = (), False
            case what:
                if what == "stage":
                    worker.shared = message["name"] in _SHARED
                if worker.shared:
                    worker.since = time.monotonic()
                relay(message, observer)

    def _give_up(self, worker: Worker, error: BenchError) -> None:
        """An error that every cell on the same data would end with, or every cell at all."""
        if isinstance(error, StoreError):
            raise error
        self.error = self.error or error
        print_of = worker.unit[0].cell.fingerprint
        worker.unit = ()
        for units in (self.waiting, self.elsewhere):
            kept = [unit for unit in units if unit[0].cell.fingerprint != print_of]
            units.clear()
            units.extend(kept)

    def _bury(self, worker: Worker) -> Iterator[StoredCell]:
        """A worker has ended. Its unit is run once more, as it was; if that ends a worker again, cell by cell."""
        self.workers.remove(worker)
        unit = worker.unit
        self.lost.update(job.cell.id for job in unit)
        again = not worker.timed_out and all(self.lost[job.cell.id] < 2 for job in unit)
        if unit and again:
            self.waiting.appendleft(unit)
        elif len(unit) > 1:
            self.waiting.extendleft((job,) for job in reversed(unit))
        elif unit:
            yield self._failed(unit[0], worker)

    def _failed(self, job: Job, worker: Worker) -> StoredCell:
        if worker.timed_out:
            failure = Failure("timeout", f"not done after {self.config.timeout:g} s: ended as --timeout says")
        else:
            failure = Failure("killed", worker.death())
        stored = store_failure(job, failure, time.monotonic() - worker.since)
        self.observer.worker(worker.number).stored(stored)
        return stored

    def _end_those_that_hang(self) -> None:
        if self.config.timeout is None:
            return
        for worker in self.workers:
            cells = len(worker.unit)
            if worker.running and cells and time.monotonic() - worker.since > self.config.timeout * cells:
                worker.timed_out = True
                worker.kill()

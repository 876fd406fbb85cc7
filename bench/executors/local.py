"""This machine: processes pinned to its GPUs, as many as fit on them, or one for each core."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import ClassVar

from bench.codes.threads import cores
from bench.errors import DataError
from bench.grid.gpu_room import gpu_room
from bench.grid.job import Job
from bench.grid.units import Unit, units_of
from bench.plugins import PluginInfo
from bench.plugins.executor import Executor, ExecutorConfig
from bench.storage.store import Store, StoredCell
from bench.training.devices import worker_devices
from bench.training.progress import Observer

INFO = PluginInfo(name="local", summary="this machine: processes on its GPUs, or one for each core", licence="MIT")


class Local(Executor):
    """Cells in processes of their own; with `workers` 0 in this one, where nothing can be ended from outside.

    Where `workers` is not set, $BENCH_WORKERS is their number; else there is one for each core, or for each GPU as many
    as fit by what finished cells like these have left of it.
    """

    Config: ClassVar[type[ExecutorConfig]] = ExecutorConfig

    def run(self, jobs: Sequence[Job], observer: Observer) -> Iterator[StoredCell]:
        """See the contract."""
        if not jobs:
            return iter(())
        devices = worker_devices(jobs[0].device)
        workers = self._workers(jobs, devices)
        units = units_of(jobs, self.config.together)
        if workers == 0:
            return _here(units, observer)
        from bench.workers.dispatch import Dispatch
        from bench.workers.pool import Pool

        return Dispatch(Pool(self.config, devices, workers), self.config, observer, workers).run(units)

    def at_once(self, jobs: Sequence[Job]) -> int:
        """See the contract."""
        return max(1, self._workers(jobs, worker_devices(jobs[0].device))) if jobs else 1

    def _workers(self, jobs: Sequence[Job], devices: Sequence[str]) -> int:
        if self.config.workers is not None:
            return int(self.config.workers)
        if os.environ.get("BENCH_WORKERS", "").isdecimal():
            return int(os.environ["BENCH_WORKERS"])
        on_cores = max(1, cores() // self.config.threads)
        if devices == ["cpu"]:
            return on_cores
        room = gpu_room([job.cell for job in jobs], Store(jobs[0].out).read_all())
        return max(len(devices), min(on_cores, len(devices) * room.cells if room else 0))


def _here(units: Sequence[Unit], observer: Observer) -> Iterator[StoredCell]:
    """In this process, one unit after the other; cells that another run has in hand come last."""
    from bench.workers.work import work
    from bench.workshop import Workshop

    workshop, waiting = Workshop(observer), deque(units)
    error: DataError | None = None
    spoilt: set[str] = set()  # fingerprints of data that no cell can be run on
    while waiting:
        unit = waiting.popleft()
        if unit[0].cell.fingerprint in spoilt:
            continue
        done = set()
        try:
            for stored in work(unit, workshop, observer):
                done.add(stored.cell.id)
                observer.stored(stored)
                yield stored
        except DataError as found:
            error = error or found
            spoilt.add(unit[0].cell.fingerprint)
            continue
        left = tuple(job for job in unit if job.cell.id not in done)
        if left:
            waiting.append(left)
            time.sleep(0.5 if len(waiting) == 1 else 0)
    if error is not None:
        raise error

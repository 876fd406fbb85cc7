"""Run a unit's cells, as far as nobody else runs or has just run them. The same in every executor."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.errors import DataError, DeviceLostError, StoreError
from bench.experiment import run_unit
from bench.grid.job import Job
from bench.grid.units import Unit
from bench.storage.claims import claimed
from bench.storage.store import Store, StoredCell
from bench.training.progress import Observer
from bench.workers.messages import Sender
from bench.workshop import Workshop


def work(unit: Unit, workshop: Workshop, observer: Observer) -> Iterator[StoredCell]:
    """Stored cells of the unit; those that another process is running are left out, to be asked for again later.

    Raises:
        DataError, DeviceLostError, StoreError: as `run_unit`.
    """
    with ExitStack() as claims:
        mine: list[Job] = []
        for job in unit:
            store = Store(job.out)
            if claims.enter_context(claimed(store.cells, job.cell)):
                made = store.read_newer(job.cell, job.seen)  # by another run, after this one was planned
                if made is None:
                    mine.append(job)
                else:
                    yield made
        yield from run_unit(tuple(mine), workshop, observer)


def serve(unit: Unit, workshop: Workshop, sender: Sender) -> None:
    """Run a unit for a parent that is told of all that comes of it."""
    try:
        with ending_with_the_gpu():
            for stored in work(unit, workshop, sender):
                sender.stored(stored)
    except (DataError, StoreError) as error:
        sender.error(error)
    sender.say("done")


@contextmanager
def ending_with_the_gpu() -> Iterator[None]:
    """Ends the process where it has lost its GPU: whoever waits for it gives what is left to another process.

    At once, since what Python does at its end may ask the GPU once more, and wait for it.
    """
    try:
        yield
    except DeviceLostError as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201 - the worker's log
        os._exit(1)

"""What runs on the nodes of a Ray cluster. Nothing heavy is imported before the number of threads is set."""

from __future__ import annotations

import functools
import io
import json
import socket
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import bench
from bench.data.cache import arrays_given, arrays_read
from bench.errors import DataError, StoreError
from bench.executors._cluster import begin_process
from bench.storage.store import Store, StoredCell
from bench.training.progress import Observer
from bench.workers.messages import Sender

if TYPE_CHECKING:
    from ray.util.queue import Queue

    from bench.grid.job import Job
    from bench.workshop import Workshop

Order = dict[str, Any]


class _Pipe(io.StringIO):
    """Puts what a sender writes into the driver's queue, as (task, text, arrays), and waits until it is there."""

    queue: Queue
    number: int

    def write(self, text: str) -> int:
        self.queue.put((self.number, text, b""))
        return len(text)


_pipe = _Pipe()
_sender = Sender(_pipe)  # of this process, which runs one unit after the other


def run_unit(order: str, number: int, queue: Queue, given: Mapping[str, NDArray[Any]]) -> None:
    """Run a unit and tell the driver of it.

    Args:
        order: JSON of settings and jobs.
        number: of the task, in what it says.
        given: arrays of other nodes' caches, in the object store of this one.
    """
    _pipe.queue, _pipe.number = queue, number
    options = _begin(order)
    try:
        _check(options)
        _run(options, given)
    except (DataError, StoreError) as error:
        _sender.error(error)
    _sender.say("done")


def arrays_for_all(order: str) -> dict[str, NDArray[Any]]:
    """Make what is made once for a dataset, and return what a process that has not made it would read.

    Nothing where it is more than the driver allows, or where an error ends it, which the units run into and tell of.
    """
    options = _begin(order)
    from bench.codes.threads import cores
    from bench.training.regimes import TrainConfig
    from bench.workshop import Workshop

    (job,) = _jobs(options)
    job.add_plugins()
    config = TrainConfig.build("train", {**job.cell.train, "backbone": job.cell.backbone})
    try:
        Workshop(Observer(), cores()).material(job, config)
        with arrays_read() as read:
            Workshop(Observer(), cores()).material(job, config)
    except Exception:
        return {}
    if sum(array.nbytes for array in read.values()) > options["share"] * 2**30:
        return {}
    return {key: np.asarray(array) for key, array in read.items()}


def _begin(order: str) -> Order:
    options: Order = json.loads(order)
    begin_process(options)
    return options


def _check(options: Order) -> None:
    """See that this node can do the work as the driver means it."""
    here, there = bench.__version__, options["version"]
    if here != there:
        raise StoreError(f"node {socket.gethostname()} has bench {here}, the driver {there}: install the same on both.")
    out = Path(options["jobs"][0]["out"])
    if options["shared"] and not Store(out).cells.is_dir():
        raise StoreError(
            f"node {socket.gethostname()} does not see the output folder {out}: use one that all nodes share, or "
            "--set ray.shared=false."
        )


def _run(options: Order, given: Mapping[str, NDArray[Any]]) -> None:
    from bench.workers.work import ending_with_the_gpu, work

    jobs = _jobs(options)
    with ExitStack() as inside:
        inside.enter_context(ending_with_the_gpu())
        inside.enter_context(arrays_given(given))
        if not options["shared"]:
            folder = Path(inside.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            jobs = tuple(replace(job, out=folder) for job in jobs)
        for stored in work(jobs, _workshop(), _sender):
            if options["shared"]:
                _sender.stored(stored)
            else:
                _send(stored)


def _send(stored: StoredCell) -> None:
    """The cell itself, for a driver that does not see this node's files."""
    text = json.dumps({"say": "stored", "id": stored.cell.id, "result": stored.result})
    _pipe.queue.put((_pipe.number, text, (stored.path / "arrays.npz").read_bytes()))


def _jobs(options: Order) -> tuple[Job, ...]:
    from bench.grid.job import Job

    return tuple(Job.load(job) for job in options["jobs"])


@functools.cache
def _workshop() -> Workshop:
    """This process's, kept from unit to unit."""
    from bench.codes.threads import cores
    from bench.workshop import Workshop

    return Workshop(_sender, shared_threads=cores())

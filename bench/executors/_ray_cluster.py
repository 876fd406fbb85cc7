"""Ray as `Dispatch` sees it: units are tasks, what they say comes through a queue on the driver's node."""

from __future__ import annotations

import io
import itertools
import json
import socket
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError, TaskCancelledError
from ray.util.queue import Queue
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import bench
from bench.codes.threads import cores
from bench.errors import BenchWarning, ConfigError, first_line
from bench.executors._cluster import placed
from bench.executors._ray_tasks import arrays_for_all, run_unit
from bench.grid.job import Job
from bench.grid.units import Unit
from bench.storage.claims import claimed
from bench.storage.failures import Failure
from bench.storage.provenance import command
from bench.storage.store import Store, StoredCell
from bench.training.progress import Observer
from bench.training.regimes import regime_named
from bench.workers.dispatch import Cluster, End, Task
from bench.workers.messages import Message

if TYPE_CHECKING:
    from bench.executors.ray import RayConfig

_PAUSE = 0.2  # seconds to wait where no task has said anything
_KNOCK = 10.0  # seconds for an address to answer


@contextmanager
def connected(config: RayConfig) -> Iterator[None]:
    """Inside, Ray is there: the program's own connection, a cluster, or one started on this machine and ended here.

    Raises:
        ConfigError: nothing answers at the address.
    """
    if ray.is_initialized():
        yield
        return
    address = config.place
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address == "local":
        cpus = max(cores(), config.threads) if config.workers is None else config.workers * config.threads
        options |= {"num_cpus": cpus, "include_dashboard": False}
    try:
        _knock(address)
        ray.init(address, **options)
    except Exception as error:  # of many types: OSError, RuntimeError, ValueError, Ray's own
        raise ConfigError(
            f"no Ray cluster answers at {address} ({str(error).strip().splitlines()[0]}): start one with ray start "
            "--head, correct --set ray.address, or leave it out and Ray is started on this machine."
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Ray itself would wait for minutes where nothing listens."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK).close()


class RayTask(Task):
    """A unit as a task of Ray; `claims` are held here where the nodes do not see the output folder."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit)
        self.claims = ExitStack()
        self.reference: Any = None


class RayCluster(Cluster[RayTask]):
    """The cluster that this process is connected with."""

    config: RayConfig

    def __init__(self, config: RayConfig, units: Sequence[Unit], observer: Observer) -> None:
        self.config, self.delay = config, config.delay
        gpus = _gpus(config, units[0][0].device)
        self.device, self.shares_gpu = "cuda" if gpus else "cpu", 0 < gpus < 1
        self.needs = {"num_cpus": config.threads, "num_gpus": gpus}
        if config.memory is not None:
            self.needs["memory"] = int(config.memory * 2**30)
        self.remote = self._remote(run_unit)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.queue = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
        self.tasks: dict[int, RayTask] = {}
        self.numbers = itertools.count()
        self.tried: set[str] = set()  # first cells of units
        self.given = self._made_once(units, observer)

    def _remote(self, function: Callable[..., Any]) -> Any:
        """What Ray runs on a node with what a unit needs.

        Where that is a GPU, in a process of its own each time: one that has used a GPU would not see that the next unit
        was given another. Ray does so by itself only where GPUs are named here, not in `options`.
        """
        options: dict[str, Any] = {**self.needs, **({"max_calls": 1} if self.needs["num_gpus"] else {})}
        return ray.remote(**options)(function)

    def start(self, units: Sequence[Unit]) -> list[RayTask]:
        """See `Cluster`."""
        return [self._start(unit) for unit in units]

    def _start(self, unit: Unit) -> RayTask:
        task, number = RayTask(unit), next(self.numbers)
        self.tasks[number] = task
        if self.config.shared or _claim(task):
            remote = self.remote.options(max_retries=0, name=unit[0].cell.title)
            first = unit[0].cell.id not in self.tried  # else it may have been lost for what it was given
            self.tried.add(unit[0].cell.id)
            given = self.given.get(_read(unit[0]), {}) if first else {}
            task.reference = remote.remote(self._order(unit), number, self.queue, given)
        return task

    def ended(self, tasks: Sequence[RayTask]) -> Iterable[tuple[RayTask, End]]:
        """See `Cluster`."""
        running = {task.reference: task for task in tasks if task.reference is not None}
        done, _ = ray.wait(list(running), num_returns=len(running), timeout=0) if running else ([], [])
        for reference in done:
            task = running[reference]
            task.claims.close()
            yield task, _end(reference)

    def hear(self, tasks: Sequence[RayTask]) -> Iterable[tuple[RayTask, Message]]:
        """See `Cluster`."""
        for task in tasks:
            if task.reference is None:
                yield task, {"say": "done"}
        size = self.queue.qsize()
        if not size:
            time.sleep(_PAUSE)
            return
        for number, text, arrays in self.queue.get_nowait_batch(size):
            task, message = self.tasks[number], json.loads(text)
            yield task, {**message, "arrays": arrays} if arrays else message
            if message["say"] == "done":
                task.claims.close()

    def cancel(self, tasks: Sequence[RayTask]) -> None:
        """See `Cluster`."""
        for task in tasks:
            if task.reference is not None:
                ray.cancel(task.reference, force=True)
            task.claims.close()

    def collect(self, job: Job, message: Message) -> StoredCell:
        """From the output folder, or from the message into it."""
        if self.config.shared:
            return super().collect(job, message)
        with np.load(io.BytesIO(message["arrays"]), allow_pickle=False) as file:
            return Store(job.out).write(job.cell, message["result"], dict(file))

    def _order(self, jobs: Sequence[Job]) -> str:
        order = {name: getattr(self.config, name) for name in ("threads", "memory", "shared", "share")}
        jobs = [replace(placed(job, self.device), shares_gpu=self.shares_gpu) for job in jobs]
        order |= {"version": bench.__version__, "command": command(), "jobs": [job.dump() for job in jobs]}
        return json.dumps(order)

    def _made_once(self, units: Sequence[Unit], observer: Observer) -> dict[Any, Any]:
        """References to arrays that several units read, made by one node; a unit begins when its own are there."""
        if self.config.place == "local" or not self.config.share:
            return {}
        groups: dict[Any, list[Job]] = defaultdict(list)
        for unit in units:
            groups[_read(unit[0])].append(unit[0])
        remote = self._remote(arrays_for_all)
        wanted = {key: jobs[0] for key, jobs in groups.items() if key is not None and len(jobs) > 1}
        for job in wanted.values():
            observer.stage(f"preparing {job.cell.dataset_label} for all nodes", 0)
        return {key: remote.remote(self._order([job])) for key, job in wanted.items()}


def _gpus(config: RayConfig, device: str) -> float:
    """GPUs that a unit asks for."""
    there = ray.cluster_resources().get("GPU", 0)
    gpus = config.gpus if config.gpus is not None else float(device != "cpu" and there > 0)
    if device == "cpu" and gpus:
        raise ConfigError(f"--device cpu and ray.gpus = {gpus:g} contradict each other: leave one of them out.")
    if device != "cpu" and device != "auto" and not gpus:
        raise ConfigError(f"--device {device} needs a GPU, and the Ray cluster has none: use --device cpu or auto.")
    if gpus > there:
        warnings.warn(
            f"the Ray cluster has {there:g} GPUs now, a unit asks for {gpus:g}: it waits for a node that has them.",
            BenchWarning, stacklevel=2,
        )  # fmt: skip
    return gpus


def _read(job: Job) -> tuple[Any, ...] | None:
    """What decides which features or images a unit reads; None for a dataset that has its features itself."""
    cell = job.cell
    if cell.backbone == "features":
        return None
    frozen, sizes = regime_named(cell.regime).frozen, (cell.train["image_size"], cell.train["store_size"])
    return cell.fingerprint, frozen, sizes, *([cell.backbone, cell.weights] if frozen else [])


def _claim(task: RayTask) -> bool:
    """Whether all of its cells are this run's to run; else none is claimed, and the unit is for later."""
    for job in task.unit:
        store = Store(job.out)
        free = task.claims.enter_context(claimed(store.cells, job.cell))
        if not free or store.read_newer(job.cell, job.seen) is not None:
            task.claims.close()
            return False
    return True


def _end(reference: Any) -> End:
    """How a task has ended, unless it has said itself that it is done."""
    try:
        ray.get(reference)
    except TaskCancelledError:
        return End(Failure("killed", "its task was cancelled"), final=True)
    except OutOfMemoryError:
        return End(Failure("out-of-memory", "out of memory: Ray ended its process because its node had none left"))
    except RayTaskError as error:
        cause = error.cause
        reason = first_line(cause, "no reason given")
        return End(Failure("error", f"{type(cause).__name__}: {reason}", str(error)), final=True)
    except RayError as error:
        how = "node was lost" if "Node" in type(error).__name__ else "process ended without a word"
        return End(Failure("killed", f"its {how} ({type(error).__name__})"))
    return End(Failure("killed", "its task ended without a word"))

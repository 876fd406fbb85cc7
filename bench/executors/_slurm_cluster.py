"""Slurm as `Dispatch` sees it: units are jobs, what they say is in files of OUT/slurm, as are their logs."""

from __future__ import annotations

import getpass
import json
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError, environment_variables

from bench.errors import ConfigError
from bench.executors._cluster import placed
from bench.executors._slurm_job import UnitJob
from bench.grid.job import Job
from bench.grid.units import Unit
from bench.jsonlines import read_lines
from bench.storage.failures import Failure, Kind
from bench.storage.provenance import command
from bench.workers.dispatch import Cluster, End, Task
from bench.workers.messages import Message

if TYPE_CHECKING:
    from bench.executors.slurm import SlurmConfig

_PAUSE = 0.5  # seconds to wait where no job has said anything
_WAITS = {"PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT", "CONFIGURING"}
_ENDED: dict[str, tuple[Kind, str]] = {  # Slurm's states -> the class of the failure, and what follows the job's number
    "COMPLETED": ("killed", "ended without a word"),
    "FAILED": ("killed", "ended with an error"),
    "CANCELLED": ("killed", "was cancelled"),
    "TIMEOUT": ("timeout", "reached its time limit"),
    "DEADLINE": ("timeout", "reached its deadline"),
    "OUT_OF_MEMORY": ("out-of-memory", "took more memory than it was given"),
    "NODE_FAIL": ("killed", "was lost with its node"),
    "BOOT_FAIL": ("killed", "was lost with its node"),
    "PREEMPTED": ("killed", "had to make room for another"),
    "GONE": ("killed", "is not known to Slurm any more"),
    "FINISHED": ("killed", "ended without a word"),  # these two are submitit's, of processes on this machine
    "INTERRUPTED": ("killed", "was ended by a signal"),
}


class SlurmTask(Task):
    """A unit as a job.

    Attributes:
        messages: the file it writes to; `read` bytes of it are read, `heard` is what they say.
        interrupted: how many times it has been queued again at its time limit, or to make room.
        over: when it was first seen to have ended, on the monotonic clock.
    """

    def __init__(self, unit: Unit, messages: Path) -> None:
        super().__init__(unit)
        self.messages, self.read = messages, 0
        self.heard: list[Message] = []
        self.interrupted = 0
        self.over: float | None = None
        self.job: Any = None  # submitit's


class SlurmCluster(Cluster[SlurmTask]):
    """The cluster that this machine submits to, or this machine as one."""

    config: SlurmConfig

    def __init__(self, config: SlurmConfig, first: Job) -> None:
        self.config, self.delay, self.local = config, config.delay, config.cluster == "local"
        if first.device not in ("auto", "cpu") and not config.gpus:
            raise ConfigError(f"--device {first.device} needs a GPU: ask for one with --set slurm.gpus=1.")
        if first.device == "cpu" and config.gpus:
            raise ConfigError("--device cpu and slurm.gpus = 1 contradict each other: leave one of them out.")
        self.device = "cuda" if config.gpus else "cpu"
        self.folder = first.out.absolute() / "slurm"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.looked = 0.0

    def start(self, units: Sequence[Unit]) -> list[SlurmTask]:
        """See `Cluster`."""
        tasks = [SlurmTask(unit, self.folder / f"{uuid.uuid4().hex}.messages") for unit in units]
        arrays = [tasks[first : first + self.config.array] for first in range(0, len(tasks), self.config.array)]
        for array in arrays:
            self._submit(array, len(arrays))
        return tasks

    def _submit(self, tasks: Sequence[SlurmTask], arrays: int) -> None:
        threads = str(self.config.threads)
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        try:
            # NumPy reads them when it is imported
            with environment_variables(**dict.fromkeys(names, threads)), _interruptible():
                jobs = self._executor(arrays).submit_array([UnitJob(self._order(task)) for task in tasks])
        except (FailedJobError, FailedSubmissionError, subprocess.SubprocessError, OSError) as error:
            text = " ".join(str(error).split())
            raise ConfigError(
                f"Slurm refuses the jobs ({text}): choose with --set slurm.partition=..., slurm.account=... and others."
            ) from None
        for task, job in zip(tasks, jobs, strict=True):
            task.job = job

    def _executor(self, arrays: int) -> Any:
        config = self.config
        if self.local:
            local = submitit.LocalExecutor(folder=self.folder, max_num_timeout=config.requeues)
            local.update_parameters(timeout_min=config.time, gpus_per_node=config.gpus, signal_delay_s=config.grace)
            return local
        slurm = submitit.SlurmExecutor(folder=self.folder, max_num_timeout=config.requeues)
        chosen = {
            "job_name": "bench", "time": config.time, "cpus_per_task": config.cpus or config.threads,
            "signal_delay_s": config.grace, "partition": config.partition, "account": config.account,
            "mem": None if config.memory is None else f"{int(config.memory * 1024)}MB",
            "gpus_per_node": config.gpus or None, "setup": list(config.setup) or None,
            "array_parallelism": None if config.workers is None else max(1, config.workers // arrays),
            "additional_parameters": {"requeue": True, **config.extra},
        }  # fmt: skip
        slurm.update_parameters(**{name: value for name, value in chosen.items() if value is not None})
        return slurm

    def _order(self, task: SlurmTask) -> str:
        jobs = [placed(job, self.device).dump() for job in task.unit]
        order = {"threads": self.config.threads, "memory": self.config.memory, "command": command()}
        return json.dumps({**order, "messages": str(task.messages), "jobs": jobs})

    def ended(self, tasks: Sequence[SlurmTask]) -> Iterable[tuple[SlurmTask, End]]:
        """See `Cluster`; asks from time to time."""
        now = time.monotonic()
        if not tasks or now - self.looked < (_PAUSE if self.local else self.config.poll):
            return
        self.looked = now
        states = {task.job.job_id: task.job.state for task in tasks} if self.local else _states()
        if states is None:
            return
        self._read(tasks)
        for task in tasks:
            state = states.get(task.job.job_id, "GONE")
            if state in _WAITS:
                task.number = None  # its time does not run
            elif state in _ENDED:
                task.over = task.over or now
                known = self.local or task.timed_out or now - task.over >= self.config.delay
                if known:  # else its last words may not be seen yet
                    yield task, self._end(task, state)

    def _end(self, task: SlurmTask, state: str) -> End:
        kind, how = _ENDED[state]
        if task.interrupted > self.config.requeues:
            kind, how = "timeout", f"reached its time limit of {self.config.time} min {task.interrupted} times"
        failure = Failure(kind, f"its job {task.job.job_id} {how}: see {task.job.paths.stderr}")
        return End(failure, final=state == "CANCELLED")

    def hear(self, tasks: Sequence[SlurmTask]) -> Iterable[tuple[SlurmTask, Message]]:
        """See `Cluster`."""
        self._read(tasks)
        if not any(task.heard for task in tasks):
            time.sleep(_PAUSE)
        for task in tasks:
            heard, task.heard = task.heard, []
            for message in heard:
                yield task, message
                if message["say"] == "done":
                    task.messages.unlink(missing_ok=True)

    def _read(self, tasks: Sequence[SlurmTask]) -> None:
        there = {path.name for path in self.folder.glob("*.messages")}
        for task in tasks:
            if task.messages.name not in there:
                continue
            messages, task.read = read_lines(task.messages, task.read)
            interrupted = sum(message["say"] == "interrupted" for message in messages)
            if interrupted:
                task.interrupted, task.number = task.interrupted + interrupted, None
            task.heard += messages

    def cancel(self, tasks: Sequence[SlurmTask]) -> None:
        """See `Cluster`."""
        if self.local:
            for task in tasks:
                task.job.cancel()
        elif tasks:
            with suppress(OSError):
                command = ["scancel", *(task.job.job_id for task in tasks)]
                subprocess.run(command, check=False, capture_output=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Inside, processes are started that an interrupt ends, which is how submitit cancels those of this machine.

    A program that a shell has put into the background ignores interrupts, and so would all that it starts.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _states() -> dict[str, str] | None:
    """Slurm's word on each job of the user; None where it does not answer.

    squeue, not sacct, which many clusters do not keep.
    """
    asked = ["squeue", "--noheader", "--array", "--states=all", f"--user={getpass.getuser()}", "--format=%i %T"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return dict(line.split(maxsplit=1) for line in answer.splitlines() if " " in line)

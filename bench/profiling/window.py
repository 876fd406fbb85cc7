"""Which steps of a training are warm-up, timed and profiled; when each step ended, and what the profiler saw.

It only listens: the trainer tells an observer of every step, and the inputs are asked for every batch. The profiler
comes last: what it loads to watch a GPU stays, and every kernel after it takes longer to start (measured: steps of
18 ms took 33 to 56).
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function, schedule

from bench.profiling.events import Seen, seen_events
from bench.training.progress import Observer

BATCH = "bench: next batch"  # what the trace calls the making of a batch
_WARM_UP, _PROFILED = 10, 10  # steps, where there are enough


@dataclass(frozen=True)
class Steps:
    """Steps of a training by what is done with them, in this order; the profiler's own warm-up is one at most."""

    warm_up: int
    timed: int
    primed: int
    profiled: int

    @classmethod
    def of(cls, total: int) -> Steps:
        """At most 10 of warm-up and 10 profiled, and no more than a third of each; the others are timed."""
        profiled = min(_PROFILED, -(-total // 3))
        warm_up = min(_WARM_UP, (total - profiled) // 2)
        rest = total - warm_up - profiled
        primed = int(rest > 1)  # torch's first recorded step is slow
        return cls(warm_up, rest - primed, primed, profiled)


@dataclass
class Times:
    """Sums over the timed steps.

    Attributes:
        steps, items: how many were timed.
        seconds: wall, without what is done between two epochs.
        processor: seconds of all threads of this process.
        batches: wall seconds that the loop waited for its batches: to be made, or to be there.
        between: wall seconds from an epoch's last step to the end of the epoch, one for each epoch.
    """

    steps: int = 0
    items: int = 0
    seconds: float = 0.0
    processor: float = 0.0
    batches: float = 0.0
    between: list[float] = field(default_factory=list)


@dataclass
class _Mark:
    """When a step ended, or an epoch."""

    wall: float
    processor: float
    batches: float


class Window(Observer):
    """Watches the stage "training" of `per_epoch` steps an epoch, and passes everything on.

    Attributes:
        steps, per_epoch: which steps are what, and how many an epoch has.
        times: of the timed steps.
        seen: what the profiler saw; None before the last profiled step.
        profiled_items: of the profiled steps.
    """

    def __init__(
        self, steps: Steps, per_epoch: int, device: torch.device, trace: Path | None, watcher: Observer
    ) -> None:
        self.steps, self.times = steps, Times()
        self.per_epoch, self._device, self._trace, self._watcher = per_epoch, device, trace, watcher
        self._training, self._done, self._batches = False, 0, 0.0
        self._profiler: Any = None
        self.seen: Seen | None = None
        self.profiled_items = 0
        self._mark = self._now()

    def stage(self, name: str, total: int) -> None:
        """Begin to count where it is the training; one that begins anew is counted anew."""
        self._watcher.stage(name, total)
        self.close()
        self._training = name == "training"
        if self._training:
            self.times, self.seen, self._done, self.profiled_items = Times(), None, 0, 0
            self._begin_profile()
            self._mark = self._now()

    def advance(self, items: int) -> None:
        """Take a step's time. Between steps nobody waits for the device: that would empty its queue."""
        self._watcher.advance(items)
        if not self._training or not items:  # a training begins with the 0 items of the epochs before
            return
        self._done += 1
        steps = self.steps
        timed = steps.warm_up + steps.timed
        if self._done in (steps.warm_up, timed) or self._done % self.per_epoch == 0:
            self._wait()  # at the borders of what is measured, and at an epoch's end, where the trainer waits itself
        if steps.warm_up < self._done <= timed:
            now = self._now()
            self.times.steps += 1
            self.times.items += items
            self.times.seconds += now.wall - self._mark.wall
            self.times.processor += now.processor - self._mark.processor
            self.times.batches += now.batches - self._mark.batches
        if self._profiler is not None:
            self.profiled_items += items * (self._done > timed + steps.primed)
            self._profiler.step()
            if self._done == timed + steps.primed + steps.profiled:
                self.close()
        self._begin_profile()
        self._mark = self._now()

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        """What came since the last step is none of a step's."""
        if self._training:
            self.times.between.append(time.perf_counter() - self._mark.wall)
            self._mark = self._now()
        self._watcher.epoch(epoch, epochs, loss, lr)

    def close(self) -> None:
        """Stop the profiler, if it still runs."""
        if self._profiler is not None:
            self._profiler.stop()
            self._profiler = None

    @contextmanager
    def watching_batches(self, inputs: Any) -> Iterator[None]:
        """Inside, the seconds are counted that `inputs.train_batch` takes, and the trace shows them."""
        make: Callable[..., torch.Tensor] = inputs.train_batch

        def timed(*arguments: Any) -> torch.Tensor:
            start = time.perf_counter()
            with record_function(BATCH):
                batch = make(*arguments)
            self._batches += time.perf_counter() - start
            return batch

        inputs.train_batch = timed  # of this object alone: the class keeps its own
        try:
            yield
        finally:
            del inputs.train_batch

    def _begin_profile(self) -> None:
        """Where the timed steps are over."""
        if self._done != self.steps.warm_up + self.steps.timed:
            return
        activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (self._device.type == "cuda")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Profiler won't be using warmup")  # a training of two steps has none
            plan = schedule(wait=0, warmup=self.steps.primed, active=self.steps.profiled, repeat=1)
        self._profiler = profile(activities=activities, on_trace_ready=self._take, schedule=plan)
        self._profiler.start()

    def _take(self, profiler: Any) -> None:
        self.seen = seen_events(profiler, on_gpu=self._device.type == "cuda")
        if self._trace is not None:
            profiler.export_chrome_trace(str(self._trace))

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def _now(self) -> _Mark:
        return _Mark(time.perf_counter(), time.process_time(), self._batches)

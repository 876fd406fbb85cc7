"""What torch's profiler has recorded, reduced: operators or kernels by time, and how long the GPU was busy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_STEP = "ProfilerStep"


@dataclass(frozen=True)
class Operator:
    """An operator of the CPU or a kernel of the GPU: calls and seconds of its own, over all profiled steps."""

    name: str
    calls: int
    seconds: float


@dataclass(frozen=True)
class Seen:
    """What the profiler saw.

    Attributes:
        operators: the longest first.
        seconds: wall, from the first profiled step's start to the last one's end, slowed by the profiler.
        busy: seconds of them in which the GPU ran at least one kernel or copy; None on a CPU.
    """

    operators: tuple[Operator, ...]
    seconds: float
    busy: float | None


def seen_events(profiler: Any, on_gpu: bool) -> Seen:
    """Reduce what a `torch.profiler.profile` holds."""
    steps, kernels = [], []
    for event in profiler.events():
        span = (event.time_range.start, event.time_range.end)  # microseconds
        if _kernel(event):
            kernels.append(span)
        elif event.name.startswith(_STEP) and event.device_type.name == "CPU":
            steps.append(span)
    begin, end = min(start for start, _ in steps), max(end for _, end in steps)
    own = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    wanted = _kernel if on_gpu else _operator
    operators = [
        Operator(each.key, each.count, getattr(each, own) / 1e6) for each in profiler.key_averages() if wanted(each)
    ]
    operators.sort(key=lambda each: (-each.seconds, each.name))
    busy = covered((max(a, begin), min(b, end)) for a, b in kernels) / 1e6 if on_gpu else None
    return Seen(tuple(operators), (end - begin) / 1e6, busy)


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Length of the union of intervals (start, end); those that end before they start are none."""
    length, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        if end > max(start, reached):
            length += end - max(start, reached)
            reached = end
    return length


def _kernel(event: Any) -> bool:
    """Whether it ran on the GPU: not so the shadow that a named range of the CPU casts on the GPU's time line."""
    return event.device_type.name == "CUDA" and not getattr(event, "is_user_annotation", False)


def _operator(event: Any) -> bool:
    return event.device_type.name == "CPU" and not event.key.startswith(_STEP)

"""A profile as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.cli.format import duration

if TYPE_CHECKING:
    from bench.profiling import Profile

_WIDEST = 60  # characters of a kernel's name; templates of C++ make them hundreds
_UNITS = ((1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP"), (1e6, "MFLOP"), (1e3, "kFLOP"))


def lines(found: Profile, top: int) -> Iterator[str]:
    """What was run; seconds by phase; training, encoding, memory; the `top` longest operators."""
    yield f"{found.title}, cell {found.cell}"
    yield (
        f"{found.device}, {_many(found.threads, 'thread')}; {found.epochs} of {_many(found.cell_epochs, 'epoch')}, "
        f"{_many(found.steps_per_epoch, 'step')} of {found.batch_size} {found.items}"
    )
    yield ""
    yield from _phases(found)
    yield ""
    for name, text in _facts(found):
        yield f"{name:<10}  {text}"
    if found.operators and top:
        yield ""
        yield from _operators(found, top)
    if found.trace is not None:
        yield ""
        yield f"wrote {found.trace}: open it at https://ui.perfetto.dev or chrome://tracing"


def _phases(found: Profile) -> Iterator[str]:
    total = found.phases["total"]
    yield f"{'phase':<10}  {'seconds':>9}  share"
    for name, seconds in found.phases.items():
        longer = found.cell_epochs > found.epochs and name == "training"
        more = f"  about {duration(found.whole_training)} with all {found.cell_epochs} epochs" if longer else ""
        yield f"{name:<10}  {seconds:>9.2f}  {_share(seconds / total):>5}{more}"


def _facts(found: Profile) -> Iterator[tuple[str, str]]:
    yield "training", _training(found)
    if found.batch_share is not None:
        yield "batches", f"{_share(found.batch_share)} of a step is spent waiting for its batch"
    yield "epoch end", f"{_milliseconds(found.between_seconds)} after the last step of an epoch"
    if found.busy is not None and found.on_gpu:
        yield "busy", f"{_share(found.busy)} of the time the GPU runs a kernel or a copy"
    elif found.busy is not None:
        yield "busy", f"{_share(found.busy)} of {_many(found.threads, 'thread')}"
    if found.flops_per_second is not None and found.peak_share is not None:
        yield "peak", _peak(found, found.flops_per_second, found.peak_share)
    yield "encoding", f"{found.encoded_per_second:,.0f} {found.items}/s: {found.encoded:,} {found.items}"
    sizes = (("peak_memory_bytes", "of the process"), ("peak_gpu_memory_bytes", "on the GPU"))
    known = [f"{size / 2**20:,.0f} MiB {where}" for name, where in sizes if (size := found.memory[name]) is not None]
    yield "memory", ", ".join(known) or "not told by the system"


def _training(found: Profile) -> str:
    if found.step_seconds is None or found.items_per_second is None:
        return "one step alone: too few to time"
    steps, each = _many(found.times.steps, "step"), _milliseconds(found.step_seconds)
    return f"{found.items_per_second:,.0f} {found.items}/s: {steps} of {each}, {1 / found.step_seconds:,.3g} a second"


def _peak(found: Profile, flops_per_second: float, share: float) -> str:
    source = "of the data sheet" if found.peak.source == "data sheet" else "as measured"
    done = f"{_flops(found.flops)} a step, {_flops(flops_per_second)}/s"
    return f"{done}: {_share(share)} of {_flops(found.peak.flops)}/s, the {found.peak.dtype} peak {source}"


def _operators(found: Profile, top: int) -> Iterator[str]:
    """Milliseconds and calls of a step; shares of all operators' time."""
    steps, whole = found.steps.profiled, sum(each.seconds for each in found.operators)
    kind = "kernels of the GPU" if found.on_gpu else "operators of the processor"
    yield f"{kind}, {_many(steps, 'profiled step')} of {_milliseconds(found.profiled_seconds / steps)}"
    yield f"{'ms a step':>10}  share  {'calls':>6}"
    for each in found.operators[:top]:
        name = each.name if len(each.name) <= _WIDEST else f"{each.name[: _WIDEST - 3]}..."
        share = _share(each.seconds / whole if whole else 0.0)
        yield f"{1000 * each.seconds / steps:>10.3f}  {share:>5}  {each.calls / steps:>6.3g}  {name}"
    if (left := found.operators[top:]) and whole:
        seconds = sum(each.seconds for each in left)
        yield f"{1000 * seconds / steps:>10.3f}  {_share(seconds / whole):>5}  {'':>6}  {len(left)} others"


def _share(value: float) -> str:
    """`12%`, `0.4%`."""
    return f"{100 * value:.0f}%" if value >= 0.0995 or value == 0 else f"{100 * value:.1f}%"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.3g} ms" if seconds < 1 else f"{seconds:,.3g} s"


def _flops(number: float) -> str:
    """`1.93 GFLOP`."""
    for size, unit in _UNITS:
        if number >= size:
            return f"{number / size:,.3g} {unit}"
    return f"{number:.0f} FLOP"


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

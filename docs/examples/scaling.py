"""What each step costs: models of time and memory, fitted on this machine, checked at a larger size, then extrapolated.

    OMP_NUM_THREADS=1 python docs/examples/scaling.py                              the tables of docs/scaling.md
    OMP_NUM_THREADS=1 python docs/examples/scaling.py --only greedy --at C=21841   one step, checked at a size of yours

Times are processor seconds of one thread: other work on the machine does not count. The steps are in scaling_steps.py.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import math
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

BITS = 64
LIMIT = 16 * 2**30  # bytes of memory for a process


@dataclass(frozen=True)
class Sizes:
    """What a cost grows with: `Sizes.of(term)` multiplies those that a term names."""

    N: float = 20_000  # items of the database
    T: float = 20_000  # training items
    Q: float = 1_000  # queries
    C: float = 1_000  # classes
    K: float = BITS  # bits
    D: float = 512  # features
    S: float = 3  # levels of the class tree
    cells: float = 45

    @property
    def M(self) -> float:
        """Candidates of CRH's codebook."""
        return 2 * self.C

    @property
    def P(self) -> float:
        """Training items of a class."""
        return self.T / self.C

    @property
    def W(self) -> int:
        """Words of 64 bits in a code."""
        return math.ceil(self.K / 64)

    def of(self, term: str) -> float:
        """Value of a term, for example "4 N D" is 4 x N x D."""
        return math.prod(float(part) if part[0].isdigit() else float(getattr(self, part)) for part in term.split())

    def scaled(self, factor: float) -> Sizes:
        """Items, queries, classes and cells times a factor."""
        counts = {name: max(4, round(getattr(self, name) * factor)) for name in ("N", "T", "Q", "C", "cells")}
        return replace(self, **counts)


TARGETS = {
    "ImageNet-21k": Sizes(N=14_197_122, T=14_197_122, Q=109_205, C=21_841, S=12, cells=45),
    "10^9 items": Sizes(N=1e9, T=14_197_122, Q=10_000, C=21_841, S=12, cells=45),
}


class Step(NamedTuple):
    """A step of the pipeline.

    Attributes:
        name, code: what it is, and the file it is in.
        time: terms whose weighted sum the seconds are: "N + N Q W".
        memory: terms whose sum the bytes are, beside what it is given.
        prepare: makes the inputs of some sizes, and gives the work on them.
        fit, check: sizes the weights are fitted at, and a larger one.
        grows: what is enlarged until it breaks: "N" (with T), or "C" (with M).
        batch: training items of a batch, where the step is one of those of an epoch; 0: it is done once.
    """

    name: str
    code: str
    time: str
    memory: str
    prepare: Callable[[Sizes], Callable[[], object]]
    fit: list[Sizes]
    check: Sizes
    grows: str
    batch: int = 0


class Found(NamedTuple):
    """A fitted step: seconds per unit of each term; seconds and bytes as measured at the check."""

    step: Step
    weights: list[float]
    check: Sizes
    measured: float
    bytes: int | None

    def once(self, sizes: Sizes) -> float:
        """Seconds, predicted."""
        terms = self.step.time.split(" + ")
        return sum(w * sizes.of(t) for w, t in zip(self.weights, terms, strict=True))

    def seconds(self, sizes: Sizes) -> float:
        """The same; of all batches of an epoch, where the step is one of those."""
        return self.once(sizes) * (math.ceil(sizes.T / self.step.batch) if self.step.batch else 1)

    def memory(self, sizes: Sizes) -> float:
        """Predicted, in bytes."""
        return sum(map(sizes.of, self.step.memory.split(" + ")))


def investigate(step: Step, factor: float = 1.0, at: dict[str, float] | None = None, repeats: int = 3) -> Found:
    """Fit a step's weights at its sizes times a factor; then measure a larger size, or the one that `at` names."""
    fit = [sizes.scaled(factor) for sizes in step.fit]
    check = replace(step.check, **at) if at else step.check.scaled(factor)
    step.prepare(fit[0])()  # compiled, and imported
    weights = fitted(step.time, fit, [cheapest(step.prepare(sizes), repeats) for sizes in fit])
    measured, used = with_memory(lambda: step.prepare(check), 1 if at else repeats)
    return Found(step, weights, check, measured, used)


def fitted(time: str, sizes: list[Sizes], seconds: list[float]) -> list[float]:
    """Weights >= 0 of the terms: least squares of relative errors."""
    terms = np.array([[each.of(term) for term in time.split(" + ")] for each in sizes])
    scale = terms.max(axis=0)
    return list(nnls(terms / scale / np.array(seconds)[:, None], np.ones(len(sizes)))[0] / scale)


def cheapest(work: Callable[[], object], repeats: int) -> float:
    """Least processor seconds of some runs."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return max(min(seconds), 1e-6)


def with_memory(prepare: Callable[[], Callable[[], object]], repeats: int) -> tuple[float, int | None]:
    """Seconds of what is prepared, and the most bytes it took, inputs included; None where the system is not Linux."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        return cheapest(prepare(), repeats), None

    def entry(name: str) -> int:
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith(name))

    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = entry("VmRSS")
    work = prepare()
    ctypes.CDLL(None).malloc_trim(0)
    reset.write_text("5")  # of the inputs only what is kept counts
    return cheapest(work, repeats), entry("VmHWM") - before


def until(found: Found, limit: float, cost: Callable[[Sizes], float]) -> float:
    """The N (with T) or C at which a cost reaches a limit, all else as for ImageNet-21k."""
    sizes, low, high = TARGETS["ImageNet-21k"], 1.0, 1e15

    def at(size: float) -> Sizes:
        return replace(sizes, C=size) if found.step.grows == "C" else replace(sizes, N=size, T=size)

    if cost(at(high)) < limit:
        return math.inf
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if cost(at(middle)) >= limit else (middle, high)
    return high


def tables(all_found: list[Found]) -> Iterable[str]:
    """Markdown: the models with their checks, then what they say of large sizes."""
    yield "| step | code | time, ns | checked at | predicted | measured | error | memory, predicted | measured |"
    yield "|---|---|---|---|---:|---:|---:|---:|---:|"
    for f in all_found:
        terms = zip(f.weights, f.step.time.split(" + "), strict=True)
        model = " + ".join(f"{1e9 * w:.2g} {t}" for w, t in terms if w > 0).replace(" 1 ", " ")
        predicted, used = f.once(f.check), "" if f.bytes is None else _bytes(f.bytes)
        yield (
            f"| {f.step.name} | {f.step.code} | {model} | {_sizes(f)} | {_time(predicted)} | {_time(f.measured)} "
            f"| {predicted / f.measured - 1:+.0%} | {_bytes(f.memory(f.check))} | {used} |"
        )
    yield ""
    targets = " | ".join(f"{name}: time | memory" for name in TARGETS)
    yield f"| step | {targets} | {_bytes(LIMIT)} at | a day of a core at |"
    yield "|---|" + "---:|" * (2 * len(TARGETS) + 2)
    for f in all_found:
        cells = list(dict.fromkeys(f"{_time(f.seconds(s))} | {_bytes(f.memory(s))}" for s in TARGETS.values()))
        cells += ["as there | as there"] * (len(TARGETS) - len(cells))
        ends = [_count(until(f, LIMIT, f.memory), f), _count(until(f, 86_400, f.seconds), f)]
        name = f"{f.step.name.partition(',')[0]}, all batches" if f.step.batch else f.step.name
        yield f"| {name} | {' | '.join(cells + ends)} |"


def _sizes(found: Found) -> str:
    names = [f.name for f in fields(Sizes)]
    used = {part for term in found.step.time.split(" + ") for part in term.split()} - {"K", "D"}
    used |= {"C"} if "M" in used else set()
    return ", ".join(f"{n} {getattr(found.check, n):,.0f}" for n in names if n in used)


def _time(seconds: float) -> str:
    for unit, size in (("years", 31_557_600), ("days", 86_400), ("h", 3_600), ("min", 60), ("s", 1), ("ms", 1e-3)):
        if seconds >= 1.5 * size:
            return f"{_digits(seconds / size)} {unit}"
    return "< 1 ms"


def _bytes(count: float) -> str:
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if count >= size:
            return f"{_digits(count / size)} {unit}"
    return "< 1 MiB"


def _digits(number: float) -> str:
    """Two digits, or all of a larger whole number."""
    return f"{number:.1f}" if number < 10 else f"{number:,.0f}"


def _count(size: float, found: Found) -> str:
    return "never" if math.isinf(size) or size > 1e13 else f"{found.step.grows} = {float(f'{size:.2g}'):,.0f}"


def machine() -> str:
    """Model of the processor, system and versions."""
    import torch

    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return f"{model}, one thread; Python {platform.python_version()}, NumPy {np.__version__}, torch {torch.__version__}"


def main(arguments: list[str]) -> None:
    """Print the tables."""
    from scaling_steps import steps  # beside this file

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="words of the names of steps, with semicolons between them")
    parser.add_argument("--scale", type=float, default=1.0, help="factor of all sizes that are measured")
    parser.add_argument("--at", default="", help="sizes of the check: C=21841,N=1e6")
    parser.add_argument("--repeats", type=int, default=2, help="of each time; the least counts")
    options = parser.parse_args(arguments)
    at = {name: float(value) for name, _, value in (part.partition("=") for part in options.at.split(",") if part)}
    for name in at.keys() - {field.name for field in fields(Sizes)}:
        parser.error(f"there is no size {name}: use {', '.join(field.name for field in fields(Sizes))}.")
    chosen = [step for step in steps() if any(word in step.name for word in options.only.split(";"))]
    if not chosen:
        parser.error(f"no step has {options.only} in its name.")
    warnings.simplefilter("ignore")  # of centers that are near each other: nothing here is trained toward them
    print(machine() + "\n")
    print("\n".join(tables([investigate(step, options.scale, at, options.repeats) for step in chosen])))


if __name__ == "__main__":
    main(sys.argv[1:])

"""A grid whose workers are lost now and then: when it is done, and what is lost (docs/scaling.md).

The rules are those of bench/workers/dispatch.py: a cell whose worker is lost is run again,
first of all, from its last checkpoint; one that is lost more often than it is tried again is stored as failed, and goes
on with the next `bench run`.
"""

import heapq
import math
from collections import Counter, deque
from typing import NamedTuple

import numpy as np

START = 2.4  # seconds until a new worker has imported what it needs, as measured
CHECKPOINT = 60.0  # seconds of work between two states of a training on the disk
OVERHEAD = 0.04  # seconds of a cell that are no training: measured with cells that train for an instant


class Outcome(NamedTuple):
    """Seconds until the last cell is done, seconds of work done twice, lost workers, cells stored as failed."""

    makespan: float
    again: float
    lost: int
    failed: int


def simulate(cells: int, workers: int, seconds: float, between: float, retries: int = 1, seed: int = 0) -> Outcome:
    """Cells of so many seconds each; each worker is lost every `between` seconds on average (inf: never)."""
    rng = np.random.default_rng(seed)
    waiting = deque((cell, seconds) for cell in range(cells))
    events: list[tuple[float, int, float, float]] = []  # end of an attempt, its cell, the work it had left, its luck
    losses: Counter[int] = Counter()
    makespan, again = 0.0, 0.0

    def begin(now: float) -> None:
        if waiting:
            cell, left = waiting.popleft()
            luck = math.inf if math.isinf(between) else rng.exponential(between)
            heapq.heappush(events, (now + min(luck, left + OVERHEAD), cell, left, luck))

    for _ in range(workers):
        begin(START)
    while events:
        makespan, cell, left, luck = heapq.heappop(events)
        if luck >= left + OVERHEAD:
            begin(makespan)
            continue
        kept = min(luck, left) // CHECKPOINT * CHECKPOINT
        again += luck - kept
        losses[cell] += 1
        if losses[cell] <= retries:
            waiting.appendleft((cell, left - kept))
        begin(makespan + START)
    return Outcome(makespan, again, losses.total(), sum(count > retries for count in losses.values()))


def table(cells: int = 1_000, workers: int = 16, seconds: float = 7_200) -> str:
    """Markdown: means of 20 grids for each rate of losses."""
    lines = ["| a worker is lost every | retries | done after | work done twice | workers lost | cells to run again |"]
    lines.append("|---|---:|---:|---:|---:|---:|")
    for name, between in {"never": math.inf, "week": 604_800, "day": 86_400, "6 h": 21_600, "hour": 3_600}.items():
        for retries in (1, 5) if between < 604_800 else (1,):
            runs = np.array([simulate(cells, workers, seconds, between, retries, seed) for seed in range(20)])
            makespan, again, lost, failed = runs.mean(axis=0)
            share = f"{again / (cells * seconds):.2%}"
            lines.append(f"| {name} | {retries} | {makespan / 3600:.1f} h | {share} | {lost:.0f} | {failed:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())

"""What one variant has over another: paired by seed and query, with an interval over both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.errors import StoreError
from bench.evaluation.uncertainty import bootstrap_interval

from .._model import Entry
from .arms import Arm

BySeed = dict[int, NDArray[np.float64]]  # seed -> (Q,) average precision of each query


class Difference(NamedTuple):
    """mAP of the first minus that of the second.

    Attributes:
        low: of the 95% interval; `high` likewise.
        relative: the difference over the second's mAP; None where that is 0.
        seeds: that both have.
    """

    mean: float
    low: float
    high: float
    relative: float | None
    seeds: int


class Paired:
    """Two variants at the code lengths where both have finished; their stored AP is read once."""

    def __init__(self, first: Arm, second: Arm) -> None:
        self.first, self.second = first, second
        self._ap: dict[int, tuple[BySeed, BySeed]] = {}
        for bits in first.row:
            both = average_precisions(first.row[bits]), average_precisions(second.row.get(bits, Entry()))
            if both[0].keys() & both[1].keys():
                self._ap[bits] = both

    @property
    def bits(self) -> tuple[int, ...]:
        """Code lengths that can be compared."""
        return tuple(self._ap)

    def by_seed(self, bits: int) -> list[float]:
        """Differences of mAP, one for each seed that both have, in their order."""
        first, second = _map_by_seed(self.first.row[bits]), _map_by_seed(self.second.row.get(bits, Entry()))
        return [first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]

    def difference(self, lengths: Sequence[int]) -> Difference | None:
        """Of the average over some code lengths; None where no seed is there at all of them in both."""
        if not lengths or any(k not in self._ap for k in lengths):
            return None
        shared = sorted(set.intersection(*(set(side) for k in lengths for side in self._ap[k])))
        if not shared:
            return None
        first, second = (
            np.mean([[self._ap[k][side][seed] for seed in shared] for k in lengths], axis=0) for side in (0, 1)
        )  # (S, Q) each
        low, high = bootstrap_interval(first - second)
        mean, base = float((first - second).mean()), float(second.mean())
        return Difference(mean, low, high, mean / base if base else None, len(shared))


def average_precisions(entry: Entry) -> BySeed:
    """Of the cells that hold them and can be read."""
    found: BySeed = {}
    for cell in entry.cells:
        try:
            found |= {cell.cell.seed: cell.arrays("ap")["ap"].astype(np.float64)}
        except (StoreError, KeyError, ValueError):
            continue
    return found


def _map_by_seed(entry: Entry) -> dict[int, float]:
    return {cell.cell.seed: cell.result["metrics"]["map"] for cell in entry.cells}

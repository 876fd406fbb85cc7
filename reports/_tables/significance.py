"""Which entries of a column of mAP differ by more than chance: letters, or a dagger where methods are many."""

from __future__ import annotations

import string
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bench.errors import StoreError
from bench.evaluation.uncertainty import Comparison, compare

from .._model import Entry, Panel

LEVEL = 0.05
FEW = 9  # methods: more letters than these can't be read
DAGGER = "†"


class Significance:
    """Tests of every two methods of a panel at each code length.

    Attributes:
        letters: method -> the letter that stands for it; empty where methods are too many or nothing was tested.
        superscripts: (method, bits) -> what stands at its entry.
    """

    def __init__(self, panel: Panel) -> None:
        tested = {bits: _compared({m: row[bits] for m, row in panel.entries.items()}) for bits in panel.bits}
        self.tested = any(tested.values())
        few = len(panel.entries) <= FEW
        self.letters = dict(zip(panel.entries, string.ascii_lowercase, strict=False)) if self.tested and few else {}
        self.superscripts: dict[tuple[str, int], str] = {}
        for bits, comparisons in tested.items():
            found = self._better(comparisons) if few else _as_good_as_the_best(comparisons)
            self.superscripts |= {(method, bits): text for method, text in found.items()}

    def fact(self) -> str:
        """What the superscripts mean."""
        if not self.tested:
            return ""
        test = (
            "paired randomisation test on each query's AP, mean over the seeds that all methods of the column have; "
            f"Holm's correction over all pairs of a column; p < {LEVEL:g}"
        )
        if self.letters:
            return f"Superscripts: the methods than which an entry is significantly better ({test})."
        return f"{DAGGER}: not significantly worse than the best of its column ({test})."

    def _better(self, comparisons: list[Comparison]) -> dict[str, str]:
        """Method -> letters of those than which it is significantly better."""
        found: dict[str, str] = {}
        for pair in comparisons:
            if pair.p_holm < LEVEL:
                winner, loser = (pair.first, pair.second) if pair.difference > 0 else (pair.second, pair.first)
                found[winner] = "".join(sorted(found.get(winner, "") + self.letters[loser]))
        return found


def _compared(entries: Mapping[str, Entry]) -> list[Comparison]:
    """Of every two methods over the seeds that all have; none where that is impossible or AP is not stored."""
    ap = {method: table for method, entry in entries.items() if (table := _average_precisions(entry))}
    shared = sorted(set.intersection(*(set(table) for table in ap.values()))) if len(ap) > 1 else []
    if not shared:
        return []
    return compare({method: np.stack([table[seed] for seed in shared]) for method, table in ap.items()})


def _average_precisions(entry: Entry) -> dict[int, NDArray[np.float64]]:
    """Seed -> (Q,) AP; of two cells of one seed the last."""
    found = {}
    for cell in entry.cells:
        try:
            found[cell.cell.seed] = cell.arrays("ap")["ap"]
        except (StoreError, KeyError, ValueError):
            return {}
    return found


def _as_good_as_the_best(comparisons: list[Comparison]) -> dict[str, str]:
    """A dagger for the methods that are not significantly worse than the one with the largest mean."""
    lead = dict.fromkeys((name for pair in comparisons for name in (pair.first, pair.second)), 0.0)
    reference = next(iter(lead), "")
    for pair in comparisons:
        if pair.first == reference:
            lead[pair.second] = -pair.difference
    best = max(lead, key=lambda name: lead[name], default="")
    found = {}
    for pair in comparisons:
        if best in (pair.first, pair.second) and pair.p_holm >= LEVEL:
            found[pair.second if pair.first == best else pair.first] = DAGGER
    return found

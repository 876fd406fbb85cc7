"""What is stored of each epoch, mean over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._model import Entry

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Epochs:
    """A quantity by epoch.

    Attributes:
        epochs: (E,) 1 for what was so after the first epoch, 0 for what was so before it.
        mean: (E,) over seeds.
        deviation: (E,) standard deviation over seeds (n - 1); None with one.
    """

    epochs: Floats
    mean: Floats
    deviation: Floats | None


def by_epoch(entry: Entry, key: str) -> Epochs | None:
    """What the histories call `key`, of the seeds that have it for every epoch; None where none has."""
    histories = [cell.result.get("history") or [] for cell in entry.cells]
    return _summed([[epoch[key] for epoch in h] for h in histories if h and all(key in e for e in h)], first=1)


def with_start(entry: Entry, key: str) -> Epochs | None:
    """As `by_epoch`, for `pcc` or `pcc_backbone`, with that of the first centers before it."""
    rows = []
    for cell in entry.cells:
        start, history = cell.result["metrics"].get(f"{key}_initial"), cell.result.get("history") or []
        if start is not None and history and all(key in epoch for epoch in history):
            rows.append([start, *(epoch[key] for epoch in history)])
    return _summed(rows, first=0)


def centers_moved(entries: Sequence[Entry]) -> Epochs | None:
    """Share of the classes whose center an epoch's end moved, mean over all cells of all entries."""
    rows = [
        [epoch.get("centers_moved", 0) / cell.cell.num_classes for epoch in cell.result.get("history") or []]
        for entry in entries
        for cell in entry.cells
    ]
    return _summed([row for row in rows if row], first=1)


def lengthened(found: Epochs, by: float) -> Epochs:
    """With the last value once more, so many epochs later: steps need it."""
    deviation = None if found.deviation is None else np.append(found.deviation, found.deviation[-1])
    return Epochs(np.append(found.epochs, found.epochs[-1] + by), np.append(found.mean, found.mean[-1]), deviation)


def _summed(rows: list[list[float]], first: int) -> Epochs | None:
    """Mean and deviation over rows, up to the end of the shortest."""
    if not rows:
        return None
    length = min(map(len, rows))
    values = np.array([row[:length] for row in rows], dtype=np.float64)
    deviation = values.std(axis=0, ddof=1) if len(rows) > 1 else None
    return Epochs(np.arange(first, first + length, dtype=np.float64), values.mean(axis=0), deviation)

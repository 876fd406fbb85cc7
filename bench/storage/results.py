"""Stored cells as one table: what reports are made of and what `bench.run` returns."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pandas as pd

from bench.storage.store import Store, StoredCell

COLUMNS = [
    "dataset", "split", "method", "bits", "seed", "regime", "settings", "backbone", "map", "map_best", "map_worst",
    "pcc", "d_min", "duplicates", "seconds", "status", "reason", "cell", "map_stderr", "map_chance", "map_features",
    "protocol", "map_low", "map_high", "map_relaxed", "quantization_gap",
]  # fmt: skip


class Results:
    """Cells of a run or of an output folder, in a fixed order.

    Attributes:
        cells: stored cells, sorted by dataset, regime, settings, method (in the order given), bits and seed.
        frame: one row per cell, columns `COLUMNS`; metrics of a failed cell are missing.
        unread: cells of the folder that are not whole, or were stored by a version that stored otherwise.
    """

    def __init__(self, cells: list[StoredCell], methods: list[str] | None = None, unread: int = 0) -> None:
        self.unread = unread
        order = {name: i for i, name in enumerate(methods or [])}

        def key(stored: StoredCell) -> tuple[Any, ...]:
            c = stored.cell
            rank = order.get(c.method, len(order))
            label = _natural(c.method_label)
            return (c.dataset_label, c.split, c.regime, c.settings, rank, label, c.bits, c.seed, c.id)

        self.cells = sorted(cells, key=key)

    @classmethod
    def read(cls, out: Path) -> Results:
        """Every cell stored in an output folder."""
        store = Store(out)
        cells = store.read_all()
        return cls(cells, unread=len(store.folders()) - len(cells))

    @property
    def unread_sentence(self) -> str:
        """What to say of cells that were not read; nothing where there are none."""
        if not self.unread:
            return ""
        cells = "1 cell is" if self.unread == 1 else f"{self.unread} cells are"
        return f"{cells} left out: not whole, or stored by another version; bench run makes them again."

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """See the class."""
        return pd.DataFrame([_row(stored) for stored in self.cells], columns=COLUMNS)

    def __len__(self) -> int:
        return len(self.cells)

    def _repr_html_(self) -> str:
        return str(self.frame.to_html())


def _natural(label: str) -> list[tuple[int, str]]:
    """Sorts `crh[codebook_size=8]` before `crh[codebook_size=16]`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", label)]


def _row(stored: StoredCell) -> dict[str, Any]:
    cell, result = stored.cell, stored.result
    return {
        "dataset": cell.dataset_label, "split": cell.split, "method": cell.method_label, "bits": cell.bits,
        "seed": cell.seed, "regime": cell.regime, "settings": cell.settings, "backbone": cell.backbone,
        "seconds": result["seconds"]["total"], "status": result["status"], "reason": result["reason"],
        "cell": cell.id, "protocol": cell.protocol, **result["metrics"],
    }  # fmt: skip

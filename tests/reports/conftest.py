from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.grid.cell import Cell
from bench.grid.results import Results
from bench.grid.store import StoredCell

CELL: dict[str, Any] = {
    "dataset": "pets", "dataset_label": "pets", "split": "folders", "dataset_config": {}, "fingerprint": "abc",
    "num_classes": 12, "multi_label": False, "counts": {"train": 1200, "query": 30, "database": 4500},
    "method_config": {}, "method_version": 1, "seed": 0, "regime": "quick", "settings": "matched",
    "backbone": "small-cnn", "weights": "scratch",
    "train": {"epochs": 16, "optimizer": "adamw", "lr": 0.002, "batch_size": 32},
}  # fmt: skip
METRICS: dict[str, Any] = {
    "map_best": 0.9, "map_worst": 0.1, "map_stderr": 0.01, "map_chance": 0.0833, "map_features": 0.25, "pcc": -0.125,
    "map_relaxed": 0.55, "d_min": 4, "duplicates": 0, "pcc_reference": "hierarchy",
}  # fmt: skip

MakeCell = Callable[..., StoredCell]


@pytest.fixture
def made() -> MakeCell:
    """A stored cell: made("crh", 16, 0.5, seed=1, regime="frozen"); without mAP it has failed."""

    def make(method: str, bits: int, mean_ap: float | None, notes: tuple[str, ...] = (), **changes: Any) -> StoredCell:
        metrics = {k: changes.pop(k) for k in METRICS if k in changes}
        reason = changes.pop("reason", "out of luck")
        cell = Cell(**{**CELL, "method": method, "method_label": method, "bits": bits, **changes})
        result = {"status": "ok", "reason": None, "metrics": {**METRICS, "map": mean_ap, **metrics}}
        if mean_ap is None:
            result = {"status": "failed", "reason": reason, "metrics": {}}
        return StoredCell(cell, {**result, "seconds": {"total": 2.0}, "notes": list(notes)}, Path(cell.folder))

    return make


@pytest.fixture
def four(made: MakeCell) -> Results:
    """Two methods at two code lengths."""
    return Results([made("crh", 16, 0.5), made("crh", 32, 0.6), made("csq", 16, 0.4), made("csq", 32, 0.7, pcc=None)])

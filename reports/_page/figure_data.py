"""What the page's figures are drawn from: means over seeds, rounded, as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.storage.store import StoredCell

from .._model import Entry, Panel, cost

EPOCHS = 300  # points of a training curve; of longer ones every second, third, ... epoch
_CURVES = {"recall": "radius_recall", "precision": "radius_precision", "at": "rank_precision"}
_HISTORY = ("loss", "pcc", "pcc_backbone")


def rounded(value: float | None, digits: int = 4) -> float | None:
    """None for what JSON has no number for."""
    return None if value is None or not isfinite(value) else round(float(value), digits)


def stored_arrays(stored: StoredCell, *names: str) -> dict[str, NDArray[Any]]:
    """Those of the names that are there; none where the cell's file has gone."""
    return stored.arrays(*names) if (stored.path / "arrays.npz").is_file() else {}


def figure_data(found: Sequence[Panel]) -> dict[str, Any]:
    """All protocols: `methods` (names, in the order of their looks) and `panels`; entries name methods by place."""
    methods = list(dict.fromkeys(method for panel in found for method in panel.entries))
    return {
        "methods": methods,
        "panels": [_panel(panel, methods) for panel in found],
    }


def _panel(panel: Panel, methods: list[str]) -> dict[str, Any]:
    entries = [
        _entry(methods.index(method), bits, entry)
        for method, row in panel.entries.items() for bits, entry in row.items() if entry.cells
    ]  # fmt: skip
    first = next((e.cells[0] for row in panel.entries.values() for e in row.values() if e.cells), None)
    ranks = stored_arrays(first, "ranks").get("ranks") if first else None
    return {
        "title": panel.title, "bits": list(panel.bits), "entries": entries,
        "ranks": [] if ranks is None else [int(rank) for rank in ranks],
        "features": rounded(panel.shared("map_features")), "chance": rounded(panel.shared("map_chance")),
    }  # fmt: skip


def _entry(place: int, bits: int, entry: Entry) -> dict[str, Any]:
    cells = entry.cells
    return {
        "m": place, "k": bits, "seeds": [s.cell.seed for s in cells], "cells": [s.cell.id for s in cells],
        "map": rounded(entry.mean()), "spread": rounded(entry.spread),
        "maps": [rounded(s.result["metrics"].get("map")) for s in cells],
        "low": rounded(entry.mean("map_low")), "high": rounded(entry.mean("map_high")),
        "worst": rounded(entry.mean("map_worst")), "best": rounded(entry.mean("map_best")),
        "pcc": rounded(entry.mean("pcc")), "pcc_backbone": rounded(entry.mean("pcc_backbone")),
        "cost": rounded(_mean([seconds for s in cells if (seconds := cost(s)) is not None]), 3),
        "together": max((s.result.get("provenance", {}).get("trained_together", 1) for s in cells), default=1),
        "curves": _curves(entry), "history": _history(entry),
    }  # fmt: skip


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _curves(entry: Entry) -> dict[str, list[float | None]]:
    """Means over the seeds that have them, by the names that the figures know them by."""
    found: dict[str, list[NDArray[Any]]] = {}
    for stored in entry.cells:
        for name, array in stored_arrays(stored, *_CURVES.values()).items():
            found.setdefault(name, []).append(array)
    return {
        short: [rounded(value) for value in np.mean(found[name], axis=0)]
        for short, name in _CURVES.items() if name in found
    }  # fmt: skip


def _history(entry: Entry) -> dict[str, Any]:
    """By epoch, means over seeds: loss and PCC; `moved`: epochs after which centers were reassigned in any seed."""
    histories = [h for s in entry.cells if (h := s.result.get("history"))]
    if not histories:
        return {}
    epochs = min(len(history) for history in histories)
    step = -(-epochs // EPOCHS)
    shown = [*range(0, epochs - 1, step), epochs - 1]
    series: dict[str, Any] = {"epochs": [e + 1 for e in shown]}
    for name in _HISTORY:
        if any(name in epoch for history in histories for epoch in history):
            series[name] = [rounded(_mean_of(histories, epoch, name)) for epoch in shown]
    moved = [e for e in range(epochs) if any(history[e].get("centers_moved") for history in histories)]
    series["moved"] = sorted({min(shown, key=lambda place: (abs(place - e), place)) + 1 for e in moved})
    return series


def _mean_of(histories: list[list[dict[str, float]]], epoch: int, name: str) -> float | None:
    return _mean([history[epoch][name] for history in histories if name in history[epoch]])

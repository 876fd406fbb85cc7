"""What a stored cell is judged by: numbers that a wrong line in a method, the trainer or the evaluator would move."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

from bench.plugins.registry import registry
from bench.storage.cell import Cell
from bench.storage.store import StoredCell


class Quantity(NamedTuple):
    """A number of a cell.

    Attributes:
        title: in tables.
        of: takes it from a cell's `result.json`; None where it is not defined.
        least, most: what it can be at all; no band reaches beyond.
        step: least distance between two values that count as different; no band is narrower than what rounding to such
            steps would make of it.
    """

    title: str
    of: Callable[[dict[str, Any]], float | None]
    least: float = 0.0
    most: float = inf
    step: float = 1e-4


QUANTITIES = {
    "map": Quantity("mAP", lambda r: r["metrics"]["map"], most=1),
    "pcc": Quantity("PCC, class tree", lambda r: r["metrics"]["pcc"], -1, 1),
    "pcc_backbone": Quantity("PCC, features", lambda r: r["metrics"]["pcc_backbone"], -1, 1),
    "d_min": Quantity("least center distance", lambda r: r["metrics"]["d_min"], step=1),
    "d_mean": Quantity("mean center distance", lambda r: r["audit"]["centers"]["d_mean"]),
    "duplicates": Quantity("equal centers", lambda r: r["metrics"]["duplicates"], step=1),
    "bit_balance": Quantity("bit imbalance", lambda r: r["audit"]["codes"]["bit_balance"], most=0.5),
    "bit_correlation": Quantity("bit correlation", lambda r: r["audit"]["codes"]["bit_correlation"], most=1),
    "own_center": Quantity("distance to own center", lambda r: r["audit"]["codes"]["own_center_distance"]),
    "other_center": Quantity("distance to next center", lambda r: r["audit"]["codes"]["other_center_distance"]),
    # Seeds differ little in the first epoch, and much in the last: the first shows a wrong line of a loss best.
    "loss_first": Quantity("loss, first epoch", lambda r: r["history"][0]["loss"], least=-inf),
    "loss": Quantity("loss, last epoch", lambda r: r["history"][-1]["loss"], least=-inf),
}
PART = "part:"  # what a method logs beside its loss, in the last epoch: "part:pair"
_NO_PARTS = {"epoch", "loss", "lr", "centers_moved", "pcc", "pcc_backbone"}  # what else a history has of an epoch


def quantity_named(name: str) -> Quantity:
    """One of `QUANTITIES`, or a part of the loss."""
    if not name.startswith(PART):
        return QUANTITIES[name]
    part = name.removeprefix(PART)
    return Quantity(f"{part}, last epoch", lambda r: r["history"][-1].get(part), least=-inf)


def measured(stored: StoredCell) -> dict[str, float | None]:
    """All quantities of a cell that did not fail, rounded to six digits; None where one is not defined for it."""
    parts = sorted(set(stored.result["history"][-1]) - _NO_PARTS)
    found = {name: quantity_named(name).of(stored.result) for name in (*QUANTITIES, *(PART + part for part in parts))}
    return {name: None if value is None else float(f"{value:.6g}") for name, value in found.items()}


def exact_centers(cell: Cell) -> bool:
    """Whether the centers it begins with follow from its settings and seed alone: no network has a part in them."""
    cls = registry("method").load(cell.method)
    return cls.similarity_source(cls.Config.build(cell.method, cell.method_config)) is None


def centers_digest(stored: StoredCell) -> str:
    """16 hex digits that name the centers it began with, to the last bit."""
    centers = stored.arrays("centers_initial")["centers_initial"]
    return hashlib.sha256(centers.tobytes()).hexdigest()[:16]

"""What several cells cost in all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.storage.store import StoredCell


def seconds_of_all(cells: Iterable[StoredCell]) -> float:
    """Wall seconds of cells, not of the wall: several may have run at once.

    Each cell that uses a classifier (SHC) is charged with its training in full, as if it were the only one: where
    several share one, it counts once here.
    """
    seconds = [cell.result["seconds"] for cell in cells]
    charged = [float(phases["classifier"]) for phases in seconds if phases.get("classifier")]
    shared = sum(charged) - sum(set(charged))  # it is kept with the seconds that it took, and so known by them
    return sum(float(phases.get("total") or 0) for phases in seconds) - shared

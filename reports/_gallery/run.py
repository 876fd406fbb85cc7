"""Which cells the gallery shows of a protocol: one code length, one seed and a few methods."""

from __future__ import annotations

from collections.abc import Mapping

from bench.storage.store import StoredCell
from bench.studies.catalogue import CONTROLS
from bench.zipfiles import DAMAGED, npz_names

from .._figures.one_run import OneRun, one_of_each_family
from .._model import Panel

ARRAYS = ("query_codes", "database_codes", "query_labels", "database_labels", "ap")
MOST_METHODS = 6


def shown_run(panel: Panel) -> OneRun | None:
    """The code length and seed at which most methods have stored their codes, and those methods' cells.

    Of several such code lengths the middle one (of an even number the longer), and its smallest such seed.

    Returns:
        None where no cell has its codes.
    """
    runs: dict[tuple[int, int], dict[str, StoredCell]] = {}
    for method, row in panel.entries.items():
        for bits, entry in row.items():
            for stored in entry.cells:
                if _has_codes(stored):
                    runs.setdefault((bits, stored.cell.seed), {})[method] = stored
    if not runs:
        return None
    most = max(len(cells) for cells in runs.values())
    widest = sorted(run for run, cells in runs.items() if len(cells) == most)
    lengths = sorted({bits for bits, _ in widest})
    bits = lengths[len(lengths) // 2]
    seed = min(s for k, s in widest if k == bits)
    return OneRun(bits, seed, runs[bits, seed])


def shown_methods(cells: Mapping[str, StoredCell]) -> dict[str, StoredCell]:
    """At most six of them, in their order: one of each family first, controls after methods, then the others.

    Args:
        cells: by method.
    """
    first = one_of_each_family(cells)
    others = [method for method in cells if method not in first]
    ranked = sorted(first, key=lambda m: _control(cells[m])) + sorted(others, key=lambda m: _control(cells[m]))
    chosen = set(ranked[:MOST_METHODS])
    return {method: stored for method, stored in cells.items() if method in chosen}


def _control(stored: StoredCell) -> int:
    """0 for a method; controls follow in the order of their study."""
    name = stored.cell.method
    return CONTROLS.index(name) + 1 if name in CONTROLS else 0


def _has_codes(stored: StoredCell) -> bool:
    """Whether all arrays are there; only the file's table of contents is read."""
    try:
        return set(ARRAYS) <= npz_names(stored.path / "arrays.npz")
    except DAMAGED:
        return False

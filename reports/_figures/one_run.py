"""One cell of each method, all of one code length and one seed: for figures that cannot show means over seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from bench.storage.store import StoredCell

from .._known_methods import family
from .._model import Panel


class OneRun(NamedTuple):
    """Finished cells of one code length and seed, by method in the panel's order."""

    bits: int
    seed: int
    cells: dict[str, StoredCell]


def one_run(panel: Panel, *names: str) -> OneRun | None:
    """Where most methods have finished; of equals the greatest code length, then the smallest seed.

    Args:
        names: of arrays without which a cell does not count.

    Returns:
        None where no cell has finished.
    """
    finished = [
        (method, bits, cell)
        for method, row in panel.entries.items()
        for bits, entry in row.items()
        for cell in entry.cells
        if len(cell.arrays(*names)) >= len(names)
    ]
    if not finished:
        return None
    counts = Counter((bits, cell.cell.seed) for _, bits, cell in finished)
    bits, seed = max(counts, key=lambda run: (counts[run], run[0], -run[1]))
    return OneRun(bits, seed, {m: cell for m, k, cell in finished if (k, cell.cell.seed) == (bits, seed)})


def one_of_each_family(cells: Mapping[str, StoredCell]) -> list[str]:
    """Of each method with its variants the one that bears its name, else the first; in the order of the families.

    Args:
        cells: by method.
    """
    chosen: dict[str, str] = {}
    for method, stored in cells.items():
        name = family(stored.cell.method)
        if name not in chosen or (stored.cell.method == name and cells[chosen[name]].cell.method != name):
            chosen[name] = method
    return list(chosen.values())

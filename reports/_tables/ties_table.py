"""What the order of items at equal distance can make of mAP."""

from __future__ import annotations

from .._model import Entry, Panel
from .facts import facts, mixtures, seeds
from .table import Table, Value
from .values import Column, by_bits, mean, stored, table_name


def ties_table(panel: Panel) -> Table:
    """Worst order, the one that counts, best order, and how far apart worst and best are."""
    counted = "listed" if panel.cell.ties == "stable" else "expected"
    columns = (
        Column("worst", lambda e: mean(stored(e, "metrics", "map_worst"), 4, spread=False)),
        Column(counted, lambda e: mean(stored(e, "metrics", "map"), 4, spread=False)),
        Column("best", lambda e: mean(stored(e, "metrics", "map_best"), 4, spread=False)),
        Column("width", _width),
    )
    header, rows = by_bits(panel, columns)
    said = (
        "mAP over the whole database where at every distance the relevant items come last (worst) and first (best), "
        f"and {panel.ties} ({counted}); {seeds(panel, 'mean over')}. Width: best minus worst; "
        "whatever a sort makes of ties, mAP of the same codes lies between."
    )
    return Table(
        table_name("ties", panel), "mAP by the order of ties", header, rows, facts(panel, said), mixtures(panel),
        panel.title,
    )  # fmt: skip


def _width(entry: Entry) -> Value:
    worst, best = stored(entry, "metrics", "map_worst"), stored(entry, "metrics", "map_best")
    if len(worst) != len(best):
        return mean([], 4)
    return mean([high - low for low, high in zip(worst, best, strict=True)], 4, spread=False)

"""Measures at other cutoffs than the whole database."""

from __future__ import annotations

from .._model import Panel
from .facts import facts, mixtures, seeds
from .table import Table
from .values import Column, by_bits, mean, stored, table_name

_CUTS = (100, 1000, 5000)


def _column(name: str, metric: str) -> Column:
    return Column(name, lambda e: mean(stored(e, "metrics", metric), 4), best=True)


_COLUMNS = (
    *(_column(f"mAP@{k}", f"map_at_{k}_hits") for k in _CUTS), _column("P@100", "precision_at_100"),
    _column("P radius 2", "precision_radius_2"),
)  # fmt: skip


def cutoffs_table(panel: Panel) -> Table:
    """mAP@k, precision at 100 and within radius 2."""
    header, rows = by_bits(panel, _COLUMNS)
    said = [
        (
            f"mAP@k: average precision within the first k items, divided by the relevant ones among them (other "
            f"divisors are stored); {panel.ties}; {seeds(panel)}."
        ),
        (
            "P@100: precision of the first 100; P radius 2: precision of the items within Hamming distance 2, 0 for a "
            "query that has none."
        ),
        "Best of a code length in bold, second underlined.",
    ]
    size = panel.cell.counts["database"]
    beyond = [f"mAP@{k}" for k in _CUTS if k >= size]
    if beyond:
        said.append(
            f"The database has {size:,} items: {' and '.join(beyond)} {'is' if len(beyond) == 1 else 'are'} mAP."
        )
    return Table(
        table_name("cutoffs", panel), "Other cutoffs", header, rows, facts(panel, *said), mixtures(panel), panel.title
    )

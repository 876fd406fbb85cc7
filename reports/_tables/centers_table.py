"""Geometry of the centers: how far apart they are, beside what was aimed at and what is possible."""

from __future__ import annotations

from .._model import Entry, Panel
from .facts import facts, mixtures
from .semantic_table import unaligned
from .table import Table
from .values import Column, by_bits, extreme, mean, stored, table_name

_COLUMNS = (
    Column("least", lambda e: extreme(stored(e, "metrics", "d_min"), min)),
    Column("target", lambda e: extreme(_targets(e), max)),
    Column("certain", lambda e: extreme(stored(e, "audit", "centers", "gilbert_varshamov"), max)),
    Column("possible", lambda e: extreme(stored(e, "audit", "centers", "plotkin"), min)),
    Column("mean", lambda e: mean(stored(e, "audit", "centers", "d_mean"), 2)),
    Column("equal", lambda e: extreme(stored(e, "metrics", "duplicates"), max)),
    Column("constant", lambda e: extreme(stored(e, "audit", "centers", "constant_bits"), max)),
)


def centers_table(panel: Panel) -> Table:
    """Of the last centers; the worst of the seeds where it is not a mean."""
    header, rows = by_bits(panel, _COLUMNS)
    said = [
        (
            "Hamming distances of the last centers over all pairs of classes. Least distance, pairs of equal centers, "
            "bits that are constant over all centers: the worst of the seeds; mean distance: mean ± standard deviation "
            "over seeds."
        ),
    ]
    if "target" in header:
        said.append("Target: the least distance that the method aims at or guarantees.")
    if "certain" in header:
        said.append(
            "Certain: so many centers at this least distance exist (Gilbert-Varshamov); possible: none is larger "
            "(Plotkin)."
        )
    notes = [*mixtures(panel), *([text] if (text := unaligned(panel)) else [])]
    return Table(table_name("centers", panel), "Centers", header, rows, facts(panel, *said), tuple(notes), panel.title)


def _targets(entry: Entry) -> list[float]:
    return stored(entry, "audit", "construction", "target_distance") or stored(
        entry, "audit", "construction", "guaranteed_distance"
    )

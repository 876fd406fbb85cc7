"""mAP: methods by code lengths, with what differs by more than chance."""

from __future__ import annotations

from dataclasses import replace

from .._model import REFERENCES, Panel
from .facts import condensed, facts, mixtures, seeds
from .significance import Significance
from .table import Table, Value
from .text import decimal
from .values import Row, mean_ap, table_name


def map_table(panel: Panel) -> Table:
    """A row for each method; then features and chance, where all cells share them."""
    found = Significance(panel)
    rows: list[Row | None] = [
        (
            Value(method, letters=found.letters.get(method, "")),
            *(replace(mean_ap(panel, e), letters=found.superscripts.get((method, k), "")) for k, e in row.items()),
        )
        for method, row in panel.entries.items()
    ]
    references = [
        (Value(name), *[Value(decimal(shared, 4), number=shared)] * len(panel.bits))
        for name, metric in REFERENCES.items()
        if (shared := panel.shared(metric)) is not None
    ]
    rows += [None, *references] if references else []
    error = "" if len(panel.seeds) > 1 else ", ± standard error over queries"
    convention = f"mAP over the whole database, {panel.ties}; {seeds(panel)}{error}."
    marks = "Best in bold, second underlined."
    said = [text for text in (convention, marks, found.fact()) if text]
    header = ("method", *(f"{k} bits" for k in panel.bits))
    notes = (*mixtures(panel), *condensed(panel.notes))
    return Table(table_name("map", panel), "mAP", header, tuple(rows), facts(panel, *said), notes, panel.title)

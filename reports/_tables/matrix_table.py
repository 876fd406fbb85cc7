"""Centers by losses: what the same centers reach with each loss, and the same loss with each centers."""

from __future__ import annotations

from bench.storage.results import Results

from .._known_methods import family
from .._model import Entry, Panel, panels
from .facts import facts, mixtures, seeds
from .table import Table, Value
from .text import decimal
from .values import NOTHING, Row, mean_ap, table_name

Matrix = dict[str, dict[str, Entry]]  # centers -> loss -> entry


def matrix_tables(results: Results) -> list[Table]:
    """One for each protocol and code length at which one method's centers were combined with another's loss."""
    found = (_table(panel, bits) for panel in panels(results) for bits in panel.bits)
    return [table for table in found if table is not None]


def _table(panel: Panel, bits: int) -> Table | None:
    matrix = _matrix(panel, bits)
    losses = list(dict.fromkeys(loss for row in matrix.values() for loss in row))
    if not any("+" in label for label in panel.entries) or len(matrix) < 2:
        return None
    rows: list[Row | None] = [
        (Value(name), *(_value(panel, row.get(loss)) for loss in losses), _range(list(row.values())))
        for name, row in matrix.items()
    ]
    columns = [_range([row[loss] for row in matrix.values() if loss in row]) for loss in losses]
    rows += [None, (Value("range over centers"), *columns, Value(""))]
    said = f"mAP over the whole database, {panel.ties}; {seeds(panel)}. Rows: centers; columns: losses."
    return Table(
        table_name(f"matrix-{bits}", panel), f"Centers by losses, {bits} bits",
        ("centers", *losses, "range over losses"), tuple(rows), facts(panel, said), mixtures(panel), panel.title,
    )  # fmt: skip


def _value(panel: Panel, entry: Entry | None) -> Value:
    """Without marks: best of a column of mAP is another question."""
    if entry is None:
        return NOTHING
    found = mean_ap(panel, entry)
    return Value(found.text, found.spread, note=found.note, number=found.number)


def _matrix(panel: Panel, bits: int) -> Matrix:
    matrix: Matrix = {}
    for label, row in panel.entries.items():
        entry = row.get(bits, Entry())
        if entry.cells:
            centers, _, loss = label.partition("+")
            matrix.setdefault(centers, {})[_column(loss.removesuffix("-loss")) if loss else _own(centers)] = entry
    return {name: row for name, row in matrix.items() if len(row) > 1}  # the others were crossed with nothing


def _own(label: str) -> str:
    """Whose loss a method by itself has, whatever its settings."""
    return family(label.partition("[")[0])


def _column(loss: str) -> str:
    """A variant's loss is its method's: `shc-search` stands in the column `shc`; settings in brackets stay."""
    name, bracket, settings = loss.partition("[")
    return family(name) + bracket + settings


def _range(entries: list[Entry]) -> Value:
    means = [mean for entry in entries if (mean := entry.mean()) is not None]
    if len(means) < 2:
        return NOTHING
    width = max(means) - min(means)
    return Value(decimal(width, 4), number=width)

"""A table as CSV: plain numbers, unrounded."""

from __future__ import annotations

import csv
import io

from .table import Table, Value
from .text import DASH, visible


def csv_text(table: Table) -> str:
    """A column for each of the table's, one more for the spread where it has any, and one for the footnotes.

    An entry without a number is empty in a column of numbers; the footnote says why.
    """
    rows = [row for row in table.rows if row is not None]
    numeric = [any(row[i].number is not None for row in rows) for i in range(len(table.header))]
    spread = [any(row[i].spread is not None for row in rows) for i in range(len(table.header))]
    noted = any(value.note for row in rows for value in row)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = [
        n for name, wide in zip(table.header, spread, strict=True) for n in ([name, f"{name} ±"] if wide else [name])
    ]
    writer.writerow([*names, *(["notes"] if noted else [])])
    for row in rows:
        line = []
        for value, number, wide in zip(row, numeric, spread, strict=True):
            line += [_plain(value, number), *([value.spread or ""] if wide else [])]
        writer.writerow([*line, *([_notes(table, row)] if noted else [])])
    return file.getvalue()


def _plain(value: Value, numeric: bool) -> str:
    if numeric:
        return "" if value.number is None else f"{value.number:.8g}"
    return "" if value.text == DASH else visible(value.text)


def _notes(table: Table, row: tuple[Value, ...]) -> str:
    return "; ".join(f"{name}: {visible(v.note)}" for name, v in zip(table.header, row, strict=True) if v.note)

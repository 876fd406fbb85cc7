"""Tables as the page's template reads them: groups of rows, footnotes by number, columns of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from .._model import Panel
from .._tables.facts import versions
from .._tables.table import Table, Value

_LONG = 30  # rows: of more, the table gets a window of its own


def shown_tables(tables: Sequence[Table], found: Sequence[Panel]) -> list[dict[str, Any]]:
    """Each with the places of the protocols it belongs to; of none, where it belongs to all.

    What stands under every table of a protocol is left out: see `common_facts`.
    """
    return [_shown(table, found) for table in tables]


def common_facts(panel: Panel) -> list[str]:
    """What is true of all tables of a protocol: data, training, versions."""
    return [*panel.setting(), versions(panel)]


def _shown(table: Table, found: Sequence[Panel]) -> dict[str, Any]:
    places = [i for i, panel in enumerate(found) if panel.title == table.panel]
    columns = [[row[i] for row in table.rows if row is not None] for i in range(len(table.header))]
    common = {fact for place in places for fact in common_facts(found[place])}
    notes = list(dict.fromkeys(value.note for row in table.rows if row for value in row if value.note))
    return {
        "name": table.name, "title": table.title, "header": table.header, "panel": table.panel, "panels": places,
        "groups": [[[_value(v, notes) for v in row] for row in group] for group in _groups(table)],
        "numeric": [i > 0 and any(v.number is not None for v in column) for i, column in enumerate(columns)],
        "letters": [_width(v.letters for v in column) if i else 0 for i, column in enumerate(columns)],
        "spreads": [_width(f"± {v.spread}" for v in column if v.spread) for column in columns],
        "long": len(table.rows) > _LONG, "footnotes": notes, "notes": table.notes,
        "facts": [fact for fact in table.facts if fact not in common],
    }  # fmt: skip


def _groups(table: Table) -> list[list[tuple[Value, ...]]]:
    """Rows between rules: they are sorted by themselves."""
    groups: list[list[tuple[Value, ...]]] = [[]]
    for row in table.rows:
        if row is None:
            groups.append([])
        else:
            groups[-1].append(row)
    return [group for group in groups if group]


def _value(value: Value, notes: list[str]) -> dict[str, Any]:
    return asdict(value) | {"footnote": notes.index(value.note) + 1 if value.note else None}


def _width(texts: Iterable[str]) -> int:
    """Characters to be kept free behind a column's numbers, so that these stand below each other."""
    return max(map(len, texts), default=0)

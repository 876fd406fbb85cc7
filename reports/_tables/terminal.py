"""Tables in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .table import Table, Value
from .text import visible

STYLES = {0: "", 1: "bold green", 2: "underline"}  # of rich, by mark: 1 best, 2 second


def shown(tables: Sequence[Table]) -> Any | None:
    """The tables one under the other, as rich prints them; None of none."""
    from rich.console import Group

    return Group(*map(_shown, tables)) if tables else None


def _shown(table: Table) -> Any:
    from rich.console import Group
    from rich.table import Table as Rich
    from rich.text import Text

    grid = Rich()
    for place, name in enumerate(table.header):
        grid.add_column(Text(name), justify="right" if place else "left", no_wrap=True)
    for row in table.rows:
        if row is None:
            grid.add_section()
        else:
            grid.add_row(*(Text(_text(value), style=STYLES[value.mark]) for value in row))
    return Group(Text(f"{table.title}; {visible(table.panel)}", style="bold"), grid)


def _text(value: Value) -> str:
    return visible(value.text if value.spread is None else f"{value.text} ± {value.spread}")

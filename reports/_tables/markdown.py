"""A table as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .table import Table, Value
from .text import visible

_MARK = {0: "{}", 1: "**{}**", 2: "<u>{}</u>"}
_SPECIAL = re.compile(r"[\\`*|~$]|\](?=[(\[])|(?<![^\W_])_|_(?![^\W_])")
_TAGS = ((re.compile(r"&(?=[#\w])"), "&amp;"), (re.compile(r"<(?=[A-Za-z/!?])"), "&lt;"))  # where one could begin


def markdown(table: Table, level: int = 3) -> str:
    """A section: the table, its footnotes, how the numbers were made, warnings."""
    footnotes: list[str] = []
    rows = [
        [""] * len(table.header) if row is None else [_cell(value, footnotes) for value in row] for row in table.rows
    ]
    lines = [f"{'#' * level} {escape(table.title)}", ""]
    lines += _grid([[escape(name) for name in table.header], *rows])
    lines += ["", *(f"[{i}] {escape(text)}.  " for i, text in enumerate(footnotes, 1))] if footnotes else []
    lines += ["", escape(" ".join(table.facts))] if table.facts else []
    lines += ["", *(f"Note: {escape(text)}  " for text in table.notes)] if table.notes else []
    return "\n".join(lines) + "\n"


def document(title: str, tables: Sequence[Table]) -> str:
    """Tables in sections, a heading for each protocol."""
    parts = [f"# {escape(title)}\n"]
    panel = None
    for table in tables:
        if table.panel and table.panel != panel:
            parts.append(f"## {escape(table.panel)}\n")
            panel = table.panel
        parts.append(markdown(table))
    return "\n".join(parts)


def escape(text: str) -> str:
    """Text that is shown as it is: no markup, no HTML, one line."""
    shown = _SPECIAL.sub(r"\\\g<0>", visible(text))
    for beginning, entity in _TAGS:
        shown = beginning.sub(entity, shown)
    return shown


def _cell(value: Value, footnotes: list[str]) -> str:
    """`**0.5000 ± 0.0100**<sup>ab</sup> [1]`."""
    text = escape(value.text if value.spread is None else f"{value.text} ± {value.spread}")
    text = _MARK[value.mark].format(text)
    if value.letters:
        text += f"<sup>{escape(value.letters)}</sup>"
    if value.note is None:
        return text
    if value.note not in footnotes:
        footnotes.append(value.note)
    return f"{text} [{footnotes.index(value.note) + 1}]"


def _grid(cells: list[list[str]]) -> list[str]:
    """Lines of a table: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    padded = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    rule = "|" + "|".join(":" + "-" * (w + 1) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return [padded[0], rule, *padded[1:]]

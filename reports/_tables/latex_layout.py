"""How a table fits a page: size of its type, width of its first column, parts where it is too wide or too long.

Widths are estimates, in digits of LaTeX's own type, for the text of its article class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .latex_text import folded, shortened, width
from .table import Table, Value

TEXT_WIDTH, TEXT_HEIGHT = 345.0, 530.0  # points
_NAMES, _NAMES_SQUEEZED = 34.0, 20.0  # digits: the widest that a column of names is set; before columns are parted
_NARROW, _HEAD = 4.0, 12.0  # digits: what a column takes at least; what its name may take without being broken
_SIZES = (  # command, width of a digit, height of a line, half the space between columns
    ("", 5.0, 12.0, 6.0), ("\\small", 4.63, 11.0, 5.0), ("\\footnotesize", 4.25, 9.5, 4.0),
    ("\\scriptsize", 3.99, 8.0, 3.0),
)  # fmt: skip
_SCRIPT = 0.86  # of a digit's width: one of a sub- or superscript
_SMALLEST = _SIZES[-1][1], _SIZES[-1][3]
_CAPTION, _NOTE_LINE, _NOTE_CHARACTERS = 60.0, 9.5, 88  # points, points, characters to a line

Row = tuple[Value, ...]


@dataclass(frozen=True)
class Part:
    r"""What one `tabular` holds.

    Attributes:
        columns: indices of the table's columns.
        size: LaTeX's command for the size of type.
        gap: `\\tabcolsep` in points.
        names: width of the first column in points, if some of its names have to be broken.
        room: the same in digits.
        heads: the columns' names on the lines that they take.
    """

    columns: tuple[int, ...]
    rows: tuple[Row | None, ...]
    size: str
    gap: float
    names: float | None
    room: float
    heads: tuple[tuple[str, ...], ...]


def parts(table: Table, notes: Sequence[str]) -> list[Part]:
    """The table in one part where it fits, else split by columns, which repeat the names, and by rows.

    Args:
        notes: what stands under the last part.
    """
    entries = _entry_widths(table)
    heads = [tuple(folded(name, max(wide, _HEAD))) for name, wide in zip(table.header, entries, strict=True)]
    widths = [max(wide, *map(width, head)) for wide, head in zip(entries, heads, strict=True)]
    groups = _column_groups(widths, 2 if table.header[1:2] == ("bits",) else 1)
    under = _NOTE_LINE * sum(math.ceil(len(note) / _NOTE_CHARACTERS) for note in notes)
    found = []
    for columns in groups:
        part = _whole_part(table, columns, [widths[i] for i in columns], [heads[i] for i in columns])
        found += _by_rows(part, under if columns == groups[-1] else 0.0)
    return found


def _whole_part(
    table: Table, columns: tuple[int, ...], widths: Sequence[float], heads: Sequence[tuple[str, ...]]
) -> Part:
    """All rows of some columns; names get as much room as they take where that fits in some type, else less."""
    fits = _points(widths, *_SMALLEST) <= TEXT_WIDTH
    room = widths[0] if fits else min(widths[0], _NAMES_SQUEEZED)
    size, digit, _, gap = _size([room, *widths[1:]])
    longest = max((_entry_width(row[0], 0) for row in table.rows if row is not None), default=0.0)
    names = math.ceil(room * digit) if longest > room else None
    return Part(columns, table.rows, size, gap, names, room, tuple(heads))


def _by_rows(part: Part, under: float) -> list[Part]:
    """The part cut where the page ends.

    Args:
        under: points that the notes take.
    """
    line = next(height for size, _, height, _ in _SIZES if size == part.size)
    lines = [0 if row is None else len(folded(shortened(row[0].text), part.room)) for row in part.rows]
    height = TEXT_HEIGHT - _CAPTION - line * max(map(len, part.heads))
    groups = _row_groups(part.rows, lines, int(height / line), max(int((height - under) / line), 1))
    return [replace(part, rows=rows) for rows in groups]


def _entry_widths(table: Table) -> list[float]:
    """Digits that the entries of each column take; of the names as much as they are given."""
    found = []
    for i in range(len(table.header)):
        entries = [_entry_width(row[i], i) for row in table.rows if row is not None]
        found.append(max([_NARROW, *entries]))
    return [min(found[0], _NAMES), *found[1:]]


def _entry_width(value: Value, column: int) -> float:
    text = shortened(value.text) if column == 0 else value.text
    small = len(value.letters) + (3 if value.note else 0)
    under = 0 if value.spread is None else len(value.spread) + 2
    bold = 1.15 if value.mark == 1 else 1.0
    return width(text) * bold + _SCRIPT * (max(small, under) if value.number is not None else small + under)


def _size(widths: Sequence[float]) -> tuple[str, float, float, float]:
    """The largest type in which columns of these widths fit; else the smallest."""
    for size in _SIZES:
        if _points(widths, size[1], size[3]) <= TEXT_WIDTH:
            return size
    return _SIZES[-1]


def _points(widths: Sequence[float], digit: float, gap: float) -> float:
    return sum(widths) * digit + 2 * gap * len(widths)


def _column_groups(widths: Sequence[float], fixed: int) -> list[tuple[int, ...]]:
    """As few groups of columns as fit in the smallest type, and these as even as can be."""
    narrow = [min(widths[0], _NAMES_SQUEEZED), *widths[1:]]
    others = list(range(fixed, len(widths)))
    for count in range(1, len(others) + 1):
        step = math.ceil(len(others) / count)
        groups = [(*range(fixed), *others[i : i + step]) for i in range(0, len(others), step)]
        if all(_points([narrow[i] for i in group], *_SMALLEST) <= TEXT_WIDTH for group in groups):
            return groups
    return [(*range(fixed), i) for i in others] or [tuple(range(len(widths)))]


def _row_groups(rows: Sequence[Row | None], lines: Sequence[int], room: int, last: int) -> list[tuple[Row | None, ...]]:
    """Rows that fit on a page, as even as can be: cut at the rule that is nearest to that, where there is one.

    Args:
        lines: of each row.
        room: lines on a page; `last`: on the last one.
    """
    groups: list[tuple[Row | None, ...]] = []
    start = 0
    while sum(lines[start:]) > last and start < len(rows) - 1:
        total = sum(lines[start:])
        even = _fitting(lines, start, math.ceil(total / max(2, math.ceil(total / room))))
        rules = [i for i in range(start + 1, _fitting(lines, start, room) + 1) if i < len(rows) and rows[i] is None]
        end = min(rules, key=lambda i: abs(i - even), default=even)
        groups.append(tuple(rows[start:end]))
        start = end + (end in rules)
    return [*groups, tuple(rows[start:])]


def _fitting(lines: Sequence[int], start: int, room: int) -> int:
    """Where to end so that no more than so many lines are taken; at least one row is."""
    end, used = start + 1, lines[start]
    while end < len(lines) and used + lines[end] <= room:
        used += lines[end]
        end += 1
    return end

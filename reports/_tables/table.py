"""A table before it has a form: what every kind of table is made as, and every format is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Value:
    """One entry of a table.

    Attributes:
        text: the number or the words, plain.
        spread: shown as `± spread`.
        mark: 1 best of its column, 2 second, 0 otherwise.
        letters: superscript: what it is significantly better than, or a dagger.
        note: why it is missing, or what a reader must know of it; a footnote.
        number: the value unrounded, for CSV and for sorting.
    """

    text: str
    spread: str | None = None
    mark: Literal[0, 1, 2] = 0
    letters: str = ""
    note: str | None = None
    number: float | None = None


@dataclass(frozen=True)
class Table:
    """A table with all that is said under it.

    Attributes:
        name: letters, digits and hyphens, unique in a report: file name, LaTeX label, HTML id.
        title: what it shows.
        header: names of the columns; the first is that of the rows' names.
        rows: as many values as the header has; None is a rule.
        facts: how the numbers were made: protocol, the metric's convention, seeds, version.
        notes: warnings.
        panel: title of the protocol it belongs to.
    """

    name: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Value, ...] | None, ...]
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    panel: str = ""

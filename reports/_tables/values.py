"""Entries of tables from what cells hold: means over seeds with their spread, and why one is missing."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .._model import Entry, Panel
from .table import Value
from .text import DASH, decimal, slug

Row = tuple[Value, ...]
NOTHING = Value(DASH)


@dataclass(frozen=True)
class Column:
    """A column of `by_bits`.

    Attributes:
        value: of an entry with finished cells.
        best: whether the best of a code length are marked: the largest.
    """

    name: str
    value: Callable[[Entry], Value]
    best: bool = False


def table_name(kind: str, panel: Panel) -> str:
    """Letters, digits and hyphens; unique in a report by the protocol's digest."""
    cell = panel.cell
    return f"{kind}-{slug(f'{cell.dataset_label}-{cell.split}-{cell.regime}-{cell.settings}')}-{cell.protocol}"


def stored(entry: Entry, *path: str) -> list[float]:
    """The number at a place in each finished cell's result (`audit`, `centers`, `d_mean`); of those that have it."""
    found = []
    for cell in entry.cells:
        part = cell.result
        for name in path:
            part = (part or {}).get(name)  # type: ignore[assignment]
        if part is not None:
            found.append(float(part))  # type: ignore[arg-type]
    return found


def mean(values: Sequence[float], digits: int, spread: bool = True) -> Value:
    """Mean over seeds, with the standard deviation where there are several."""
    if not values:
        return NOTHING
    middle = statistics.fmean(values)
    deviation = decimal(statistics.stdev(values), digits) if spread and len(values) > 1 else None
    return Value(decimal(middle, digits), deviation, number=middle)


def extreme(values: Sequence[float], choose: Callable[[Sequence[float]], float]) -> Value:
    """The least or the largest of the seeds' whole numbers."""
    return Value(f"{choose(values):.0f}", number=choose(values)) if values else NOTHING


def mean_ap(panel: Panel, entry: Entry) -> Value:
    """mAP with its rank; which seeds are missing and why is its note."""
    middle, spread = entry.mean(), entry.spread
    if middle is None:
        return Value("failed" if entry.failures else DASH, note=_missing(panel, entry))
    shown = None if spread is None else decimal(spread, 4)
    mark = entry.rank if entry.rank in (1, 2) else 0
    return Value(decimal(middle, 4), shown, mark, note=_missing(panel, entry), number=middle)  # type: ignore[arg-type]


def marked(values: Sequence[Value]) -> list[Value]:
    """The best and the second of them marked: the largest; equal as shown is equal in rank."""
    shown = [None if v.number is None else float(v.text) for v in values]
    order = sorted({number for number in shown if number is not None}, reverse=True)
    if len(order) < 2:
        return list(values)
    ranks = {number: rank for rank, number in enumerate(order[:2], 1)}
    return [
        replace(v, mark=ranks[number]) if number in ranks else v  # type: ignore[arg-type]
        for v, number in zip(values, shown, strict=True)
    ]


def by_bits(panel: Panel, columns: Sequence[Column]) -> tuple[tuple[str, ...], tuple[Row | None, ...]]:
    """Header and rows: the methods at each code length, a rule between code lengths; without columns that are empty
    throughout. Methods that did not finish are left out: the table of mAP says why.
    """
    blocks = []
    for bits in panel.bits:
        entries = {method: row[bits] for method, row in panel.entries.items() if row[bits].cells}
        found = [[column.value(entry) for entry in entries.values()] for column in columns]
        found = [marked(v) if column.best else v for column, v in zip(columns, found, strict=True)]
        blocks.append((bits, list(entries), found))
    kept = [i for i in range(len(columns)) if any(v is not NOTHING for _, _, found in blocks for v in found[i])]
    rows: list[Row | None] = []
    for bits, methods, found in blocks:
        rows += [None] if rows and methods else []
        for place, method in enumerate(methods):
            head = (Value(method), Value(str(bits), number=bits))
            rows.append((*head, *(found[i][place] for i in kept)))
    return ("method", "bits", *(columns[i].name for i in kept)), tuple(rows)


def _missing(panel: Panel, entry: Entry) -> str | None:
    """Which seeds an entry is without, and what its spread is where that differs from the table's."""
    if not entry.cells and not entry.failures:
        return "not run"
    seeds = sorted({s.cell.seed for s in entry.cells})
    error = "± standard error over queries" if len(seeds) == 1 < len(panel.seeds) else ""
    if entry.failures:
        return "; ".join([f"failed, {entry.failures[0]}", *entry.failures[1:], *([error] if error else [])])
    if len(seeds) < len(panel.seeds):
        alone = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))} alone"
        return f"{alone}, {error}" if error else alone
    return None

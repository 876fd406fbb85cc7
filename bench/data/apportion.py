"""Whole numbers of items for shares that are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def whole_shares(total: int, weights: Sequence[int]) -> list[int]:
    """`total` cut in the ratio of `weights`: each share rounded down, what is left to the largest remainders."""
    scale = sum(weights)
    shares = [total * weight // scale for weight in weights]
    order = sorted(range(len(weights)), key=lambda part: (-(total * weights[part] % scale), part))
    for part in order[: total - sum(shares)]:
        shares[part] += 1
    return shares


def whole_table(rows: Sequence[int], columns: Sequence[int]) -> NDArray[np.int64]:
    """How many items of each class each part gets: both sums as asked, each entry its share rounded up or down.

    The share of row r in column c is rows[r] * columns[c] / N. Such a table always exists (the transport
    polytope has whole corners); it is found by pushing remainders round closed loops of entries that are not whole
    yet, which keeps every sum and makes at least one entry whole each time.

    Args:
        rows: (R,) items of each class.
        columns: (P,) sizes of the parts, with the same sum N.

    Returns:
        (R, P) int64. No chance is involved.
    """
    total = sum(rows)
    if total != sum(columns):
        raise ValueError(f"rows hold {total} items, columns {sum(columns)}")
    units = np.outer(np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64))  # in 1/N of an item
    counts, left = np.divmod(units, max(total, 1))
    while left.any():
        up, down = _loop(left > 0)
        step = min((total - left[up]).min(), left[down].min())
        left[up] += step
        left[down] -= step
        counts += left == total
        left[left == total] = 0
    return counts


_Entries = tuple[list[int], list[int]]


def _loop(open_: NDArray[np.bool_]) -> tuple[_Entries, _Entries]:
    """A closed walk over open entries, along a row and along a column in turn: entries to raise, entries to lower.

    No row or column has just one open entry (their remainders add up to whole items), so the walk goes on until it
    meets a column again; it takes the latest it can, so that no entry is met twice.
    """
    columns = [int(np.flatnonzero(open_.any(axis=0))[0])]
    rows: list[int] = []
    while True:
        in_column = np.flatnonzero(open_[:, columns[-1]])
        rows.append(int(in_column[0] if not rows or in_column[0] != rows[-1] else in_column[1]))
        in_row = [int(c) for c in np.flatnonzero(open_[rows[-1]]) if c != columns[-1]]
        met = [place for place, column in enumerate(columns) if column in in_row]
        if met:
            rows, columns = rows[met[-1] :], columns[met[-1] :]
            return (rows, columns), (rows, [*columns[1:], columns[0]])
        columns.append(in_row[0])

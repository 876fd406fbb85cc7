"""The database items nearest to a query, with the ranks that each can have among those at its own distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.codes.packing import columns, words

_WORDS = 3  # whose bits a byte can count


@dataclass(frozen=True)
class Tie:
    """All database items at one distance of a query.

    Attributes:
        nearer: how many items are nearer: the ranks of these are `first` to `last`, in any order.
        items: how many there are.
        relevant: how many of them are.
    """

    distance: int
    nearer: int
    items: int
    relevant: int

    @property
    def first(self) -> int:
        """Lowest rank, counted from 1."""
        return self.nearer + 1

    @property
    def last(self) -> int:
        """Highest rank."""
        return self.nearer + self.items


@dataclass(frozen=True)
class Nearest:
    """Of one query.

    Attributes:
        places: (n,) in the database, nearest first; those of one tie in the order of the database.
        ties: nearest first, as many as `places` reach into.
        tie_of: (n,) the tie of each place.
    """

    places: NDArray[np.int64]
    ties: list[Tie]
    tie_of: NDArray[np.int64]


class Database:
    """Codes in the form in which distances are counted."""

    def __init__(self, packed: NDArray[np.uint8]) -> None:
        """`packed`: (N, ceil(K / 8))."""
        self._columns = columns(packed)

    def distances(self, packed: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """(Q, N): bits in which codes differ; of query codes (Q, ceil(K / 8)), of which there should be few."""
        query = words(packed)
        found = np.bitwise_count(query[:, :1] ^ self._columns[0])
        if len(self._columns) > _WORDS:
            found = found.astype(np.uint16)
        for number, column in enumerate(self._columns[1:], 1):
            found += np.bitwise_count(query[:, number, None] ^ column)
        return found


def nearest(distances: NDArray[np.unsignedinteger[Any]], relevant: NDArray[np.bool_], count: int) -> Nearest:
    """The `count` nearest items (all, if there are fewer).

    Args:
        distances: (N,) of one query.
        relevant: (N,) which items are relevant to it.
    """
    items = np.bincount(distances)
    right = np.bincount(distances[relevant], minlength=len(items))
    reached = np.cumsum(items)
    farthest = int(np.searchsorted(reached, min(count, len(distances))))
    candidates = np.flatnonzero(distances <= farthest)
    places = candidates[np.argsort(distances[candidates], kind="stable")[:count]]
    values, tie_of = np.unique(distances[places], return_inverse=True)
    ties = [Tie(int(d), int(reached[d] - items[d]), int(items[d]), int(right[d])) for d in values]
    return Nearest(places, ties, tie_of)


def shares_class(query: NDArray[np.generic], database: NDArray[np.generic]) -> NDArray[np.bool_]:
    """(N,) which items share a class with a query: a class index and (N,), or (C,) and (N, C)."""
    if database.ndim == 1:
        return np.asarray(database == query)
    return np.asarray(database[:, query.astype(bool)].any(axis=1))

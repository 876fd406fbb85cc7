"""Distance histograms: all that exact retrieval metrics need.

Codes of K bits have K + 1 distances, so a ranking with its ties is, per query, n[d] (database items at
distance d) and r[d] (relevant ones). No sort and no query x database matrix: both are counted in chunks of
queries, and the histograms of parts of a database add up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.codes.packing import words
from bench.errors import DataError

_CHUNK_BYTES = 64 * 2**20  # of distances held at a time


@dataclass(frozen=True)
class Histograms:
    """Counts per query and distance: `items` n and `relevant` r, each (Q, K + 1) int64."""

    items: NDArray[np.int64]
    relevant: NDArray[np.int64]

    def __add__(self, other: Histograms) -> Histograms:
        """Histograms of two parts of a database, together."""
        return Histograms(self.items + other.items, self.relevant + other.relevant)


def distance_histograms(
    query: NDArray[np.uint8],
    query_labels: NDArray[np.generic],
    database: NDArray[np.uint8],
    database_labels: NDArray[np.generic],
    bits: int,
) -> Histograms:
    """Histograms of every query over the whole database.

    Args:
        query, database: packed codes (Q, ceil(K/8)) and (N, ceil(K/8)) uint8.
        query_labels, database_labels: both class indices (Q,), (N,), or both multi-hot (Q, C), (N, C). An item
            is relevant if it shares a class with the query.
        bits: K.
    """
    _check(query, query_labels, database, database_labels, bits)
    single = query_labels.ndim == 1
    if single:  # sorted by class, the relevant items of a query are one slice
        order = np.argsort(database_labels, kind="stable")
        database, database_labels = database[order], database_labels[order]
    query_words, database_words = words(query), words(database)
    chunk = max(1, _CHUNK_BYTES // (16 * len(database_words)))
    items = np.empty((len(query), bits + 1), dtype=np.int64)
    relevant = np.zeros_like(items)
    for start in range(0, len(query), chunk):
        part = slice(start, start + chunk)
        distances = _distances(query_words[part], database_words)
        items[part] = _count_rows(distances, bits)
        if single:
            first = np.searchsorted(database_labels, query_labels[part], side="left")
            last = np.searchsorted(database_labels, query_labels[part], side="right")
            for i, (a, b) in enumerate(zip(first, last, strict=True)):
                relevant[start + i] = np.bincount(distances[i, a:b], minlength=bits + 1)
        else:
            shared = query_labels[part].astype(np.float32) @ database_labels.astype(np.float32).T > 0
            relevant[part] = _count_rows(np.where(shared, distances, bits + 1), bits)
    return Histograms(items, relevant)


def _distances(query: NDArray[np.uint64], database: NDArray[np.uint64]) -> NDArray[np.int64]:
    """(q, N) Hamming distances of words (q, W) and (N, W)."""
    total = np.zeros((len(query), len(database)), dtype=np.int64)
    for w in range(query.shape[1]):
        total += np.bitwise_count(query[:, w, None] ^ database[None, :, w])
    return total


def _count_rows(distances: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """(q, K + 1) counts of each row's values; values above K are left out."""
    width = bits + 2
    flat = distances + width * np.arange(len(distances))[:, None]
    return np.bincount(flat.ravel(), minlength=width * len(distances)).reshape(len(distances), width)[:, : bits + 1]


def _check(
    query: NDArray[np.uint8], query_labels: NDArray[np.generic], database: NDArray[np.uint8],
    database_labels: NDArray[np.generic], bits: int,
) -> None:  # fmt: skip
    if len(query) == 0 or len(database) == 0:
        raise DataError("evaluation needs at least one query and one database item.")
    width = -(-bits // 8)
    if query.shape[1] != width or database.shape[1] != width:
        raise DataError(
            f"query codes ({query.shape[1]} bytes) and database codes ({database.shape[1]} bytes) "
            f"must both hold {bits} bits."
        )
    if len(query_labels) != len(query) or len(database_labels) != len(database):
        raise DataError(
            f"labels do not match codes: {len(query_labels)} labels for {len(query)} queries, "
            f"{len(database_labels)} for {len(database)} database items."
        )
    if query_labels.ndim != database_labels.ndim or query_labels.shape[1:] != database_labels.shape[1:]:
        raise DataError("query and database labels must have one form: class indices (N,) or multi-hot rows (N, C).")

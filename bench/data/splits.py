"""Seeded, stratified, disjoint splits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.plugins.dataset import Split


def stratified_split(
    labels: NDArray[np.int64], rng: np.random.Generator, query: float, database: float, *, name: str
) -> Split:
    """Disjoint train, query and database parts with each class's share as equal as whole items allow.

    Args:
        labels: (N,) class indices.
        rng: the only source of chance; same generator state, same split.
        query: share of each class that become queries, in (0, 1).
        database: share of each class that is searched; what is left trains. Each class gives at least one
            item to each part.
        name: the dataset's, for the error.

    Raises:
        DataError: a class with fewer than three items, or shares that leave nothing to train on.
    """
    if not (query > 0 and database > 0 and query + database < 1):
        raise DataError(f"{name}: the shares of query ({query}) and database ({database}) must leave some to train on.")
    parts: tuple[list[NDArray[np.int64]], ...] = ([], [], [])
    for c in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == c))
        if len(rows) < 3:
            raise DataError(
                f"{name}: class number {c} has {len(rows)} items; a split into three parts needs at least 3."
            )
        n_query = min(max(1, round(query * len(rows))), len(rows) - 2)
        n_database = min(max(1, round(database * len(rows))), len(rows) - n_query - 1)
        for part, chunk in zip(parts, np.split(rows, [n_query, n_query + n_database]), strict=True):
            part.append(chunk)
    query_rows, database_rows, train_rows = (np.sort(np.concatenate(p)).astype(np.int64) for p in parts)
    return Split(train=train_rows, query=query_rows, database=database_rows)


def counted_split(labels: NDArray[np.int64], rng: np.random.Generator, per_class: tuple[int, int, int]) -> Split:
    """Exactly (train, query, database) items of every class, disjoint; the rest is unused."""
    parts: tuple[list[NDArray[np.int64]], ...] = ([], [], [])
    ends = np.cumsum(per_class)
    for c in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == c))
        if len(rows) < ends[-1]:
            raise DataError(f"class number {c} has {len(rows)} items; the split needs {ends[-1]} of each.")
        for part, chunk in zip(parts, np.split(rows[: ends[-1]], ends[:-1]), strict=True):
            part.append(chunk)
    train, query, database = (np.sort(np.concatenate(p)).astype(np.int64) for p in parts)
    return Split(train=train, query=query, database=database)

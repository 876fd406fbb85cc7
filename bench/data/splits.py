"""Seeded, stratified, disjoint splits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.apportion import whole_shares, whole_table
from bench.errors import DataError
from bench.plugins.dataset import Split
from bench.randomness import stream

_VALIDATION_SHARE = 0.2  # of the training items


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


def shares_split(
    labels: NDArray[np.int64], rng: np.random.Generator, shares: tuple[int, int, int], *, name: str
) -> Split:
    """All items in disjoint train, query and database parts, sized in the ratio of `shares`, each class likewise.

    Shares that add up to the number of items are the exact sizes; else each is scaled, and what rounding leaves
    goes to the largest remainders. A class gives each part its share rounded up or down, and how many does not
    depend on chance: `rng` decides only which.

    Args:
        labels: (N,) class indices.
        name: the dataset's, for the error.

    Raises:
        DataError: too few items for one in each part.
    """
    sizes = whole_shares(len(labels), shares)
    if min(sizes) < 1:
        raise DataError(
            f"{name}: {len(labels)} items in the ratio {shares[0]}:{shares[1]}:{shares[2]} leave a part empty; choose "
            "another split, or add images."
        )
    classes, counts = np.unique(labels, return_counts=True)
    parts: tuple[list[NDArray[np.int64]], ...] = ([], [], [])
    for c, row in zip(classes, whole_table(counts.tolist(), sizes), strict=True):
        members = rng.permutation(np.flatnonzero(labels == c))
        for part, chunk in zip(parts, np.split(members, np.cumsum(row)[:-1]), strict=True):
            part.append(chunk)
    train, query, database = (np.sort(np.concatenate(p)).astype(np.int64) for p in parts)
    return Split(train=train, query=query, database=database)


def two_part_split(training: NDArray[np.bool_]) -> Split:
    """An official split into training and test items, (N,) true where an item trains: the training items are also
    the database, the test items are the queries.
    """
    train = np.flatnonzero(training).astype(np.int64)
    return Split(train=train, query=np.flatnonzero(~training).astype(np.int64), database=train)


def validation_split(split: Split, labels: NDArray[Any], share: float, rng: np.random.Generator) -> Split:
    """A part of the training items as queries, the rest as training items and database: what tuning may look at.

    Args:
        labels: of the whole dataset, (N,) class indices or (N, C) multi-hot rows.
        share: of the training items that become queries, class by class where items have one class. Every class
            that has a training item keeps one.
    """
    rows, train = split.train, labels[split.train]
    if labels.ndim == 1:
        query = np.zeros(len(rows), dtype=bool)
        for c in np.unique(train):
            members = rng.permutation(np.flatnonzero(train == c))
            query[members[: min(max(1, round(share * len(members))), len(members) - 1)]] = True
    else:
        query = rng.permutation(len(rows)) < round(share * len(rows))
        for c in np.flatnonzero(train.any(axis=0) & ~train[~query].any(axis=0)):
            query[np.flatnonzero(train[:, c])[0]] = False
    return Split(train=rows[~query], query=rows[query], database=rows[~query])


def part_split(split: Split, labels: NDArray[Any], part: str) -> Split:
    """The split itself for "test"; for "validation" a fifth of its training items as queries, the same in every run."""
    if part == "test":
        return split
    return validation_split(split, labels, _VALIDATION_SHARE, stream(0, "validation"))

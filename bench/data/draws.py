"""Seeded splits of multi-label images, as papers describe theirs without publishing them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.plugins.dataset import Split


def drawn_split(count: int, rng: np.random.Generator, query: int, train: int, *, name: str) -> Split:
    """`query` of `count` items are queries, the rest is the database, `train` items of that are trained on.

    The protocol of HashNet (Cao et al., ICCV 2017, section 4.1). Row numbers ascend.

    Raises:
        DataError: fewer items than the split needs; `name` is the dataset's.
    """
    if query + train > count:
        raise DataError(
            f"{name} has {count} images, fewer than the {query} queries and {train} training images of this split: "
            f"lower {name}.query and {name}.train."
        )
    order = rng.permutation(count).astype(np.int64)
    return Split(
        train=np.sort(order[query : query + train]), query=np.sort(order[:query]), database=np.sort(order[query:])
    )


def per_class_split(labels: NDArray[np.bool_], rng: np.random.Generator, query: int, train: int, *, name: str) -> Split:
    """For each class `query` items that have it are queries, and `train` others are trained on.

    Everything that is no query is the database. An item stands for one class only, whatever else it shows, so C
    classes give C * `query` queries. The rarest class chooses first: a common one finds others.

    Args:
        labels: bool (N, C).

    Raises:
        DataError: a class with too few items left.
    """
    order = rng.permutation(len(labels))
    free = np.ones(len(labels), dtype=bool)
    chosen = []
    for wanted in (query, train):
        part = []
        for c in np.argsort(labels.sum(axis=0), kind="stable"):
            candidates = order[free[order] & labels[order, c]][:wanted]
            if len(candidates) < wanted:
                raise DataError(
                    f"{name}: class number {c} has {int(labels[:, c].sum())} images, too few for {query} queries and "
                    f"{train} training images beside the other classes': lower {name}.query_per_class and "
                    f"{name}.train_per_class."
                )
            free[candidates] = False
            part.append(candidates)
        chosen.append(np.sort(np.concatenate(part)).astype(np.int64))
    database = np.setdiff1d(np.arange(len(labels), dtype=np.int64), chosen[0], assume_unique=True)
    return Split(train=chosen[1], query=chosen[0], database=database)


def random_split(labels: NDArray[Any], rng: np.random.Generator, query: float, database: float) -> Split:
    """Disjoint parts: a share of all items as queries, one to be searched, the rest to train on.

    A class that the draw left out of training takes one of its items from the database, so that rare classes can
    be trained; one whose items are all queries stays without.

    Args:
        labels: bool (N, C).
        query: share of items, in (0, 1).
        database: share of items; query + database < 1.
    """
    count = len(labels)
    order = rng.permutation(count)
    part = np.full(count, 2)
    part[order[: round((query + database) * count)]] = 1
    part[order[: round(query * count)]] = 0
    for c in np.flatnonzero(labels.any(axis=0) & ~labels[part == 2].any(axis=0)):
        candidates = np.flatnonzero(labels[:, c] & (part == 1))
        if len(candidates) and not labels[part == 2][:, c].any():
            part[candidates[0]] = 2
    rows = [np.flatnonzero(part == number).astype(np.int64) for number in range(3)]
    return Split(train=rows[2], query=rows[0], database=rows[1])

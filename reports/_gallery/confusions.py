"""Which classes come up for which: what the nearest items of each class's queries are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._page.figure_data import rounded
from .nearest import Database

NEAREST = 10
PAIRS = 10
MOST_QUERIES = 500  # of a class
_MOST_DISTANCES = 10**9  # computed for one method: two or three seconds
_BLOCK = 2**19  # distances held at a time: a few MB, which stay near the processor
_STRIDE = 16  # every so many items tell how far the nearest are at most


def confusions(arrays: Mapping[str, NDArray[Any]], classes: int) -> dict[str, Any] | None:
    """The most-confused pairs of classes of one cell, of items that have one class each.

    Of a class A, the share of B says: of the ten nearest items of a query of class A, so many are of class B, as a
    mean over A's queries. Of the items at the tenth's distance each counts in part, by the odds that it is among the
    ten if the order of a tie is random: a tie's classes stand for it in proportion.

    Args:
        arrays: query_codes, database_codes, query_labels, database_labels and, if it is there, centers_used.
        classes: C.

    Returns:
        `own`: share of the query's own class, mean over the queries; `queries`: how many were looked at; `nearest`:
        how many items, ten or all there are; `pairs`: [A, B, share, distance of their centers in bits or None], the
        greatest share first. None where there is nothing to be searched.
    """
    if not len(arrays["query_labels"]) or not len(arrays["database_labels"]):
        return None
    labels = arrays["query_labels"].astype(np.int64)
    rows = sampled(labels, classes, len(arrays["database_labels"]))
    counts = nearest_classes(
        arrays["query_codes"][rows], labels[rows], arrays["database_codes"],
        arrays["database_labels"].astype(np.int64), classes,
    )  # fmt: skip
    of_class = np.bincount(labels[rows], minlength=classes)
    own = float(np.trace(counts) / len(rows))
    shares = counts / np.maximum(of_class, 1)[:, None]
    np.fill_diagonal(shares, 0)
    order = np.argsort(-np.round(shares, 9), axis=None, kind="stable")[:PAIRS]
    found = [(int(place) // classes, int(place) % classes) for place in order if shares.flat[place] > 0]
    centers = arrays.get("centers_used")
    return {
        "own": rounded(own), "queries": len(rows), "nearest": min(NEAREST, len(arrays["database_labels"])),
        "pairs": [[a, b, rounded(float(shares[a, b])), _apart(centers, a, b)] for a, b in found],
    }  # fmt: skip


def nearest_classes(
    query: NDArray[np.uint8], query_labels: NDArray[np.int64], database: NDArray[np.uint8],
    database_labels: NDArray[np.int64], classes: int, count: int = NEAREST,
) -> NDArray[np.float64]:  # fmt: skip
    """(C, C): the sum, over the queries of each class, of the expected share of each class in the `count` nearest."""
    searched, found = Database(database), np.zeros(classes * classes)
    count = min(count, len(database))
    step = max(1, _BLOCK // len(database))
    for start in range(0, len(query), step):
        block = slice(start, start + step)
        which, place, weight = _weighed(searched.distances(query[block]), count)
        found += np.bincount(query_labels[block][which] * classes + database_labels[place], weight, len(found))
    return found.reshape(classes, classes) / count


def _weighed(
    distances: NDArray[np.unsignedinteger[Any]], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:  # fmt: skip
    """Query, item and odds of every item that can be among the `count` nearest of a query; distances (Q, N)."""
    enough = distances[:, ::_STRIDE] if distances.shape[1] >= _STRIDE * count else distances
    bound = np.partition(enough, count - 1, axis=1)[:, count - 1]  # of some items: no less than that of all
    which, place = np.divmod(np.flatnonzero(distances <= bound[:, None]), distances.shape[1])
    near = distances[which, place].astype(np.int64)
    width = int(near.max()) + 1
    items = np.bincount(which * width + near, minlength=len(distances) * width).reshape(-1, width)
    reached = np.cumsum(items, axis=1)
    last = (reached >= count).argmax(axis=1)
    queries = np.arange(len(distances))
    tied = items[queries, last]
    odds = (count - reached[queries, last] + tied) / tied
    weight = np.where(near < last[which], 1.0, np.where(near == last[which], odds[which], 0.0))
    return which, place, weight


def sampled(labels: NDArray[np.int64], classes: int, database: int) -> NDArray[np.int64]:
    """Places of the queries that are looked at: of each class as many, evenly spaced; all where they are few.

    Args:
        database: number of items; the more, the fewer queries.
    """
    most = max(1, min(MOST_QUERIES, _MOST_DISTANCES // (database * classes)))
    chosen = []
    for c in range(classes):
        rows = np.flatnonzero(labels == c)
        chosen.append(rows if len(rows) <= most else rows[np.arange(most) * len(rows) // most])
    return np.sort(np.concatenate(chosen))


def _apart(centers: NDArray[np.int8] | None, a: int, b: int) -> int | None:
    return None if centers is None else int((centers[a] != centers[b]).sum())

"""Compiled: average precision of real-valued rankings, sorting no more than it needs to.

Of a ranking only the ranks of the relevant items are asked for. Items go into bins by distance, and only the few that
share a bin with a relevant item are sorted: time grows with N, not with N log N.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Words = NDArray[np.uint64]

_BINS = 2**14
_FEW = 24  # items of a bin up to which insertion is faster than a sort


@njit(inline="always")
def _sort(keys: Counts) -> None:
    if len(keys) > _FEW:
        keys.sort()
        return
    for i in range(1, len(keys)):
        key, j = keys[i], i - 1
        while j >= 0 and keys[j] > key:
            keys[j + 1] = keys[j]
            j -= 1
        keys[j + 1] = key


@njit(nogil=True, cache=True)
def average_precisions(
    similarities: NDArray[np.float32], classes: Counts, masks: Words, database_classes: Counts,
    database_masks: Words, out: NDArray[np.float64],
) -> None:  # fmt: skip
    """AP of each row of similarities (q, N), largest first; among equal ones the relevant items come last.

    A key holds a distance in double precision, whose last bit, beyond what single precision sets, says whether the item
    is relevant: class indices are equal (-1: never), or class masks (q, L), (L, N) share a bit.
    """
    n = similarities.shape[1]
    distances = np.empty(n, np.float64)
    keys = distances.view(np.int64)
    ordered = np.empty(n, np.int64)
    bins = np.empty(n, np.int32)
    for i in range(len(similarities)):
        row = similarities[i]
        low, high = row.min(), row.max()
        scale = np.float32(_BINS - 1) / max(high - low, np.float32(1e-12))
        starts, relevant = np.zeros(_BINS + 1, np.int64), np.zeros(_BINS, np.int64)
        for j in range(n):
            distances[j] = 2 - np.float64(row[j])
            bins[j] = np.int32((high - row[j]) * scale)
        for j in range(n):
            hit = classes[i] >= 0 and database_classes[j] == classes[i]
            for w in range(masks.shape[1]):
                hit |= (masks[i, w] & database_masks[w, j]) != 0
            keys[j] = (keys[j] & ~1) | hit
            starts[bins[j] + 1] += 1
            relevant[bins[j]] += hit
        for b in range(_BINS):
            starts[b + 1] += starts[b]
        place = starts[:-1].copy()
        for j in range(n):
            b = bins[j]
            if relevant[b]:  # the others only count
                ordered[place[b]] = keys[j]
                place[b] += 1
        hits, total = 0, 0.0
        for b in range(_BINS):
            if relevant[b]:
                part = ordered[starts[b] : starts[b + 1]]
                _sort(part)
                for j in range(len(part)):
                    if part[j] & 1:
                        hits += 1
                        total += hits / (starts[b] + j + 1)
        out[i] = total / max(hits, 1)

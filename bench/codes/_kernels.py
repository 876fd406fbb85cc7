"""Compiled loops over pairs of codes. Nothing is stored per pair; each function is serial and releases the GIL.

Words are 64 bits. Queries are rows (Q, W), the database is columns (W, N), so that a loop over items reads memory in
order and becomes vector instructions. A query's relevant items are those of a range of the database (class indices;
the database sorted by class) or those whose class mask shares a bit with its own (multi-label).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.extending import intrinsic
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Counts = NDArray[np.int64]

_BLOCK = 2048  # items whose distances wait in cache to be counted


def _population_count(_context: Any, word: Any) -> Any:  # pragma: no cover - called where numba compiles
    """Set bits of a 64-bit word, in one instruction where the processor has one."""
    return word(word), lambda context, builder, signature, arguments: builder.ctpop(arguments[0])


popcount: Any = intrinsic(_population_count)


@njit(inline="always")
def _distances(code: Words, database: Words, start: int, out: NDArray[np.uint16]) -> None:
    """Distances of one query to the items start, start + 1, ... as many as `out` holds."""
    word, row = code[0], database[0, start : start + len(out)]
    for j in range(len(out)):
        out[j] = popcount(word ^ row[j])
    for w in range(1, len(code)):
        word, row = code[w], database[w, start : start + len(out)]
        for j in range(len(out)):
            out[j] += np.uint16(popcount(word ^ row[j]))


@njit(inline="always")
def _mark_shared(mask: Words, masks: Words, start: int, mark: np.uint16, out: NDArray[np.uint16]) -> None:
    """Set the bit `mark` of the items that share a class; words in which the query has no class are skipped."""
    for w in range(len(mask)):
        word = mask[w]
        if word != 0:
            row = masks[w, start : start + len(out)]
            for j in range(len(out)):
                out[j] |= mark if (word & row[j]) != 0 else np.uint16(0)


@njit(nogil=True, cache=True)
def count(
    query: Words, masks: Words, first: Counts, last: Counts,
    database: Words, database_masks: Words, items: Counts, relevant: Counts,
) -> None:  # fmt: skip
    """Add the database to items[i, d] and relevant[i, d].

    Relevant to query i: items first[i] <= j < last[i], and those that share a bit of masks (Q, L), L = 0 for none.
    One increment per pair, at its distance, plus the bit `mark` if relevant. Four tables take turns, since an
    increment that hits the same entry as the one before would have to wait for it.
    """
    bins, n = items.shape[1], database.shape[1]
    stride = 1
    while stride < bins:
        stride *= 2
    mark = np.uint16(stride)
    buffer = np.empty(_BLOCK, np.uint16)
    a, b = np.empty(2 * stride, np.uint32), np.empty(2 * stride, np.uint32)
    c, d = np.empty(2 * stride, np.uint32), np.empty(2 * stride, np.uint32)
    one = np.uint32(1)
    for i in range(query.shape[0]):
        a[:], b[:], c[:], d[:] = 0, 0, 0, 0
        for start in range(0, n, _BLOCK):
            size = min(_BLOCK, n - start)
            block = buffer[:size]
            _distances(query[i], database, start, block)
            for j in range(max(first[i] - start, 0), min(last[i] - start, size)):
                block[j] |= mark
            _mark_shared(masks[i], database_masks, start, mark, block)
            fours = size & ~3  # seen as a multiple of 4 by the compiler, which saves a quarter of the time
            for j in range(0, fours, 4):
                a[buffer[j]] += one
                b[buffer[j + 1]] += one
                c[buffer[j + 2]] += one
                d[buffer[j + 3]] += one
            for j in range(fours, size):
                a[buffer[j]] += one
        for k in range(bins):
            hits = np.int64(a[stride + k]) + b[stride + k] + c[stride + k] + d[stride + k]
            relevant[i, k] += hits
            items[i, k] += hits + a[k] + b[k] + c[k] + d[k]


@njit(nogil=True, cache=True)
def rank_in_order(
    query: Words, classes: Counts, masks: Words, database: Words, database_classes: Counts, database_masks: Words,
    cut: Counts, next_rank: Counts, next_hit: Counts, sums: NDArray[np.float64], hits: Counts,
) -> None:  # fmt: skip
    """Ranks by counting: equal distances keep the database's order, and nothing is sorted.

    next_rank[i, d] and next_hit[i, d] start as the numbers of items and of relevant items nearer than d and go up as
    the database passes by; called with one part of the database after the other, they carry over. For each relevant
    item of rank <= cut[i], hits[i] grows by 1 and sums[i] by the precision at its rank. Class -1 is relevant to none.
    """
    n = database.shape[1]
    mark = np.uint16(2**15)
    buffer = np.empty(_BLOCK, np.uint16)
    for i in range(query.shape[0]):
        for start in range(0, n, _BLOCK):
            block = buffer[: min(_BLOCK, n - start)]
            _distances(query[i], database, start, block)
            for j in range(len(block)):
                if database_classes[start + j] == classes[i] and classes[i] >= 0:
                    block[j] |= mark
            _mark_shared(masks[i], database_masks, start, mark, block)
            for j in range(len(block)):
                k = block[j] & (mark - np.uint16(1))
                next_rank[i, k] += 1
                if block[j] & mark:
                    next_hit[i, k] += 1
                    if next_rank[i, k] <= cut[i]:
                        hits[i] += 1
                        sums[i] += next_hit[i, k] / next_rank[i, k]

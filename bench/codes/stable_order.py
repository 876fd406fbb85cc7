"""Ranks where items at equal distance keep the database's order, as a stable sort has them, without a sort.

An item's rank is the number of nearer items (from the histograms) plus its place among those at its own distance
(from counting while the database passes by).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bench.codes.histograms import Histograms
from bench.codes.labels import class_indices, class_masks
from bench.codes.packing import columns, words
from bench.codes.threads import for_each_slice

Part = tuple[NDArray[np.uint8], NDArray[np.generic]]


def precision_sums(
    query: NDArray[np.uint8],
    query_labels: NDArray[np.generic],
    database: Iterable[Part],
    histograms: Histograms,
    cut: NDArray[np.int64],
    threads: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum of precisions at the relevant items of rank <= cut, and their number, per query: both (Q,).

    Args:
        query: packed codes (Q, ceil(K/8)).
        database: its parts, (packed codes, labels) each, in the order that breaks ties.
        histograms: of all parts together.
        cut: (Q,) last rank that counts.
    """
    from bench.codes import _kernels

    next_rank = np.cumsum(histograms.items, axis=1) - histograms.items
    next_hit = np.cumsum(histograms.relevant, axis=1) - histograms.relevant
    sums, hits = np.zeros(len(query)), np.zeros(len(query), dtype=np.int64)
    query_words, classes, masks = words(query), class_indices(query_labels), class_masks(query_labels)
    for codes, labels in database:
        part_words, part_classes = columns(codes), class_indices(labels)
        part_masks = np.ascontiguousarray(class_masks(labels).T)

        def rank(
            rows: slice,
            there: tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64]] = (
                part_words, part_classes, part_masks,
            ),
        ) -> None:  # fmt: skip
            _kernels.rank_in_order(
                query_words[rows], classes[rows], masks[rows], *there, cut[rows],
                next_rank[rows], next_hit[rows], sums[rows], hits[rows],
            )  # fmt: skip

        for_each_slice(len(query), rank, threads)
    return sums, hits

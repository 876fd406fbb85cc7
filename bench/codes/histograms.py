"""Distance histograms: all that exact retrieval metrics need.

Codes of K bits have K + 1 distances, so a ranking with its ties is, per query, n[d] (database items at
distance d) and r[d] (relevant ones). No sort, no query x database matrix; the histograms of the parts of a
database add up, so that a database of any size is a sum over files or machines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bench.codes.labels import class_masks
from bench.codes.packing import columns, words
from bench.codes.threads import for_each_slice
from bench.errors import DataError

MAX_BITS = 2**15 - 1  # a distance and a mark fit into 16 bits


@dataclass(frozen=True)
class Histograms:
    """Counts per query and distance: `items` n and `relevant` r, each (Q, K + 1) int64."""

    items: NDArray[np.int64]
    relevant: NDArray[np.int64]

    @classmethod
    def zeros(cls, queries: int, bits: int) -> Histograms:
        """Of an empty database: where a sum starts."""
        return cls(*(np.zeros((queries, bits + 1), dtype=np.int64) for _ in range(2)))

    def __add__(self, other: Histograms) -> Histograms:
        """Histograms of two parts of a database, together."""
        return Histograms(self.items + other.items, self.relevant + other.relevant)


def distance_histograms(
    query: NDArray[np.uint8],
    query_labels: NDArray[np.generic],
    database: NDArray[np.uint8],
    database_labels: NDArray[np.generic],
    bits: int,
    device: torch.device | str = "cpu",
    threads: int | None = None,
) -> Histograms:
    """Histograms of every query over the whole database: the same integers on any device, in any order of items.

    Args:
        query, database: packed codes (Q, ceil(K/8)) and (N, ceil(K/8)) uint8.
        query_labels, database_labels: both class indices (Q,), (N,), or both multi-hot (Q, C), (N, C). An item
            is relevant if it shares a class with the query.
        bits: K, at most `MAX_BITS`.
        device: "cpu", or a CUDA device.
        threads: on the CPU; None for all cores of this process.

    Raises:
        DataError: shapes that do not fit; an empty side.
    """
    check_retrieval(query, query_labels, database, database_labels, bits)
    if torch.device(device).type != "cpu":
        from bench.codes.matrix_histograms import matrix_histograms

        return Histograms(*matrix_histograms(query, query_labels, database, database_labels, bits, device))
    from bench.codes import _kernels  # numba is slow to import: only when something is counted

    result = Histograms.zeros(len(query), bits)
    first = last = np.zeros(len(query), dtype=np.int64)
    if query_labels.ndim == 1:  # sorted by class, the relevant items of a query are one range
        order = np.argsort(database_labels, kind="stable")
        database, ordered = database[order], database_labels[order]
        first, last = (np.searchsorted(ordered, query_labels, side).astype(np.int64) for side in ("left", "right"))
    masks = class_masks(query_labels), np.ascontiguousarray(class_masks(database_labels).T)
    codes = words(query), columns(database)

    def count(part: slice) -> None:
        _kernels.count(
            codes[0][part], masks[0][part], first[part], last[part], codes[1], masks[1],
            result.items[part], result.relevant[part],
        )  # fmt: skip

    for_each_slice(len(query), count, threads)
    return result


def check_retrieval(
    query: NDArray[np.uint8], query_labels: NDArray[np.generic], database: NDArray[np.uint8],
    database_labels: NDArray[np.generic], bits: int,
) -> None:  # fmt: skip
    """Raise DataError where codes and labels do not fit together."""
    both = query_labels, database_labels
    if len(query) == 0 or len(database) == 0:
        raise DataError("evaluation needs at least one query and one database item.")
    if not 1 <= bits <= MAX_BITS:
        raise DataError(f"codes of {bits} bits cannot be: 1 to {MAX_BITS} can.")
    width = -(-bits // 8)
    if query.shape[1] != width or database.shape[1] != width:
        raise DataError(
            f"query codes ({query.shape[1]} bytes) and database codes ({database.shape[1]} bytes) "
            f"must both hold {bits} bits."
        )
    if bits % 8 and any((codes[:, -1] & (0xFF >> bits % 8)).any() for codes in (query, database)):
        raise DataError(f"packed codes have bits set beyond their {bits} bits: pad with zeros (numpy.packbits does).")
    if len(query_labels) != len(query) or len(database_labels) != len(database):
        raise DataError(
            f"labels do not match codes: {len(query_labels)} labels for {len(query)} queries, "
            f"{len(database_labels)} for {len(database)} database items."
        )
    if any(labels.ndim == 1 and (labels.dtype.kind not in "iu" or labels.min() < 0) for labels in both):
        raise DataError("class indices must be integers from 0 on; several labels per item are rows of 0 and 1.")
    if query_labels.ndim != database_labels.ndim or query_labels.shape[1:] != database_labels.shape[1:]:
        raise DataError("query and database labels must have one form: class indices (N,) or multi-hot rows (N, C).")

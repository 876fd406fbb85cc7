"""Codes and labels in, `Evaluation` out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from bench.codes.histograms import Histograms, distance_histograms
from bench.codes.packing import pack
from bench.codes.stable_order import Part, precision_sums
from bench.errors import ConfigError, DataError
from bench.evaluation.ranking import Empty, Evaluation


def evaluate(
    query_codes: ArrayLike | Tensor,
    query_labels: ArrayLike | Tensor,
    database_codes: ArrayLike | Tensor,
    database_labels: ArrayLike | Tensor,
    *,
    bits: int | None = None,
    ties: str = "expected",
    seed: int = 0,
    empty: Empty = "zero",
    device: torch.device | str = "cpu",
) -> Evaluation:
    """Rank the whole database by Hamming distance to each query and measure the ranking.

    Args:
        query_codes: (Q, K) in {-1, +1}, or packed uint8 rows with `bits` given.
        query_labels: class indices (Q,), or multi-hot rows (Q, C).
        database_codes: (N, K), as the queries'.
        database_labels: (N,) or (N, C), as the queries'.
        bits: K, for packed codes.
        ties: how items at equal distance are ordered. "expected": the mean over all orders; "stable": as the database
            has them; "shuffled": as the database has them after a random permutation.
        seed: of that permutation.
        empty: a query without a relevant item counts as AP 0 ("zero") or not at all ("skip").
        device: where distances are counted; every device gives the same integers.

    Raises:
        ConfigError: another word for ties.
        DataError: codes or labels whose shapes or values do not fit.
    """
    query, database = _array(query_codes), _array(database_codes)
    if bits is None:
        if query.ndim != 2 or database.ndim != 2 or query.shape[1] != database.shape[1]:
            raise DataError(
                f"query codes {query.shape} and database codes {database.shape} must be rows of one length."
            )
        bits = query.shape[1]
        query, database = pack(query), pack(database)
    elif query.dtype != np.uint8 or database.dtype != np.uint8:
        raise DataError("packed codes must be uint8; leave out bits for codes in {-1, +1}.")
    labels = _labels(query_labels), _labels(database_labels)
    if ties == "shuffled":
        order = np.random.default_rng(seed).permutation(len(database))
        database, labels, ties = database[order], (labels[0], labels[1][order]), "stable"
    return evaluate_parts(query, labels[0], [(database, labels[1])], bits, ties=ties, empty=empty, device=device)


def evaluate_parts(
    query: NDArray[np.uint8], query_labels: NDArray[Any], database: Iterable[Part], bits: int, *,
    ties: str = "expected", empty: Empty = "zero", device: torch.device | str = "cpu",
) -> Evaluation:  # fmt: skip
    """As `evaluate`, for packed codes and a database in parts that need not fit into memory together.

    Args:
        database: (packed codes, labels) of each part; iterated again for each metric under "stable" ties.
    """
    if ties not in ("expected", "stable"):
        raise ConfigError(
            f"there is no ties convention '{ties}': use expected or stable; bench.evaluate has shuffled, too."
        )
    histograms = Histograms.zeros(len(query), bits)
    for codes, labels in database:
        histograms += distance_histograms(query, query_labels, codes, labels, bits, device)
    if not histograms.items.any():
        raise DataError("evaluation needs at least one query and one database item.")
    if ties == "expected":
        return Evaluation(histograms, empty)

    def order(cut: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        return precision_sums(query, query_labels, database, histograms, cut)

    return Evaluation(histograms, empty, order)


def _array(codes: ArrayLike | Tensor) -> NDArray[Any]:
    return codes.detach().cpu().numpy() if isinstance(codes, Tensor) else np.asarray(codes)


def _labels(labels: ArrayLike | Tensor) -> NDArray[Any]:
    array = _array(labels)
    if array.ndim not in (1, 2):
        raise DataError(f"labels must be class indices (N,) or multi-hot rows (N, C), not of shape {array.shape}.")
    return array.astype(bool) if array.ndim == 2 else array

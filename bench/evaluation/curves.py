"""What figures show of a ranking, small enough to be kept with every result."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.ranking import Evaluation

_STEPS = (1, 2, 5)


def curve_ranks(database_size: int) -> NDArray[np.int64]:
    """Ranks 1, 2, 5, 10, 20, 50, ... below the size of the database, and that size."""
    decades = 10 ** np.arange(len(str(database_size)), dtype=np.int64)
    ranks = np.multiply.outer(decades, np.array(_STEPS)).ravel()
    return np.append(ranks[ranks < database_size], database_size)


def curves(ranking: Evaluation) -> dict[str, NDArray[Any]]:
    """Curves of a ranking, means over queries.

    Returns:
        `radius_precision`, `radius_recall` (K + 1,): within each Hamming radius, see `Evaluation.pr_curve`;
        `ranks` (n,) int64, `rank_precision`, `rank_recall` (n,): among so many nearest, ties averaged over;
        `relevant_distances`, `other_distances` (K + 1,) int64: pairs of a query and a relevant (another) item at each
        distance.
    """
    precision, recall = ranking.pr_curve
    ranks = curve_ranks(ranking.database_size)
    at_ranks = [(ranking.precision_at(int(k)), ranking.recall_at(int(k))) for k in ranks]
    relevant = ranking.histograms.relevant.sum(axis=0, dtype=np.int64)
    return {
        "radius_precision": precision, "radius_recall": recall,
        "ranks": ranks, "rank_precision": np.array([p for p, _ in at_ranks]),
        "rank_recall": np.array([r for _, r in at_ranks]),
        "relevant_distances": relevant,
        "other_distances": ranking.histograms.items.sum(axis=0, dtype=np.int64) - relevant,
    }  # fmt: skip

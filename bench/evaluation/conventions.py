"""What other programs call mAP: cutoff, divisor and policy of each, on the same codes.

The programs leave the order of ties to an unstable sort; where distances are tied, their own value can be any between
worst and best order, and not even they can repeat it. Here ties keep the database's order. Without ties the values
are theirs exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.codes.stable_order import Part
from bench.errors import UnknownNameError
from bench.evaluation.evaluate import evaluate_parts
from bench.evaluation.ranking import Cut, Empty, Evaluation, Normalizer


def _last(ranking: Evaluation, k: int | None) -> int:
    return ranking.database_size if k is None else k


def _slice(ranking: Evaluation, k: int | None) -> int:
    return max(ranking.database_size - 1, 1) if k is None else k


def _nearer_than_opposite(ranking: Evaluation, k: int | None) -> Cut:
    nearer: Cut = ranking.histograms.items[:, :-1].sum(axis=1)
    return nearer if k is None else np.minimum(nearer, k)


def _relevant(ranking: Evaluation, k: int | None) -> Cut:
    return np.asarray(ranking.histograms.relevant.sum(axis=1))


@dataclass(frozen=True)
class Convention:
    """One program's mAP.

    Attributes:
        summary: what is particular about it.
        normalizer: as `Evaluation.ap_at`.
        cut: from a ranking and the user's k (None: the program's default), the last rank that counts.
        empty: policy for queries without a relevant item.
        unlabelled: whether queries without any label count.
    """

    summary: str
    normalizer: Normalizer = "hits"
    cut: Callable[[Evaluation, int | None], int | Cut] = _last
    empty: Empty = "zero"
    unlabelled: bool = True


CONVENTIONS = {
    "deephash-pytorch": Convention("hits within k; its default k = -1 slices off the last item", cut=_slice),
    "mds": Convention("as deephash-pytorch, whose code it uses", cut=_slice),
    "orthohash": Convention("hits within k"),
    "csq": Convention("hits within k; queries without any label are left out", unlabelled=False),
    "torchmetrics": Convention(
        "RetrievalMAP of similarities K - d: hits within k, none where the similarity is 0", cut=_nearer_than_opposite
    ),
    "pytorch-metric-learning": Convention(
        "mean_average_precision: divided by all relevant items; queries without one are left out",
        normalizer="all", empty="skip",
    ),
    "pytorch-metric-learning-r": Convention(
        "MAP@R: as many items as are relevant; queries without one are left out",
        normalizer="all", cut=_relevant, empty="skip",
    ),
}  # fmt: skip


def map_by_convention(
    name: str,
    query: NDArray[np.uint8],
    query_labels: NDArray[Any],
    database: Iterable[Part],
    bits: int,
    k: int | None = None,
    ties: str = "stable",
) -> float:
    """mAP as another program computes it; arguments as `evaluate_parts`.

    Args:
        name: of `CONVENTIONS`.
        k: cutoff; None for the program's default.

    Raises:
        UnknownNameError: no such convention.
    """
    if name not in CONVENTIONS:
        raise UnknownNameError("convention", name, CONVENTIONS)
    convention = CONVENTIONS[name]
    if query_labels.ndim == 2 and not convention.unlabelled:
        labelled = query_labels.any(axis=1)
        query, query_labels = query[labelled], query_labels[labelled]
    ranking = evaluate_parts(query, query_labels, database, bits, ties=ties, empty=convention.empty)
    return ranking.map_at(convention.cut(ranking, k), convention.normalizer)

"""Which queries the gallery shows: some at random, those that come out best and worst, those that methods part on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.randomness import stream

GROUPS = {
    "random": ("Random", "drawn by chance, the same in every report on this protocol"),
    "best": ("Best", "highest AP, as a mean over the methods shown"),
    "worst": ("Worst", "lowest AP, as a mean over the methods shown, of queries with something to be found"),
    "different": ("Most different", "greatest difference between the methods' APs"),
}
_DIGITS = 9  # to which two APs are the same


def choose_queries(
    ap: NDArray[np.float64], answerable: NDArray[np.bool_], protocol: str, count: int
) -> dict[str, list[int]]:  # fmt: skip
    """Group -> places of at most `count` queries, the first of the group first; a query can be in several groups.

    The first n of a longer choice are the choice of n. Queries of equal AP come in the order of one random draw, so
    that what is shown of a thousand perfect ones is not all of the first class.

    Args:
        ap: (M, Q) of each method and query, NaN where a method has none.
        answerable: (Q,) whether the database holds anything relevant; others can be drawn by chance alone.
        protocol: digest that seeds the draw.

    Returns:
        Without "different" where there is one method.
    """
    drawn = stream(0, "gallery", protocol).permutation(ap.shape[1])
    known = drawn[answerable[drawn] & ~np.isnan(ap[:, drawn]).any(axis=0)]
    mean = np.round(ap[:, known].mean(axis=0), _DIGITS)
    spread = np.round(np.ptp(ap[:, known], axis=0), _DIGITS)
    orders = {"best": -mean, "worst": mean} | ({"different": -spread} if len(ap) > 1 else {})
    found = {name: known[np.argsort(key, kind="stable")[:count]].tolist() for name, key in orders.items()}
    return {"random": drawn[:count].tolist(), **found}


def answerable(query_labels: NDArray[np.generic], database_labels: NDArray[np.generic]) -> NDArray[np.bool_]:
    """(Q,) whether the database holds an item of a query's class; labels both (N,), class indices, or (N, C)."""
    if query_labels.ndim == 1:
        return np.isin(query_labels, database_labels)
    return np.asarray(query_labels.astype(bool)[:, database_labels.any(axis=0)].any(axis=1))

"""The numbers of a ranking that are stored and printed, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.evaluation.ranking import Evaluation
from bench.evaluation.uncertainty import bootstrap_interval


def measures(ranking: Evaluation, cuts: Sequence[int] = (), radius: int = 2, seed: int = 0) -> dict[str, Any]:
    """mAP with its bounds, error and interval; then, for each cutoff and the radius, what is asked there.

    Args:
        cuts: k of mAP@k (with each divisor), P@k and R@k.
        radius: of hash lookups.
        seed: of the bootstrap.
    """
    interval = bootstrap_interval(ranking.ap[ranking.counted], seed=seed) if ranking.counted.any() else (0.0, 0.0)
    lookup = ranking.within(radius)
    found: dict[str, Any] = {
        "map": ranking.map, "map_best": ranking.map_best, "map_worst": ranking.map_worst,
        "map_stderr": ranking.map_stderr, "map_low": interval[0], "map_high": interval[1],
        "map_chance": ranking.map_chance, "empty_queries": ranking.empty_queries,
        f"precision_radius_{radius}": lookup.precision, f"recall_radius_{radius}": lookup.recall,
        f"success_radius_{radius}": lookup.success, "bucket_size": float(ranking.bucket_occupancy[0]),
    }  # fmt: skip
    for k in cuts:
        found |= {f"map_at_{k}_{divisor}": ranking.map_at(k, divisor) for divisor in ("hits", "all", "min")}
        found |= {f"precision_at_{k}": ranking.precision_at(k), f"recall_at_{k}": ranking.recall_at(k)}
    return found

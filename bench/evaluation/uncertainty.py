"""How sure an mAP is, and a difference of two: resampling of per-query AP.

Sources: Efron & Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval); Fisher's randomisation test,
recommended for retrieval by Smucker, Allan & Carterette, CIKM 2007; Holm, Scand. J. Statistics 6, 1979.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import ConfigError

_CHUNK_ENTRIES = 2**22  # resampled values held at a time
_CHUNK_PAIRS = 200  # of methods, tried with each random sign vector


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class Comparison(NamedTuple):
    """Two methods on the same queries: difference of mAP (first minus second), p-value, and Holm's corrected one."""

    first: str
    second: str
    difference: float
    p_value: float
    p_holm: float


def bootstrap_interval(ap: ArrayLike, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """Percentile interval of the mAP.

    Args:
        ap: (Q,) per-query AP of one run: queries are resampled. (S, Q), a row per seed: seeds and queries are both
            resampled, independently (the same queries are asked in every run), so that the interval covers a new run
            on new queries.
        level: share of resamples inside.
        resamples: bootstrap samples.

    Raises:
        ConfigError: no query, or a level outside (0, 1).
    """
    table = np.atleast_2d(np.asarray(ap, dtype=np.float64))
    if table.size == 0 or not 0 < level < 1:
        raise ConfigError(f"an interval needs at least one query and a level between 0 and 1, not {level}.")
    rng = np.random.default_rng(seed)
    seeds, queries = table.shape
    means = np.empty(resamples)
    step = max(1, _CHUNK_ENTRIES // queries)
    for start in range(0, resamples, step):
        n = min(step, resamples - start)
        weights = _counts(rng, n, seeds) if seeds > 1 else np.ones((n, 1))
        mixed = weights / seeds @ table  # (n, Q): mean over the drawn seeds
        drawn = rng.integers(0, queries, (n, queries))
        means[start : start + n] = np.take_along_axis(mixed, drawn, axis=1).mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def paired_p_value(first: ArrayLike, second: ArrayLike, resamples: int = 10_000, seed: int = 0) -> float:
    """Two-sided p-value that two methods' mAP on the same queries differ by chance (randomisation test).

    Under the null hypothesis each query's two values could be swapped: the sign of each difference is random.

    Args:
        first, second: (Q,) per-query AP; of several seeds, the mean over seeds for each query.
        resamples: random sign vectors; the p-value is at least 1 / (resamples + 1).

    Raises:
        ConfigError: not the same queries.
    """
    return float(_p_values(_difference(first, second)[None], resamples, seed)[0])


def _difference(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or not a.size:
        raise ConfigError(f"a paired test needs AP of the same queries, not {a.shape} and {b.shape}.")
    return a - b


def _p_values(differences: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    """(P,) p-values of differences (P, Q): each row is tried with the same sign vectors, whatever the others are."""
    pairs, queries = differences.shape
    totals = differences.sum(axis=1)
    columns = differences.astype(np.float32).T
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK_ENTRIES // queries)
    as_large = np.zeros(pairs, dtype=np.int64)
    for start in range(0, resamples, step):
        signs = rng.integers(0, 2, (min(step, resamples - start), queries), dtype=np.int8)
        sums = 2 * (signs.astype(np.float32) @ columns).astype(np.float64) - totals
        as_large += (abs(sums) >= abs(totals) * (1 - 1e-5)).sum(axis=0)  # single precision: ties count as such
    return (1 + as_large) / (1 + resamples)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down corrected p-values of a family of tests, in the order given."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1)
    return corrected


def compare(ap: Mapping[str, ArrayLike], resamples: int = 10_000, seed: int = 0) -> list[Comparison]:
    """Every pair of methods on the same queries, with Holm's correction over all pairs.

    Args:
        ap: per method (Q,), or (S, Q) with a row per seed.
    """
    means = {name: np.atleast_2d(np.asarray(values, dtype=np.float64)).mean(axis=0) for name, values in ap.items()}
    pairs = list(itertools.combinations(means, 2))
    p = np.empty(len(pairs))
    for start in range(0, len(pairs), _CHUNK_PAIRS):
        block = slice(start, start + _CHUNK_PAIRS)
        p[block] = _p_values(np.stack([_difference(means[a], means[b]) for a, b in pairs[block]]), resamples, seed)
    return [
        Comparison(a, b, float((means[a] - means[b]).mean()), float(value), float(corrected))
        for (a, b), value, corrected in zip(pairs, p, holm(p), strict=True)
    ]


def _counts(rng: np.random.Generator, rows: int, n: int) -> NDArray[np.float64]:
    """(rows, n): how often each of n is drawn in n draws with replacement."""
    return rng.multinomial(n, np.full(n, 1 / n), size=rows).astype(np.float64)

"""Exact retrieval metrics from distance histograms; ties are averaged over, never broken.

Notation of the formulas: a query's bucket j = 0 ... K holds n items at distance j, p of them relevant; a items and
P relevant ones lie in nearer buckets; R relevant in all. Omega(n) = 1 + 1/2 + ... + 1/n.
Sources: McSherry & Najork, ECIR 2008; He, Cakir, Bargal & Sclaroff, CVPR 2018 (expected AP under random order
within a tie).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma
from scipy.stats import hypergeom

from bench.codes.histograms import Histograms
from bench.errors import ConfigError

Floats = NDArray[np.float64]
Cut = NDArray[np.int64]
Harmonic = Callable[[Floats], Floats]
Normalizer = Literal["hits", "all", "min"]
Empty = Literal["zero", "skip"]
# For one order of ties: last ranks (Q,) -> sums of precisions at the relevant items up to there, and their numbers.
Order = Callable[[Cut], tuple[Floats, Cut]]

_TABLE_ENTRIES = 2**20  # of harmonic numbers: memory must not grow with the database
_CHUNK_ENTRIES = 2**22  # of the (query, hits in the last bucket) table held at a time


class Lookup(NamedTuple):
    """Retrieval of everything within a Hamming radius, means over queries; a lookup that finds nothing has precision 0.

    `success` is the share of queries that find anything.
    """

    precision: float
    recall: float
    success: float


class Evaluation:
    """Metrics of one ranking of a database by each of Q queries.

    Built from histograms, so that it costs nothing beside counting them. Unless an order of ties is given, every
    value is the expectation over all orders.

    Args:
        histograms: of the whole database.
        empty: what a query without any relevant item is worth: "zero" (AP 0, it counts in the mean) or "skip".
        order: of ties, for the metrics that depend on it; None for the expectation.
    """

    def __init__(self, histograms: Histograms, empty: Empty = "zero", order: Order | None = None) -> None:
        if empty not in ("zero", "skip"):
            raise ConfigError(f"there is no policy '{empty}' for queries without a relevant item: use zero or skip.")
        self.histograms, self.empty, self._order = histograms, empty, order
        n, p = histograms.items.astype(np.float64), histograms.relevant.astype(np.float64)
        self._n, self._p = n, p
        self._a, self._P = np.cumsum(n, axis=1) - n, np.cumsum(p, axis=1) - p
        self._R = p.sum(axis=1)
        self._omega = harmonic(int(n.sum(axis=1).max()))

    @property
    def database_size(self) -> int:
        """Number of database items N."""
        return int(self.histograms.items[0].sum())

    @property
    def bits(self) -> int:
        """Code length K."""
        return self.histograms.items.shape[1] - 1

    @property
    def empty_queries(self) -> int:
        """Queries without a relevant item in the database."""
        return int((self._R == 0).sum())

    @property
    def counted(self) -> NDArray[np.bool_]:
        """(Q,) queries that count in every mean, by the policy `empty`."""
        return np.ones(len(self._R), dtype=bool) if self.empty == "zero" else self._R > 0

    @functools.cached_property
    def ap(self) -> Floats:
        """(Q,) AP over the whole database."""
        return self.ap_at(self.database_size, "all")

    @property
    def map(self) -> float:
        """Mean of `ap`: tie-aware mAP@all, the metric of the tables."""
        return self._mean(self.ap)

    @property
    def map_stderr(self) -> float:
        """Standard error of `map` over queries; 0 for a single query."""
        ap = self.ap[self.counted]
        return float(ap.std(ddof=1) / len(ap) ** 0.5) if len(ap) > 1 else 0.0

    @functools.cached_property
    def map_best(self) -> float:
        """mAP@all if in every tie the relevant items came first."""
        first = self._a
        return self._mean_with_relevant_from(first)

    @functools.cached_property
    def map_worst(self) -> float:
        """mAP@all if in every tie the relevant items came last."""
        first = self._a + self._n - self._p
        return self._mean_with_relevant_from(first)

    @functools.cached_property
    def map_chance(self) -> float:
        """mAP@all of a random order: the whole database is one tie."""
        total, zero = self._n.sum(axis=1, keepdims=True), np.zeros((len(self._n), 1))
        sums = bucket_sums(total, self._R[:, None], zero, zero, total, self._omega)
        return self._mean(self._normalized(sums[:, 0]))

    def map_at(self, k: int | NDArray[np.integer], normalizer: Normalizer) -> float:
        """mAP over the k nearest; arguments as `ap_at`."""
        return self._mean(self.ap_at(k, normalizer))

    def ap_at(self, k: int | NDArray[np.integer], normalizer: Normalizer) -> Floats:
        """(Q,) AP over the k nearest.

        Args:
            k: cutoff >= 1, or one for each query (Q,), 0 for none; beyond the database it means all of it.
            normalizer: what the sum of precisions is divided by: "hits" relevant items within the k nearest (most
                released code), "all" relevant items, "min" of k and all.
        """
        if normalizer not in ("hits", "all", "min"):
            raise ConfigError(f"there is no normalizer '{normalizer}': use hits, all or min.")
        cut = self._cut(k)
        if self._order is not None:
            sums, hits = self._order(cut)
        elif normalizer == "hits":
            return self._expected_over_hits(self._kept(cut))
        else:
            sums, hits = bucket_sums(self._n, self._p, self._a, self._P, self._kept(cut), self._omega).sum(axis=1), cut
        divisor = {"hits": hits, "all": self._R, "min": np.minimum(self._R, cut)}[normalizer]
        return np.asarray(sums / np.maximum(divisor, 1))

    def hits_at(self, k: int) -> Floats:
        """(Q,) number of relevant items among the k nearest."""
        if self._order is not None:
            return self._order(self._cut(k))[1].astype(np.float64)
        share = np.divide(self._p, self._n, out=np.zeros_like(self._p), where=self._n > 0)
        return np.asarray((self._kept(self._cut(k)) * share).sum(axis=1))

    def precision_at(self, k: int) -> float:
        """Share of relevant items among the k nearest (or the whole database), mean over queries."""
        return self._mean(self.hits_at(k) / self._cut(k))

    def recall_at(self, k: int) -> float:
        """Share of all relevant items found among the k nearest, mean over queries."""
        return self._mean(self._normalized(self.hits_at(k)))

    def within(self, radius: int) -> Lookup:
        """What a hash lookup of all items within a Hamming radius finds."""
        if radius < 0:
            raise ConfigError(f"a radius of {radius} cannot be: 0 or more can.")
        items = self.histograms.items[:, : radius + 1].sum(axis=1)
        hits = self.histograms.relevant[:, : radius + 1].sum(axis=1).astype(np.float64)
        return Lookup(
            self._mean(hits / np.maximum(items, 1)), self._mean(self._normalized(hits)), self._mean(items > 0)
        )

    @property
    def bucket_occupancy(self) -> Floats:
        """(K + 1,) mean number of items at each distance; entry 0 is how full the bucket of a query's own code is."""
        return np.asarray(self._n.mean(axis=0))

    @property
    def pr_curve(self) -> tuple[Floats, Floats]:
        """Precision and recall within each radius 0 ... K, both (K + 1,), means over queries.

        A query that finds nothing within a radius has precision 1 there if nothing is retrieved at all (as
        scikit-learn has it), so that short radii are not punished for being empty.
        """
        found, hits = self._a + self._n, self._P + self._p
        precision = np.divide(hits, found, out=np.ones_like(hits), where=found > 0)
        recall = hits / np.maximum(self._R, 1)[:, None]
        return precision[self.counted].mean(axis=0), recall[self.counted].mean(axis=0)

    def _mean(self, values: NDArray[np.generic]) -> float:
        return float(values[self.counted].astype(np.float64).mean()) if self.counted.any() else 0.0

    def _normalized(self, sums: Floats) -> Floats:
        return sums / np.maximum(self._R, 1)

    def _mean_with_relevant_from(self, first: Floats) -> float:
        """mAP where each bucket's relevant items have the ranks first + 1 ... first + p."""
        steps = self._omega(first + self._p) - self._omega(first)
        return self._mean(self._normalized((self._p + (self._P - first) * steps).sum(axis=1)))

    def _cut(self, k: int | NDArray[np.integer]) -> Cut:
        """(Q,) last ranks that count."""
        if np.ndim(k) == 0 and int(k) < 1:
            raise ConfigError(f"k = {k} cannot be: a ranking is cut at 1 or more.")
        return np.broadcast_to(np.minimum(k, self.database_size), len(self._R)).astype(np.int64)

    def _kept(self, cut: Cut) -> Floats:
        """(Q, K + 1) items of each bucket up to the last rank."""
        return np.clip(cut[:, None] - self._a, 0, self._n)

    def _expected_over_hits(self, kept: Floats) -> Floats:
        """AP divided by the hits, which in the bucket that is cut are a hypergeometric number."""
        whole = np.where(kept == self._n, self._n, 0)
        sums = bucket_sums(self._n, self._p, self._a, self._P, whole, self._omega).sum(axis=1)
        cut = np.argmax((kept > 0) & (kept < self._n), axis=1)  # 0 where no bucket is cut; kept is then whole
        rows = np.arange(len(cut))
        n, p, a, before, s = (x[rows, cut] for x in (self._n, self._p, self._a, self._P, kept))
        is_cut = (s > 0) & (s < n)
        hits_whole = np.where(kept == self._n, self._p, 0).sum(axis=1)
        result = sums / np.maximum(hits_whole, 1)
        todo = np.flatnonzero(is_cut)
        width = int(np.minimum(p, s)[todo].max(initial=0)) + 1
        step = max(1, _CHUNK_ENTRIES // width)
        for part in (todo[i : i + step] for i in range(0, len(todo), step)):
            r = np.arange(width, dtype=np.float64)[None, :]
            n_, p_, a_, before_, s_ = (x[part, None] for x in (n, p, a, before, s))
            chance = np.nan_to_num(hypergeom.pmf(r, n_, p_, s_))
            # Given r hits among the s kept, they lie there in uniformly random order: a bucket of (s, r).
            inner = bucket_sums(s_, np.minimum(r, s_), a_, before_, s_, self._omega)
            result[part] = (chance * (sums[part, None] + inner) / np.maximum(before_ + r, 1)).sum(axis=1)
        return result


def bucket_sums(n: Floats, p: Floats, a: Floats, before: Floats, kept: Floats, omega: Harmonic) -> Floats:
    """Expected sum of precisions at the relevant items within the first `kept` places of each bucket.

    (p/n) sum_{t = a+1}^{a+kept} [before + 1 + (t - a - 1) sigma] / t with sigma = (p - 1) / (n - 1), in closed form.
    Arguments broadcast; `omega` is `harmonic(...)`.
    """
    sigma = np.divide(p - 1, n - 1, out=np.zeros(np.broadcast_shapes(n.shape, p.shape)), where=n > 1)
    steps = omega(a + kept) - omega(a)
    share = np.divide(p, n, out=np.zeros_like(sigma), where=n > 0)
    return np.asarray(share * ((before + 1 - (a + 1) * sigma) * steps + sigma * kept))


def harmonic(largest: int) -> Harmonic:
    """Omega(n) for arrays of n = 0 ... largest: by a table, or beyond millions by the digamma function."""
    if largest > _TABLE_ENTRIES:
        return lambda n: np.asarray(digamma(n + 1) + np.euler_gamma)
    table = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, largest + 1))])
    return lambda n: np.asarray(table[n.astype(np.int64)])

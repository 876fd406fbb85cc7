"""Do near classes have near centers? Correlation of two class similarities, and how sure it is.

Sources: CRH, section on semantic alignment (PCC); Mantel, Cancer Research 27, 1967 (permutation of the classes).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from bench.errors import DataError
from bench.plugins.dataset import Hierarchy

Matrix = NDArray[np.float64]


class Alignment(NamedTuple):
    """Of centers with a reference: correlations over the pairs of classes, None where undefined.

    Attributes:
        pcc: Pearson's correlation.
        low, high: 95% interval of it: classes resampled with replacement, pairs of a class with itself left out.
        p_value: Mantel's, two-sided: how often relabelled classes correlate as strongly.
        spearman: rank correlation.
    """

    pcc: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    spearman: float | None = None


def pcc(centers: ArrayLike, reference: ArrayLike) -> float | None:
    """Pearson correlation between center similarity `<z_i, z_j> / K` and a reference, over pairs i < j.

    The diagonal is left out (it would inflate the value), and so is the lower triangle.

    Args:
        centers: (C, K) in {-1, +1}.
        reference: (C, C) symmetric similarity of the classes, in the same order; its upper triangle is read.

    Returns:
        The correlation in [-1, 1], or None where it is undefined: either side is the same for all pairs (CSQ with
        C <= K: all products are 0).

    Raises:
        DataError: shapes that do not fit, centers other than -1 and +1, a reference with NaN.
    """
    products, similarity = _checked(centers, reference)
    return _correlation(*_pairs(products, similarity))


def align(
    centers: ArrayLike, reference: ArrayLike, permutations: int = 999, resamples: int = 2000, seed: int = 0
) -> Alignment:
    """PCC with its interval and p-value, and Spearman's correlation; arguments and errors as `pcc`.

    Args:
        permutations: of the classes; the p-value is at least 1 / (permutations + 1).
        resamples: of the classes, for the interval.
        seed: of both.
    """
    products, similarity = _checked(centers, reference)
    x, y = _pairs(products, similarity)
    value = _correlation(x, y)
    if value is None:
        return Alignment(None)
    rng = np.random.default_rng(seed)
    low, high = _interval(products, similarity, rng, resamples)
    p_value = _mantel(products, similarity, rng, permutations)
    return Alignment(value, low, high, p_value, _correlation(rankdata(x), rankdata(y)))


def _checked(centers: ArrayLike, reference: ArrayLike) -> tuple[Matrix, Matrix]:
    """Inner products of the centers (integers: equal ones compare as equal), and the reference made symmetric."""
    z, r = np.asarray(centers, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if z.ndim != 2 or r.shape != (len(z), len(z)):
        raise DataError(f"centers {z.shape} and reference {r.shape} do not fit: expected (C, K) and (C, C).")
    if not (abs(z) == 1).all():
        raise DataError("centers must be -1 or +1 everywhere.")
    upper = np.triu(np.ones_like(r, dtype=bool), k=1)
    if not np.isfinite(r[upper]).all():
        raise DataError("the reference has entries that are NaN or infinite.")
    half = np.where(upper, r, 0)
    return z @ z.T, half + half.T


def _pairs(*matrices: Matrix) -> tuple[Matrix, ...]:
    upper = np.triu_indices(len(matrices[0]), k=1)
    return tuple(matrix[upper] for matrix in matrices)


def _correlation(x: Matrix, y: Matrix) -> float | None:
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def _interval(x: Matrix, y: Matrix, rng: np.random.Generator, resamples: int) -> tuple[float, float]:
    """A class drawn w times gives each of its pairs that weight: all sums are quadratic forms in the counts."""
    counts = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=resamples).astype(np.float64)
    off = 1 - np.eye(len(x))

    def total(matrix: Matrix) -> Matrix:
        return np.asarray(((counts @ (matrix * off)) * counts).sum(axis=1))

    n = np.maximum(total(np.ones_like(x)), 1)  # 0 where one class is drawn every time
    covariance = total(x * y) / n - total(x) * total(y) / n**2
    variances = (total(x * x) / n - (total(x) / n) ** 2) * (total(y * y) / n - (total(y) / n) ** 2)
    defined = variances > 1e-12
    if not defined.any():
        return float("nan"), float("nan")
    low, high = np.quantile(covariance[defined] / np.sqrt(variances[defined]), [0.025, 0.975])
    return float(low), float(high)


def _mantel(x: Matrix, y: Matrix, rng: np.random.Generator, permutations: int) -> float:
    """Relabelling changes neither means nor variances: the sum of products alone decides."""
    (pairs,) = _pairs(y)
    centered = np.where(np.eye(len(x), dtype=bool), 0, y - pairs.mean())
    observed = abs((x * centered).sum())
    as_strong = 0
    for _ in range(permutations):
        order = rng.permutation(len(x))
        as_strong += abs((x[np.ix_(order, order)] * centered).sum()) >= observed * (1 - 1e-9)
    return float((1 + as_strong) / (1 + permutations))


def hierarchy_similarity(hierarchy: Hierarchy) -> NDArray[np.float64]:
    """(C, C): shared ancestors of two classes as a share of the longer path; 1 on the diagonal."""
    depth = max(len(path) for path in hierarchy.paths)
    names = np.array([[*path, *[""] * (depth - len(path))] for path in hierarchy.paths])
    lengths = np.array([len(path) for path in hierarchy.paths])
    same = names[:, None, :] == names[None, :, :]
    inside = np.arange(depth) < np.minimum(lengths[:, None], lengths[None, :])[..., None]
    shared = np.logical_and.accumulate(same & inside, axis=2).sum(axis=2)
    return np.asarray(shared / np.maximum(lengths[:, None], lengths[None, :]))

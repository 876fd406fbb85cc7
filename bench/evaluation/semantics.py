"""Do near classes have near centers? Correlation of two class similarities, and how sure it is.

Sources: CRH, section on semantic alignment (PCC); Mantel, Cancer Research 27, 1967 (permutation of the classes).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from bench.errors import DataError
from bench.plugins.dataset import Hierarchy

Matrix = NDArray[np.float64]

_BLOCK = 512  # classes whose pairs with all others are held at a time


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
    return _pcc(*_checked(centers, reference))


def align(
    centers: ArrayLike, reference: ArrayLike, permutations: int = 999, resamples: int = 2000, seed: int = 0
) -> Alignment:
    """PCC with its interval and p-value, and Spearman's correlation; arguments and errors as `pcc`.

    Args:
        permutations: of the classes; the p-value is at least 1 / (permutations + 1).
        resamples: of the classes, for the interval.
        seed: of both.
    """
    z, given = _checked(centers, reference)
    value = _pcc(z, given)
    if value is None:
        return Alignment(None)
    half = np.triu(given, k=1)
    products, similarity = z @ z.T, half + half.T
    rng = np.random.default_rng(seed)
    low, high = _interval(products, similarity, rng, resamples)
    p_value = _mantel(products, similarity, rng, permutations)
    ours, theirs = (rankdata(pairs) for pairs in _pairs(products, similarity))
    return Alignment(value, low, high, p_value, float(np.corrcoef(ours, theirs)[0, 1]))


def _checked(centers: ArrayLike, reference: ArrayLike) -> tuple[Matrix, Matrix]:
    """Centers and reference in double precision."""
    z, r = np.asarray(centers, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if z.ndim != 2 or r.shape != (len(z), len(z)):
        raise DataError(f"centers {z.shape} and reference {r.shape} do not fit: expected (C, K) and (C, C).")
    if not (abs(z) == 1).all():
        raise DataError("centers must be -1 or +1 everywhere.")
    return z, r


def _blocks(z: Matrix, reference: Matrix) -> Iterator[Matrix]:
    """Inner products of centers and similarities of the pairs i < j, (2, n), in parts; products are exact integers."""
    for start in range(0, len(z) - 1, _BLOCK):
        rows = slice(start, start + _BLOCK)
        upper = ~np.tri(len(z[rows]), len(z), k=start, dtype=bool)
        yield np.stack([(z[rows] @ z.T)[upper], reference[rows][upper]])


def _pcc(z: Matrix, reference: Matrix) -> float | None:
    """In two passes over the pairs: means, then products of what differs from them."""
    number = len(z) * (len(z) - 1) // 2
    mean, low, high = np.zeros(2), np.full(2, np.inf), np.full(2, -np.inf)
    for pairs in _blocks(z, reference):
        if not np.isfinite(pairs).all():
            raise DataError("the reference has entries that are NaN or infinite.")
        mean += pairs.sum(axis=1) / number
        low, high = np.minimum(low, pairs.min(axis=1)), np.maximum(high, pairs.max(axis=1))
    if not (low < high).all():
        return None
    products = np.zeros((2, 2))
    for pairs in _blocks(z, reference):
        pairs -= mean[:, None]
        products += pairs @ pairs.T
    return float(np.clip(products[0, 1] / np.sqrt(products[0, 0] * products[1, 1]), -1, 1))


def _pairs(*matrices: Matrix) -> tuple[Matrix, ...]:
    upper = np.triu_indices(len(matrices[0]), k=1)
    return tuple(matrix[upper] for matrix in matrices)


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
    lengths = np.array([len(path) for path in hierarchy.paths])
    numbers: dict[str, int] = {}
    names = np.full((len(lengths), lengths.max()), -1)  # of the nodes of each path
    for row, path in zip(names, hierarchy.paths, strict=True):
        row[: len(path)] = [numbers.setdefault(name, len(numbers)) for name in path]
    similarity = np.empty((len(lengths),) * 2)
    for start in range(0, len(lengths), _BLOCK):
        rows = slice(start, start + _BLOCK)
        shared, together = np.zeros(similarity[rows].shape), np.ones(similarity[rows].shape, dtype=bool)
        for level in names.T:
            together &= (level[rows, None] == level) & (level[rows, None] >= 0)
            shared += together
        np.divide(shared, np.maximum.outer(lengths[rows], lengths), out=similarity[rows])
    return similarity

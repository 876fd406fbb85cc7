"""What a mean hides: geometry of the centers beside the classical bounds, and health of the codes.

Bounds: Gilbert-Varshamov (such a minimum distance certainly exists), Plotkin and sphere packing (no code can do
better); MacWilliams & Sloane, The Theory of Error-Correcting Codes, chapters 1-2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.centers.bounds import gilbert_varshamov, plotkin, sphere_packing
from bench.centers.separation import separation

_BLOCK_ENTRIES = 2**22  # distances of items to centers held at a time
_BLOCK_ITEMS = 2**16  # whose sums of products single precision holds exactly


def audit_centers(centers: NDArray[np.int8]) -> dict[str, Any]:
    """Pairwise Hamming distances of centers (C, K) in {-1, +1}, and what is wrong with them.

    Returns:
        `d_min`, `d_mean`, `d_variance`; `distances`: pairs at each distance 0 ... K; `duplicates`: equal pairs;
        `constant_bits`: bits that are the same in every center; the bounds on `d_min` for C and K.
    """
    classes, bits = centers.shape
    found = separation(centers)
    return {
        "d_min": found.least, "d_mean": found.mean, "d_variance": found.variance,
        "distances": found.counts.tolist(), "duplicates": found.duplicates,
        "constant_bits": int((centers == centers[0]).all(axis=0).sum()),
        "gilbert_varshamov": gilbert_varshamov(bits, classes), "plotkin": plotkin(bits, classes),
        "sphere_packing": sphere_packing(bits, classes),
    }  # fmt: skip


def audit_codes(codes: NDArray[np.int8], labels: NDArray[Any], centers: NDArray[np.int8]) -> dict[str, Any]:
    """How the bits of codes (N, K) in {-1, +1} are used, and how far codes are from their centers.

    Args:
        labels: (N,) class indices or (N, C) multi-hot rows; an item's own center is the nearest of its classes'.
        centers: (C, K) the codes were trained toward.

    Returns:
        `bit_balance`: mean over bits of |share of +1 - 1/2|, 0 at best, 1/2 for constant bits; `bit_entropy`: mean
        entropy of a bit, in bits, 1 at best; `bit_correlation`: mean |Pearson correlation| of two bits, over pairs of
        bits that are not constant (None if there is no pair); `own_center_distance` and `other_center_distance`: mean
        Hamming distance to the own center and to the nearest of another class (None if no item has one);
        `own_center_distances` and `other_center_distances`: items at each distance 0 ... K.
    """
    share = (codes > 0).mean(axis=0)
    own, other = _center_distances_of(codes, labels, centers)
    return {
        "bit_balance": float(abs(share - 0.5).mean()), "bit_entropy": float(_entropy(share).mean()),
        "bit_correlation": _correlation(codes),
        "own_center_distance": _mean(own), "other_center_distance": _mean(other),
        "own_center_distances": _counts(own, codes.shape[1]), "other_center_distances": _counts(other, codes.shape[1]),
    }  # fmt: skip


def _entropy(share: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(share, 1e-300, 1)
    outside = np.clip(1 - share, 1e-300, 1)
    return -(share * np.log2(inside) + (1 - share) * np.log2(outside))


def _correlation(codes: NDArray[np.int8]) -> float | None:
    """Mean over pairs of bits; the square of a bit is 1, so its variance is 1 - mean^2."""
    products = np.zeros((codes.shape[1],) * 2)
    for start in range(0, len(codes), _BLOCK_ITEMS):
        block = codes[start : start + _BLOCK_ITEMS].astype(np.float32)
        products += block.T @ block
    mean = codes.mean(axis=0, dtype=np.float64)
    varying = np.flatnonzero(abs(mean) < 1)
    deviation = np.sqrt(1 - mean[varying] ** 2)
    covariance = products[np.ix_(varying, varying)] / len(codes) - np.outer(mean[varying], mean[varying])
    pairs = np.triu_indices(len(varying), 1)
    return float(abs(covariance / np.outer(deviation, deviation))[pairs].mean()) if len(pairs[0]) else None


def _center_distances_of(
    codes: NDArray[np.int8], labels: NDArray[Any], centers: NDArray[np.int8]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) distances to the own and to the nearest other center; inf where there is none."""
    classes, bits = centers.shape
    columns = centers.T.astype(np.float32)
    own, other = np.empty(len(codes)), np.empty(len(codes))
    step = max(1, _BLOCK_ENTRIES // classes)
    for start in range(0, len(codes), step):
        rows = slice(start, start + step)
        distances = (bits - codes[rows].astype(np.float32) @ columns) / 2
        theirs = labels[rows].astype(bool) if labels.ndim == 2 else labels[rows, None] == np.arange(classes)
        own[rows] = np.where(theirs, distances, np.inf).min(axis=1)
        other[rows] = np.where(theirs, np.inf, distances).min(axis=1)
    return own, other


def _mean(distances: NDArray[np.float64]) -> float | None:
    finite = distances[np.isfinite(distances)]
    return float(finite.mean()) if len(finite) else None


def _counts(distances: NDArray[np.float64], bits: int) -> list[int]:
    return np.bincount(distances[np.isfinite(distances)].astype(np.int64), minlength=bits + 1).tolist()

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


def audit_codes(codes: NDArray[np.int8], labels: NDArray[Any], centers: NDArray[np.int8]) -> dict[str, float | None]:
    """How the bits of codes (N, K) in {-1, +1} are used, and how far codes are from their centers.

    Args:
        labels: (N,) class indices or (N, C) multi-hot rows; an item's own center is the nearest of its classes'.
        centers: (C, K) the codes were trained toward.

    Returns:
        `bit_balance`: mean over bits of |share of +1 - 1/2|, 0 at best, 1/2 for constant bits; `bit_entropy`: mean
        entropy of a bit, in bits, 1 at best; `bit_correlation`: mean |Pearson correlation| of two bits, over pairs of
        bits that are not constant (None if there is no pair); `own_center_distance` and `other_center_distance`: mean
        Hamming distance to the own center and to the nearest of another class (None if no item has one).
    """
    share = (codes > 0).mean(axis=0)
    own, other = _center_distances_of(codes, labels, centers)
    return {
        "bit_balance": float(abs(share - 0.5).mean()), "bit_entropy": float(_entropy(share).mean()),
        "bit_correlation": _correlation(codes),
        "own_center_distance": _mean(own), "other_center_distance": _mean(other),
    }  # fmt: skip


def _entropy(share: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(share, 1e-300, 1)
    outside = np.clip(1 - share, 1e-300, 1)
    return -(share * np.log2(inside) + (1 - share) * np.log2(outside))


def _correlation(codes: NDArray[np.int8]) -> float | None:
    centered = codes - codes.mean(axis=0, dtype=np.float64)
    deviation = centered.std(axis=0)
    varying = centered[:, deviation > 0] / deviation[deviation > 0]
    pairs = np.triu_indices(varying.shape[1], 1)
    return float(abs(varying.T @ varying / len(codes))[pairs].mean()) if len(pairs[0]) else None


def _center_distances_of(
    codes: NDArray[np.int8], labels: NDArray[Any], centers: NDArray[np.int8]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) distances to the own and to the nearest other center; inf where there is none."""
    classes, bits = centers.shape
    distances = (bits - codes.astype(np.float32) @ centers.T.astype(np.float32)) / 2
    own = labels if labels.ndim == 2 else labels[:, None] == np.arange(classes)
    own = own.astype(bool)
    return (
        np.where(own, distances, np.inf).min(axis=1).astype(np.float64),
        np.where(own, np.inf, distances).min(axis=1).astype(np.float64),
    )


def _mean(distances: NDArray[np.float64]) -> float | None:
    finite = distances[np.isfinite(distances)]
    return float(finite.mean()) if len(finite) else None

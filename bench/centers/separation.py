"""How far apart the centers of a set are: all pairs at once, in memory that does not grow with their square."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1024  # centers whose distances to all others are held at a time


class Separation(NamedTuple):
    """Of the pairwise Hamming distances of C centers: least, mean, variance, and pairs at each distance 0 ... K."""

    least: int
    mean: float
    variance: float
    counts: NDArray[np.int64]

    @property
    def duplicates(self) -> int:
        """Pairs of equal centers."""
        return int(self.counts[0])

    @property
    def mds_score(self) -> float:
        """MDS's own measure of a set of centers (CVPR 2023): mean + least - variance of its distances."""
        return self.mean + self.least - self.variance


def separation(centers: NDArray[np.generic]) -> Separation:
    """Distances of all C (C - 1) / 2 pairs of centers (C, K) in {-1, +1}, C >= 2."""
    counts = distance_counts(centers)
    distances = np.arange(len(counts))
    pairs = counts.sum()
    mean = float((distances * counts).sum() / pairs)
    variance = float((distances**2 * counts).sum() / pairs - mean**2)
    return Separation(int(np.flatnonzero(counts)[0]), mean, max(variance, 0.0), counts)


def distance_counts(centers: NDArray[np.generic]) -> NDArray[np.int64]:
    """Number of pairs i < j at each Hamming distance: (K + 1,)."""
    bits = centers.shape[1]
    wide = np.ascontiguousarray(centers, dtype=np.float32)  # a product of small integers: exact
    counts = np.zeros(bits + 1, dtype=np.int64)
    for start in range(0, len(wide), _BLOCK):
        block = wide[start : start + _BLOCK]
        for later in range(start, len(wide), _BLOCK):
            distances = ((bits - block @ wide[later : later + _BLOCK].T) / 2).astype(np.int32)
            found = np.bincount(distances.ravel(), minlength=bits + 1)
            if later == start:  # each pair twice, and each center with itself
                found[0] -= len(block)
                found //= 2
            counts += found
    return counts

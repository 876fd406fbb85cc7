"""Centers for MDS, and for SHC to start from, by this project's solver."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.centers.hadamard_rows import hadamard_rows
from bench.centers.separated import better_spread, separated_centers
from bench.centers.separation import separation


def mds_centers(num_classes: int, bits: int, target: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Centers (C, K) int8 at the target distance (see `separated_centers` for where it is out of reach).

    Where MDS's own start, Hadamard rows, is at the target already, the released search changes it little and keeps its
    larger least distance (64 bits, 100 classes: 32 for a target of 24). So the start, made to spread better, is a
    candidate too; MDS's score, mean + least - variance of the distances, decides.
    """
    found = separated_centers(num_classes, bits, target, rng=rng)
    start, whole = hadamard_rows(num_classes, bits, rng, tries=1)
    if not whole or separation(start).least < target:
        return found
    return max(found, better_spread(start, rng=rng), key=lambda centers: separation(centers).mds_score)

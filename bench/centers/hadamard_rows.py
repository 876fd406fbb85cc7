"""CSQ's centers: rows of a Hadamard matrix and of its negative, then random balanced rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.centers.hadamard import hadamard
from bench.centers.separation import separation


def hadamard_rows(
    num_classes: int, bits: int, rng: np.random.Generator, tries: int, never_accept: bool = False
) -> tuple[NDArray[np.int8], bool]:
    """CSQ's centers (C, K) int8, and whether they pass its test (true without random rows).

    Rule of DeepHash-pytorch: all 2K rows of [H; -H] (none where `hadamard` has no H), then balanced random rows, drawn
    again up to `tries` times until the least distance of any two centers is > K/4 and the mean >= K/2; otherwise the
    last draw is kept.

    Args:
        never_accept: as the releases of MDS and SHC, whose test compares each center with itself too and so never
            passes: the last of exactly `tries` draws.
    """
    matrix = hadamard(bits)
    rows = np.empty((0, bits), np.int8) if matrix is None else np.concatenate([matrix, -matrix])[:num_classes]
    if len(rows) == num_classes:
        return rows, True
    half = np.repeat(np.array([-1, 1], np.int8), [bits // 2, bits - bits // 2])
    for _ in range(tries):
        drawn = rng.permuted(np.tile(half, (num_classes - len(rows), 1)), axis=1)
        centers = np.concatenate([rows, drawn])
        if never_accept:
            continue
        found = separation(centers)
        if found.least > bits / 4 and found.mean >= bits / 2:
            return centers, True
    return centers, False

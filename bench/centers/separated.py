"""Centers at a target distance of each other, their mean distance as large and their variance as small as can be.

This project's own solver for the task of MDS (CVPR 2023), whose score of a set of centers is mean + least - variance of
its distances. With s the column sums and G = Z^T Z of centers Z (C, K), and sums over ordered pairs,

    sum <z_i, z_j> = |s|^2 - C K,    sum <z_i, z_j>^2 = |G|^2 - C K^2,

so the mean distance is largest where each bit splits the classes in halves, and the variance then smallest where the
bits are uncorrelated. Both are properties of K columns and cost O(K) per flipped bit; only the least distance needs
distances of one center to all, by XOR and popcount.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.centers.bounds import plotkin, sphere_packing, target_distance
from bench.centers.separation import separation
from bench.errors import ConfigError

Centers = NDArray[np.int8]

# All of these are the project's, set by measurement on 8-128 bits and 10-10,000 classes.
_STEPS, _STEPS_PER_CENTER = 50_000, 10  # of the tabu search, at most
_PARTNERS = 8  # centers drawn for each bit to swap it with
_FIRST_PASSES = 3  # of swaps before distances count, which leave fewer violations
_PASSES = 30  # of swaps after, at most


def separated_centers(
    num_classes: int, bits: int, target: int | None = None, *, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Centers (C, K) int8 in {-1, +1} with all distances >= `target` if the search succeeds; see `separation`.

    Random balanced columns; swaps that make columns uncorrelated; a tabu search for the target distance; then balance
    and swaps again, which keep it. Its steps are bounded. If the target is not reached, lower ones are tried by
    bisection, and what comes back is the largest least distance found (fewest equal centers if it is 0).

    Args:
        num_classes: C >= 2.
        bits: K.
        target: least distance, 0 ... K; None is `bounds.target_distance`, MDS's own.
        rng: decides everything: equal states give equal centers, on any machine.

    Raises:
        ConfigError: sizes or a target that cannot be.
    """
    default = target_distance(bits, num_classes)  # refuses impossible sizes
    target = default if target is None else target
    if not 0 <= target <= bits:
        raise ConfigError(
            f"the least distance of centers of {bits} bits is 0 ... {bits}: set target to that, not {target}."
        )
    found = _attempt(num_classes, bits, target, rng)
    best, least, duplicates = found
    reached, failed = least, target
    if least < target:
        failed = min(target, max(plotkin(bits, num_classes), 1) + 1, max(sphere_packing(bits, num_classes), 1) + 1)
    while reached < failed - 1:
        found = _attempt(num_classes, bits, (reached + failed) // 2, rng)
        if (found.least, -found.duplicates) > (least, -duplicates):
            best, least, duplicates = found
        if found.least >= (reached + failed) // 2:
            reached = found.least
        else:
            failed = (reached + failed) // 2
    return best


def better_spread(start: Centers, *, rng: np.random.Generator) -> NDArray[np.int8]:
    """Centers (C, K) with a mean distance no smaller, a variance no larger and the least distance no smaller."""
    centers = np.ascontiguousarray(start, dtype=np.int8).copy()
    _spread(centers, _pack(centers), separation(centers).least, rng.integers(1, 2**63, 1).astype(np.uint64))
    return centers


class _Found(NamedTuple):
    centers: Centers
    least: int
    duplicates: int


def _attempt(size: int, bits: int, target: int, rng: np.random.Generator) -> _Found:
    """One search from a new start."""
    from bench.centers._separated_kernels import exchange, repair  # numba takes a second to import

    centers = _balanced_columns(size, bits, rng)
    words, sums, gram = _pack(centers), centers.sum(axis=0, dtype=np.int64), _gram(centers)
    state = rng.integers(1, 2**63, 1).astype(np.uint64)
    for _ in range(_FIRST_PASSES):
        exchange(centers, words, sums, gram, -1, _PARTNERS, state)
    repair(centers, words, sums, gram, target, _STEPS + _STEPS_PER_CENTER * size, state)
    _spread(centers, words, target, state)
    found = separation(centers)
    return _Found(centers, found.least, found.duplicates)


def _spread(centers: Centers, words: NDArray[np.uint64], target: int, state: NDArray[np.uint64]) -> None:
    """Balance columns and make them uncorrelated, in place, without bringing two centers below the target."""
    from bench.centers._separated_kernels import balance, exchange

    sums, gram = centers.sum(axis=0, dtype=np.int64), _gram(centers)
    for _ in range(_PASSES):
        balance(centers, words, sums, gram, target)
        if exchange(centers, words, sums, gram, target, _PARTNERS, state) == 0:
            break


def _balanced_columns(size: int, bits: int, rng: np.random.Generator) -> Centers:
    """Random centers (C, K) with C // 2 entries of one sign, drawn, in each column and the rest of the other."""
    column = np.where(np.arange(size) % 2, 1, -1).astype(np.int8)
    centers = rng.permuted(np.tile(column[:, None], bits), axis=0)
    return np.ascontiguousarray(centers * rng.choice(np.array([-1, 1], np.int8), bits))


def _pack(centers: Centers) -> NDArray[np.uint64]:
    """(C, K) -> (W, C), the layout of `_separated_kernels`."""
    size, bits = centers.shape
    padded = np.zeros((size, -(-bits // 64) * 64), np.uint8)
    padded[:, :bits] = centers > 0
    return np.ascontiguousarray(np.packbits(padded, axis=1, bitorder="little").view("<u8").T)


def _gram(centers: Centers) -> NDArray[np.int32]:
    """Z^T Z (K, K): a product of small integers, exact in float64."""
    wide = centers.astype(np.float64)
    return (wide.T @ wide).astype(np.int32)

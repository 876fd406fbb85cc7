"""Compiled loops of SHC's center update. Serial, since each class sees the classes before it already moved.

Sums over classes are sums of integers, which float64 holds exactly: they are kept up to date as single centers change,
and no order of summation can make a difference.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bench.codes._kernels import popcount

Matrix = NDArray[np.float64]
Words = NDArray[np.uint64]


@njit(nogil=True, cache=True)
def pack_signs(centers: Matrix) -> Words:
    """(C, K) in {-1, +1} -> (C, ceil(K / 64)): bit k of a center is bit k mod 64 of its word k // 64."""
    size, bits = centers.shape
    words = np.zeros((size, (bits + 63) // 64), np.uint64)
    for i in range(size):
        for k in range(bits):
            if centers[i, k] > 0:
                words[i, k // 64] |= np.uint64(1) << np.uint64(k % 64)
    return words


@njit(inline="always")
def _is_near(word: Words, words: Words, i: int, target: int) -> bool:
    """Whether `word`, as the center of class i, would be nearer than `target` to another center."""
    for j in range(len(words)):
        distance = np.int64(0)
        for w in range(len(word)):
            distance += np.int64(popcount(word[w] ^ words[j, w]))
        if distance < target and j != i:
            return True
    return False


@njit(inline="always")
def _product(vector: Matrix, rows: Matrix, out: Matrix) -> None:
    """out = vector @ rows, by rows, which become vector instructions."""
    out[:] = 0.0
    for m in range(len(vector)):
        for k in range(len(out)):
            out[k] += vector[m] * rows[m, k]


@njit(inline="always")
def _move(h: Matrix, new: Matrix, aims: NDArray[np.int16], total: Matrix, gram: Matrix, drawn: Matrix) -> None:
    """Bring the sums over classes up to date with a center that changes from h to new; aims: its row."""
    for k in range(len(h)):
        change = new[k] - h[k]
        if change != 0:
            total[k] += change
            for j in range(len(aims)):
                drawn[k, j] += change * aims[j]
    for m in range(len(h)):
        for k in range(len(h)):
            gram[m, k] += new[m] * new[k] - h[m] * h[k]


@njit(nogil=True, cache=True)
def sweep(
    centers: Matrix, words: Words, fixed: Matrix, metric: Matrix, images: Matrix, gram: Matrix,
    aims: NDArray[np.int16], drawn: Matrix, target: int, passes: int, released: bool,
    rho: float, balance: float, slack: float, eta: float,
) -> tuple[int, int]:  # fmt: skip
    """Update every center in turn, `passes` times, in place; returns how many were accepted and how many unchanged.

    Args:
        centers, words: (C, K) of -1.0 and +1.0, all pairs at least `target` apart, and the same of `pack_signs`.
        fixed: (C, K), the part of the gradient that depends on no center.
        metric, images: (K, K), 2 / K^2 M M^T, and (C, K), centers @ metric.
        gram: (K, K), sum of h_j h_j^T.
        aims, drawn: (C, C), the inner product that the slack term draws a pair to, K on the diagonal, and (K, C),
            the sum over j of aim_ij h_j.
        released: the quadratic term of the released code, (h_j.h_j) h_i, instead of h_j (h_j.h_i).
        balance, slack: weights of the sum of the other centers and of the slack terms, 2 mu and 2 beta, scaled.
    """
    size, bits = centers.shape
    total = np.zeros(bits)
    for i in range(size):
        total += centers[i]
    own, new = np.empty(bits), np.empty(bits)
    word = np.empty(words.shape[1], np.uint64)
    accepted, unchanged = 0, 0
    for _ in range(passes):
        for i in range(size):
            h = centers[i]
            # Sum over j != i of h_j (h_j.h_i - aim_ij); the term j = i is K h_i in both parts and cancels.
            if released:
                own[:] = h * (bits * size)
            else:
                _product(h, gram, own)
            word[:] = words[i]
            flips = 0
            for k in range(bits):
                gradient = images[i, k] + fixed[i, k] + rho * h[k]
                gradient += balance * (total[k] - h[k]) + slack * (own[k] - drawn[k, i])
                new[k] = 1.0 if h[k] - gradient / eta >= 0 else -1.0
                if new[k] != h[k]:
                    flips += 1
                    word[k // 64] ^= np.uint64(1) << np.uint64(k % 64)
            if flips == 0:
                unchanged += 1
            elif not _is_near(word, words, i, target):
                accepted += 1
                _move(h, new, aims[i], total, gram, drawn)
                words[i] = word
                h[:] = new
                _product(h, metric, images[i])
    return accepted, unchanged

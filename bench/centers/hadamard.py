"""Hadamard matrices: rows in {-1, +1} that are pairwise at distance K / 2."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hadamard(order: int) -> NDArray[np.int8] | None:
    """Hadamard matrix of an order, (order, order) int8, or None where these constructions have none.

    Powers of two: Sylvester, as CSQ (its row 0 is all ones). Else Paley's two constructions over a prime
    field, and doublings of them. Orders missing below 100: those that are no multiple of 4, 52, 92.
    """
    if order < 1:
        return None
    if order & (order - 1) == 0:
        from scipy.linalg import hadamard as sylvester  # slow to import, which a plan need not wait for

        return np.asarray(sylvester(order), dtype=np.int8)
    if order % 4:
        return None
    if _is_prime(order - 1):
        return _paley_one(order - 1)
    if _is_prime(order // 2 - 1) and (order // 2 - 1) % 4 == 1:
        return _paley_two(order // 2 - 1)
    half = hadamard(order // 2)
    return None if half is None else np.block([[half, half], [half, -half]])


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % p for p in range(2, int(n**0.5) + 1))


def _quadratic_characters(q: int) -> NDArray[np.int8]:
    """Jacobsthal matrix of the prime q: entry (i, j) is +1, -1 or 0 as i - j is a square, a non-square or 0."""
    chi = np.full(q, -1, dtype=np.int8)
    chi[np.arange(1, q) ** 2 % q] = 1
    chi[0] = 0
    index = np.arange(q)
    return chi[(index[:, None] - index[None, :]) % q]


def _paley_one(q: int) -> NDArray[np.int8]:
    """Order q + 1 for a prime q = 3 mod 4."""
    skew = np.zeros((q + 1, q + 1), dtype=np.int8)
    skew[0, 1:] = 1
    skew[1:, 0] = -1
    skew[1:, 1:] = _quadratic_characters(q)
    return skew + np.eye(q + 1, dtype=np.int8)


def _paley_two(q: int) -> NDArray[np.int8]:
    """Order 2 (q + 1) for a prime q = 1 mod 4."""
    symmetric = np.zeros((q + 1, q + 1), dtype=np.int8)
    symmetric[0, 1:] = symmetric[1:, 0] = 1
    symmetric[1:, 1:] = _quadratic_characters(q)
    plus = np.array([[1, 1], [1, -1]], dtype=np.int8)
    zero = np.array([[1, -1], [-1, -1]], dtype=np.int8)
    return np.kron(symmetric, plus) + np.kron(np.eye(q + 1, dtype=np.int8), zero)

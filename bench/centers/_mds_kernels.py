"""Compiled loops of MDS's search for one center: a binary program with linear constraints by lp-box ADMM.

Of a center b, given the n others as rows of A, with a the mean of its rows and t = K - 2 delta:

    minimize a.b  s.t.  b = z1 in [-1, 1]^K,  b = z2, |z2|^2 = K,  A b + z3 = t, z3 >= 0.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

GAMMA = (1 + 5**0.5) / 2  # step of the duals
RHO, GROWTH, RHO_CAP = 1e-5, 1.09, 1e7
OUTER, INNER, SCORINGS = 1000, 10, 100
RESIDUAL, NORM_TOLERANCE = 1e-6, 1e-3


@njit(inline="always")
def _product(vector: Array, rows: Array, out: Array) -> None:
    """out = vector @ rows, four rows at a time, which become vector instructions."""
    out[:] = 0.0
    fours = len(vector) & ~3
    for m in range(0, fours, 4):
        v0, v1, v2, v3 = vector[m], vector[m + 1], vector[m + 2], vector[m + 3]
        r0, r1, r2, r3 = rows[m], rows[m + 1], rows[m + 2], rows[m + 3]
        for k in range(len(out)):
            out[k] += v0 * r0[k] + v1 * r1[k] + v2 * r2[k] + v3 * r3[k]
    for m in range(fours, len(vector)):
        v0, r0 = vector[m], rows[m]
        for k in range(len(out)):
            out[k] += v0 * r0[k]


@njit(nogil=True, cache=True)
def step(
    others: Array, columns: Array, inverse: Array, mean: Array, t: float, rho: float, b: Array, products: Array,
    z1: Array, z2: Array, z3: Array, y1: Array, y2: Array, y3: Array,
) -> bool:  # fmt: skip
    """One inner iteration, in place; returns whether the release's range check passed, which skips projections.

    b minimizes the augmented Lagrangian: [2 rho I + rho A^T A] b = rho (z1 + z2 + A^T (t - z3)) - y1 - y2 - A^T y3 - a.
    Both sides are divided by rho here, so that `inverse` belongs to the row alone. The check is z3 >= 0 and |z2|^2 = K
    within 1e-3; its part about z1, "< -1 and > 1" at once, can never fail.

    Args:
        others, columns: A (n, K) and its transpose, both in C order.
        inverse: (K, K), [2 I + A^T A]^-1.
        mean: a (K,).
        b, z1, z2, y1, y2: (K,).
        products, z3, y3: (n,); products becomes A b.
    """
    bits, n = len(b), len(z3)
    weights, right = np.empty(n), np.empty(bits)
    for j in range(n):
        weights[j] = t - z3[j] - y3[j] / rho
    _product(weights, others, right)
    for k in range(bits):
        right[k] += z1[k] + z2[k] - (y1[k] + y2[k] + mean[k]) / rho
    _product(right, inverse, b)
    _product(b, columns, products)
    norm, positive = 0.0, True
    for k in range(bits):
        z1[k] = b[k] + y1[k] / rho
        z2[k] = b[k] + y2[k] / rho
        norm += z2[k] * z2[k]
    for j in range(n):
        z3[j] = t - products[j] - y3[j] / rho
        positive &= z3[j] >= 0
    in_range = positive and abs(norm - bits) <= NORM_TOLERANCE
    if not in_range:
        scale = np.sqrt(bits / norm)
        for k in range(bits):
            z1[k] = min(max(z1[k], -1.0), 1.0)
            z2[k] *= scale
        for j in range(n):
            z3[j] = max(z3[j], 0.0)
    for k in range(bits):
        y1[k] += GAMMA * rho * (b[k] - z1[k])
        y2[k] += GAMMA * rho * (b[k] - z2[k])
    for j in range(n):
        y3[j] += GAMMA * rho * (products[j] + z3[j] - t)
    return in_range


@njit(nogil=True, cache=True)
def score(center: Array, others: Array) -> tuple[float, float]:
    """Mean + least - variance of the distances of a center to the others, and the least."""
    bits, n = len(center), len(others)
    total, squares, least = 0.0, 0.0, np.inf
    for j in range(n):
        product = 0.0
        for k in range(bits):
            product += center[k] * others[j, k]
        distance = (bits - product) / 2
        total += distance
        squares += distance * distance
        least = min(least, distance)
    return total / n + least - (squares / n - (total / n) ** 2), least


@njit(nogil=True, cache=True)
def search_row(
    center: Array, others: Array, inverse: Array, target: int, y1: Array, y2: Array, y3: Array, score_converged: bool
) -> tuple[Array, int, int, bool]:  # fmt: skip
    """ADMM for one center from the duals given, which change; at most 1000 outer iterations of at most 10 inner ones.

    rho grows by 1.09 per outer iteration from 1e-5 to 1e7, reached at the 321st; sgn(b) is scored from then on, 100
    times at most. It ends earlier where all residuals are below 1e-6. As released, a score or a least distance above
    the last accepted ones is accepted, and what converged before rho's cap has not been scored and is lost.
    With `score_converged` it is scored too, and accepted is what is better by (least, score).

    Returns:
        The center accepted last or the old one, outer iterations, scorings, and whether residuals ended it.
    """
    n, bits = others.shape
    t = float(bits - 2 * target)
    columns = np.ascontiguousarray(others.T)
    mean = np.zeros(bits)
    for j in range(n):
        mean += others[j]
    mean /= n
    best = center.copy()
    best_score, best_least = score(center, others)
    b, z1, z2 = center.copy(), center.copy(), center.copy()
    products, z3 = np.empty(n), np.empty(n)
    _product(np.sign(center), columns, products)
    for j in range(n):
        z3[j] = t - products[j]
    rho, scorings = RHO, 0
    for outer in range(1, OUTER + 1):
        for _ in range(INNER):
            if step(others, columns, inverse, mean, t, rho, b, products, z1, z2, z3, y1, y2, y3):
                break
        rho = min(GROWTH * rho, RHO_CAP)
        residual = 0.0
        for k in range(bits):
            residual = max(residual, abs(b[k] - z1[k]), abs(b[k] - z2[k]))
        for j in range(n):
            residual = max(residual, abs(products[j] + z3[j] - t))
        converged = residual < RESIDUAL
        if rho == RHO_CAP or (score_converged and converged):
            scorings += 1
            found = np.sign(b)
            if score_converged:
                for k in range(bits):
                    found[k] = 1.0 if b[k] >= 0 else -1.0
            value, least = score(found, others)
            if score_converged:
                better = least > best_least or (least == best_least and value > best_score)
            else:
                better = value > best_score or least > best_least
            if better:
                best, best_score, best_least = found, value, least
        if converged or scorings == SCORINGS:
            return best, outer, scorings, converged
    return best, OUTER, scorings, False

"""Compiled moves of the solver of separated centers. Serial and in integers, so that equal draws give equal centers.

A state is centers (C, K) int8; words (W, C), bit k of center i in bit k mod 64 of words[k // 64, i]; sums (K,), the sum
of each column; gram (K, K), the inner products of columns. Nothing is stored per pair of centers.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bench.codes._kernels import popcount

Centers = NDArray[np.int8]
Words = NDArray[np.uint64]
Integers = NDArray[np.int64]

_TIE = 2**40  # more than any change of the energy: it only decides between equal numbers of violations


@njit(inline="always")
def _below(state: Words, limit: int) -> int:
    """Random integer in 0 ... limit - 1 (xorshift, top 31 bits)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return int(np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33)) % limit)


@njit(inline="always")
def _differ(words: Words, i: int, j: int, k: int) -> int:
    """1 if centers i and j differ in bit k."""
    return int(np.int64(((words[k // 64, i] ^ words[k // 64, j]) >> np.uint64(k % 64)) & np.uint64(1)))


@njit(nogil=True, cache=True)
def _distances(words: Words, i: int, out: NDArray[np.uint16]) -> None:
    """Distances of center i to all; to itself the largest number, so that it is never near."""
    word, row = words[0, i], words[0]
    for j in range(len(out)):
        out[j] = popcount(word ^ row[j])
    for w in range(1, len(words)):
        word, row = words[w, i], words[w]
        for j in range(len(out)):
            out[j] += np.uint16(popcount(word ^ row[j]))
    out[i] = np.uint16(65535)


@njit(inline="always")
def _aligned(row: NDArray[np.int32], center: Centers, k: int) -> int:
    """z_k sum over l != k of G_kl z_l, row k of the Gram matrix: what the energy loses by a flip of bit k, over 8."""
    total = np.int32(0)
    for m in range(len(row)):
        total += row[m] * np.int32(center[m])
    return int(np.int64(center[k]) * np.int64(total) - np.int64(row[k]))


@njit(nogil=True, cache=True)
def _flip(centers: Centers, words: Words, sums: Integers, gram: NDArray[np.int32], i: int, k: int) -> None:
    """Change bit k of center i, and the state with it."""
    z = centers[i, k]
    for m in range(len(sums)):
        if m != k:
            change = np.int32(2 * z * centers[i, m])
            gram[k, m] -= change
            gram[m, k] -= change
    sums[k] -= 2 * z
    centers[i, k] = -z
    words[k // 64, i] ^= np.uint64(1) << np.uint64(k % 64)


@njit(nogil=True, cache=True)
def _is_held(words: Words, i: int, k: int, target: int, distance: NDArray[np.uint16]) -> bool:
    """Whether a flip of bit k would bring center i nearer to one that is at `target` or less."""
    for j in range(len(distance)):  # noqa: SIM110, numba compiles no generators
        if distance[j] <= target and _differ(words, i, j, k):
            return True
    return False


@njit(nogil=True, cache=True)
def _flip_costs(words: Words, i: int, target: int, distance: NDArray[np.uint16], out: Integers) -> None:
    """By how much each flip of center i changes the sum over pairs of max(target - distance, 0)."""
    out[:] = 0
    for j in range(len(distance)):
        if distance[j] < target:
            for k in range(len(out)):
                out[k] += 2 * _differ(words, i, j, k) - 1
        elif distance[j] == target:
            for k in range(len(out)):
                out[k] += _differ(words, i, j, k)


@njit(nogil=True, cache=True)
def repair(
    centers: Centers, words: Words, sums: Integers, gram: NDArray[np.int32], target: int, steps: int, state: Words
) -> int:  # fmt: skip
    """Tabu search for pairs at least `target` apart: flips of single bits of centers that are too near to another.

    Each step draws such a center and takes its flip that leaves the least violation, sum of max(target - distance, 0)
    over pairs; a bit that was flipped lately only if that gives a new best. Ties: balance of columns and energy.

    Returns:
        The violation that is left, 0 when it is solved; the state then is the one with the least violation seen.
    """
    size, bits = centers.shape
    distance = np.empty(size, np.uint16)
    lack = np.zeros(size, np.int64)  # of each center, the violation of its pairs
    rows, place, active = np.empty(size, np.int64), np.full(size, -1), 0
    for i in range(size):
        _distances(words, i, distance)
        for j in range(size):
            lack[i] += max(target - np.int64(distance[j]), 0)
        if lack[i] > 0:
            rows[active], place[i] = i, active
            active += 1
    total = lack.sum() // 2
    best, saved = total, centers.copy()
    cost = np.empty(bits, np.int64)
    free_again = np.zeros((size, bits), np.int64)
    for step in range(steps):
        if total == 0:
            return 0
        i = rows[_below(state, active)]
        _distances(words, i, distance)
        _flip_costs(words, i, target, distance, cost)
        chosen, least = -1, np.int64(2**62)
        for k in range(bits):
            if free_again[i, k] > step and total + cost[k] >= best:
                continue
            energy = 4 - 4 * centers[i, k] * sums[k] + 8 * (bits - 1 - _aligned(gram[k], centers[i], k))
            if cost[k] * _TIE + energy < least:
                chosen, least = k, cost[k] * _TIE + energy
        if chosen < 0:
            continue
        if total < best and cost[chosen] >= 0:  # about to leave the best state so far
            best = total
            saved[:] = centers
        free_again[i, chosen] = step + 3 + active // 4 + _below(state, 8)
        for j in range(size):
            if distance[j] <= target:
                differ = _differ(words, i, j, chosen)
                change = differ if distance[j] == target else 2 * differ - 1
                lack[i] += change
                lack[j] += change
                active = _keep(rows, place, active, j, lack[j] > 0)
        active = _keep(rows, place, active, i, lack[i] > 0)
        total += cost[chosen]
        _flip(centers, words, sums, gram, i, chosen)
    if total <= best:
        return total
    for i in range(size):
        for k in range(bits):
            if centers[i, k] != saved[i, k]:
                _flip(centers, words, sums, gram, i, k)
    return best


@njit(inline="always")
def _keep(rows: Integers, place: Integers, count: int, i: int, wanted: bool) -> int:
    """Put i into the set rows[:count], or take it out; returns the new count. place: where each is, or -1."""
    if wanted and place[i] < 0:
        rows[count], place[i] = i, count
        return count + 1
    if not wanted and place[i] >= 0:
        count -= 1
        last = rows[count]
        rows[place[i]], place[last] = last, place[i]
        place[i] = -1
    return count


@njit(nogil=True, cache=True)
def balance(centers: Centers, words: Words, sums: Integers, gram: NDArray[np.int32], target: int) -> None:
    """Flip bits of columns with more of one sign, those that cost least energy, as far as no pair comes too near."""
    size, bits = centers.shape
    distance = np.empty(size, np.uint16)
    gain = np.empty(size, np.int64)
    for k in range(bits):
        while abs(sums[k]) > 1:
            sign = 1 if sums[k] > 0 else -1
            for i in range(size):
                gain[i] = _aligned(gram[k], centers[i], k)
            moved = False
            for i in np.argsort(-gain, kind="mergesort"):
                if centers[i, k] == sign:
                    _distances(words, i, distance)
                    if not _is_held(words, i, k, target, distance):
                        _flip(centers, words, sums, gram, i, k)
                        moved = True
                        break
            if not moved:
                break


@njit(nogil=True, cache=True)
def exchange(
    centers: Centers, words: Words, sums: Integers, gram: NDArray[np.int32], target: int, partners: int, state: Words
) -> int:  # fmt: skip
    """One pass over all bits: swap a bit with another center that has the other value, if that lowers the energy.

    The energy is the sum of squares of the inner products of columns; a swap leaves column sums and the distance of
    the two as they are. No pair comes nearer that is at `target` or less. `partners` are drawn per bit.

    Returns:
        By how much the energy fell, over 8.
    """
    size, bits = centers.shape
    near, other = np.empty(size, np.uint16), np.empty(size, np.uint16)
    fallen = np.int64(0)
    for i in range(size):
        _distances(words, i, near)
        for k in range(bits):
            z = centers[i, k]
            own = _aligned(gram[k], centers[i], k)
            held = -1  # not known yet
            for _ in range(partners):
                j = _below(state, size)
                if centers[j, k] == z:
                    continue
                fall = own + _aligned(gram[k], centers[j], k) - 4 * (np.int64(near[j]) - 1)
                if fall <= 0:
                    continue
                if held < 0:
                    held = 1 if _is_held(words, i, k, target, near) else 0
                if held == 1:
                    break
                _distances(words, j, other)
                if not _is_held(words, j, k, target, other):
                    _flip(centers, words, sums, gram, i, k)
                    _flip(centers, words, sums, gram, j, k)
                    _distances(words, i, near)
                    fallen += fall
                    break
    return int(fallen)

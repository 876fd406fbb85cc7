"""Binary linear codes of large distance for any length and dimension, built rather than searched for.

A few families (cyclic codes, Solomon-Stiffler, single parity check, all words) and the constructions that make new
codes out of known ones: puncture, shorten, take a subcode, repeat a bit, add a parity bit, juxtapose. A dynamic
programme over the lengths keeps, per dimension, the largest distance that these reach, and how.
Source: MacWilliams and Sloane, The Theory of Error-Correcting Codes, chapters 1 and 7-9.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from bench.centers.binary_code import ENUMERABLE_DIMENSION, Bits, Code, message_bits
from bench.centers.cyclic_codes import cyclic_codes, cyclic_lengths
from bench.errors import ConfigError

MAX_LENGTH = 512
_LONGEST_SHORTENING = 16  # bits beyond the next power of two up to which codes are tabulated


def best_codes(length: int, dimension: int) -> list[Code | None]:
    """Per length 0 ... `length` the code of largest guaranteed distance that the constructions here reach.

    None where the length is below the dimension. Tables are kept: the first of a size takes up to half a second.

    Raises:
        ConfigError: dimension outside 1 ... length, or a length above 512.
    """
    if not 1 <= dimension <= length:
        raise ConfigError(
            f"no linear code has {length} bits and dimension {dimension}: use a dimension of 1 to {length}."
        )
    if length > MAX_LENGTH:
        raise ConfigError(f"linear codes are tabulated up to {MAX_LENGTH} bits, not {length}: use fewer bits.")
    # codes are shortened from longer ones, but a table of all lengths would be slow where few are needed
    limit = min(2 ** max(4, (length - 1).bit_length()) + _LONGEST_SHORTENING, MAX_LENGTH)
    return _table(dimension, limit)[: length + 1]


def closed_under_columns(codes: Sequence[Code | None]) -> list[Code | None]:
    """Per length 0, 1, ..., the best code after any number of column operations on the given ones (index: length).

    Puncturing [n-1, d-1], repeating a bit [n+1, d], a parity bit [n+1, d+1] for odd d, juxtaposing [n1+n2, d1+d2].
    They are right for any binary code, linear or not; all codes must have the same dimension (number of words).
    """
    best = list(codes)
    distance = np.array([0 if code is None else code.distance for code in best])

    def offer(distance_now: int, name: str, make: Callable[..., Bits], *parts: Code | None) -> None:
        known = [part for part in parts if part is not None]
        length = n if len(known) == len(parts) else 0
        if length and distance_now > distance[n]:
            best[n], distance[n] = Code(n, distance_now, name, make, tuple(known)), distance_now

    before = None
    while before is None or (distance > before).any():
        before = distance.copy()
        for n in range(len(best) - 2, 0, -1):
            offer(int(distance[n + 1]) - 1, "punctured", _puncture, best[n + 1])
        for n in range(2, len(best)):
            shorter = int(distance[n - 1])
            offer(shorter + 1 if shorter % 2 else 0, "extended", _extend, best[n - 1])
            offer(shorter, "bit repeated", _repeat_bit, best[n - 1])
            some = np.arange(1, n // 2 + 1)
            sums = (distance[some] + distance[n - some]) * (distance[some] > 0)  # the longer part exists if this does
            split = int(some[sums.argmax()])
            offer(int(sums.max()), "juxtaposed", _juxtapose, best[n - split], best[split])
    return best


@functools.cache
def _table(dimension: int, limit: int) -> list[Code | None]:
    """Per length 0 ... limit the best code of a dimension, None where the length is below it."""
    best: list[Code | None] = [None] * (limit + 1)
    for code in _candidates(dimension, limit):
        known = best[code.length] if code.length <= limit else code
        if known is None or (code.distance, -code.steps) > (known.distance, -known.steps):
            best[code.length] = code
    return closed_under_columns(best)


def _candidates(k: int, limit: int) -> Iterator[Code]:
    yield Code(k, 1, f"all words of {k} bits", lambda: np.eye(k, dtype=np.uint8))
    if 2**k <= MAX_LENGTH:
        for u in range(k):
            yield from (_solomon_stiffler(k, u, v) for v in range(min(u, k - u) + 1))
    cyclic = [found for n in cyclic_lengths(limit) for found in cyclic_codes(n)]
    yield from (code for size, code in cyclic if size == k)
    if k <= ENUMERABLE_DIMENSION:
        for above in _table(k + 1, limit):
            if above is not None:
                yield Code(above.length, above.distance, "subcode", _subcode, (above,))
                yield Code(above.length - 1, above.distance, "shortened", _shorten, (above,))
    for size, code in cyclic:
        if size > k:
            drop = functools.partial(_shorten, times=size - k)
            yield Code(code.length - (size - k), code.distance, "shortened", drop, (code,))


def _solomon_stiffler(k: int, u: int, v: int) -> Code:
    """All nonzero columns but two subspaces that share only 0, of dimensions u + v <= k (0: none).

    [2^k - 2^u - 2^v + 1, k, 2^(k-1) - floor(2^(u-1)) - floor(2^(v-1))]. u = v = 0 is the simplex code; u = k - 1 with
    v = 0 the first-order Reed-Muller code, whose words are the rows of Hadamard's H and -H.
    Source: Solomon and Stiffler, Information and Control 8, 1965.
    """
    columns = np.array([c for c in range(1, 2**k) if c >= 2**u and (not v or c % 2 ** (k - v))])
    distance = 2 ** (k - 1) - 2**u // 2 - 2**v // 2
    kind = "simplex" if u == 0 else "Reed-Muller" if u == k - 1 and v == 0 else "Solomon-Stiffler"
    name = f"{kind} [{len(columns)},{k},{distance}]"
    return Code(len(columns), distance, name, lambda: message_bits(columns, k).T.copy())  # noqa: PLW0108 - made when asked for


def _puncture(words: Bits) -> Bits:
    return words[:, :-1]


def _extend(words: Bits) -> Bits:
    return np.concatenate([words, words.sum(axis=1, keepdims=True, dtype=np.uint8) % 2], axis=1)


def _repeat_bit(words: Bits) -> Bits:
    return np.concatenate([words, words[:, :1]], axis=1)


def _juxtapose(first: Bits, second: Bits) -> Bits:
    return np.concatenate([first, second], axis=1)


def _subcode(generator: Bits) -> Bits:
    return generator[1:]


def _shorten(generator: Bits, times: int = 1) -> Bits:
    """Words that are 0 in a bit, without that bit; a bit that is 0 in all words costs a row instead."""
    for _ in range(times):
        with_one = np.flatnonzero(generator[:, -1])
        pivot = generator[with_one[0]] if len(with_one) else generator[0]
        reduced = generator ^ generator[:, -1:] * pivot
        generator = np.delete(reduced, with_one[0] if len(with_one) else 0, axis=0)[:, :-1]
    return generator

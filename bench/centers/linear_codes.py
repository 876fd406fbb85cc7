"""Binary linear codes of large distance for any length and dimension, built rather than searched for.

A few families (cyclic codes, Solomon-Stiffler, single parity check, all words) and the constructions that make new
codes out of known ones: puncture, shorten, take a subcode, repeat a bit, add a parity bit, juxtapose. A dynamic
programme over the lengths keeps, per dimension, the largest distance that these reach, and how.
Source: MacWilliams and Sloane, The Theory of Error-Correcting Codes, chapters 1 and 7-9.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import ConfigError

Bits = NDArray[np.uint8]  # 0 or 1: a generator matrix (k, n), or words (C, n)

MAX_LENGTH = 512
ENUMERABLE_DIMENSION = 14  # up to 2^14 words are weighed one by one
_MAX_CYCLIC_LENGTH = 255
_MAX_FIELD_DEGREE = 12
_LONGEST_SHORTENING = 16  # bits beyond the next power of two up to which codes are tabulated


@dataclass(frozen=True)
class Code:
    """A code that can be built: its length, a distance it certainly has, how it is made and of what.

    `make` builds the 0/1 matrix from those of the `parts`: the generator matrix of a linear code, or a list of words.
    Every construction here adds, drops or joins columns (or drops rows), which is right for either.
    """

    length: int
    distance: int
    name: str
    make: Callable[..., Bits]
    parts: tuple[Code, ...] = ()

    def build(self) -> Bits:
        """Generator matrix (k, n), or words (C, n)."""
        return self.make(*(part.build() for part in self.parts))

    @property
    def steps(self) -> int:
        """Number of constructions on the way from the families to this code."""
        return sum(1 + part.steps for part in self.parts)

    def describe(self) -> str:
        """What it is made of and how: 'cyclic [15,11,3], extended'; '2 x A | B, juxtaposed, shortened'."""
        made_of, ways = self._ingredients()
        parts = [f"{times} x {name}" if times > 1 else name for name, times in made_of.items()]
        return ", ".join([" | ".join(parts), *sorted(ways)])

    def _ingredients(self) -> tuple[Counter[str], set[str]]:
        if not self.parts:
            return Counter([self.name]), set()
        made_of: Counter[str] = Counter()
        ways = {self.name}
        for part in self.parts:
            names, how = part._ingredients()
            made_of += names
            ways |= how
        return made_of, ways


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


def best_code(length: int, dimension: int) -> Code:
    """The code of `best_codes` that has exactly this length."""
    code = best_codes(length, dimension)[length]
    assert code is not None  # all words of k bits, with bits repeated, have every length
    return code


def weight_counts(generator: Bits) -> NDArray[np.int64]:
    """Number of code words of each weight 0 ... n: (n + 1,), by enumerating all 2^k words of a (k, n) generator."""
    length = generator.shape[1]
    width = -(-length // 64) * 8
    packed = np.packbits(generator, axis=1)
    rows = np.pad(packed, ((0, 0), (0, width - packed.shape[1]))).view(np.uint64)
    words = np.zeros((1, width // 8), dtype=np.uint64)
    for row in rows:
        words = np.concatenate([words, words ^ row])
    return np.bincount(np.bitwise_count(words).sum(axis=1, dtype=np.int64), minlength=length + 1)


def minimum_weight(generator: Bits) -> int:
    """Least distance of the code of a (k, n) generator; 0 if its rows are dependent. All 2^k words are weighed."""
    counts = weight_counts(generator)
    counts[0] -= 1  # the zero word, once
    return int(np.flatnonzero(counts)[0])


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
    cyclic = [found for n in cyclic_lengths(limit) for found in _cyclic_codes(n)]
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
    return Code(len(columns), distance, name, lambda: message_bits(columns, k).T.copy())


def message_bits(numbers: NDArray[np.int64], width: int) -> Bits:
    """Binary digits, least significant first: (...,) to (..., width)."""
    return ((numbers[..., None] >> np.arange(width)) & 1).astype(np.uint8)


def cyclic_lengths(limit: int) -> list[int]:
    """Odd lengths up to min(limit, 255) whose roots of unity lie in a field of at most 2^12 elements."""
    return [n for n in range(3, min(limit, _MAX_CYCLIC_LENGTH) + 1, 2) if _order_of_two(n) <= _MAX_FIELD_DEGREE]


@functools.cache
def _order_of_two(n: int) -> int:
    """Least m with 2^m = 1 modulo an odd n."""
    return next(m for m in range(1, n) if pow(2, m, n) == 1)


@functools.cache
def _cyclic_codes(length: int) -> list[tuple[int, Code]]:
    """(dimension, code) of the cyclic codes of a length: all small ones, by their true distance, and large BCH codes.

    A BCH code has the zeros 1 ... t - 1, so distance >= t. Two sets of nonzeros that a multiplier maps onto each
    other give the same code up to the order of the bits; most of them are left out.
    """
    cosets = cyclotomic_cosets(length)
    found = []
    for chosen in _unions([coset for coset in cosets if len(coset) <= ENUMERABLE_DIMENSION], ENUMERABLE_DIMENSION):
        units = [coset for coset in chosen if math.gcd(coset[0], length) == 1]
        repeats = math.gcd(length, *(coset[0] for coset in chosen)) > 1
        if not repeats and (not units or 1 in units[0]):
            nonzeros = [exponent for coset in chosen for exponent in coset]
            generator = cyclic_generator(length, nonzeros)
            distance = minimum_weight(generator)
            name = f"cyclic [{length},{len(nonzeros)},{distance}]"
            found.append((len(nonzeros), Code(length, distance, name, functools.partial(_same, generator))))
    for coset in cosets[1:]:
        code = bch(length, coset[0])
        if code[0] > ENUMERABLE_DIMENSION:
            found.append(code)
    return found


def _unions(cosets: Sequence[tuple[int, ...]], room: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """All nonempty sets of cosets with at most `room` elements in all."""
    for i, coset in enumerate(cosets):
        if len(coset) <= room:
            yield (coset,)
            for rest in _unions(cosets[i + 1 :], room - len(coset)):
                yield (coset, *rest)


def bch(length: int, designed: int) -> tuple[int, Code]:
    """(dimension, code): narrow-sense BCH code with zeros 1 ... designed - 1; its Bose distance is guaranteed."""
    cosets = cyclotomic_cosets(length)
    zeros = {e for coset in cosets if any(1 <= e < designed for e in coset) for e in coset}
    nonzeros = [-e % length for e in range(length) if e not in zeros]
    distance = next(t for t in range(1, length + 1) if t % length not in zeros)
    name = f"BCH [{length},{len(nonzeros)},{distance}]"
    return len(nonzeros), Code(length, distance, name, functools.partial(cyclic_generator, length, nonzeros))


def cyclotomic_cosets(length: int) -> list[tuple[int, ...]]:
    """Classes of the exponents 0 ... n - 1 under doubling modulo an odd n, by their least element."""
    orbits: dict[int, tuple[int, ...]] = {}
    for first in range(length):
        orbit = tuple(first * pow(2, i, length) % length for i in range(_order_of_two(length)))
        orbits.setdefault(min(orbit), tuple(dict.fromkeys(orbit)))
    return [orbits[least] for least in sorted(orbits)]


def cyclic_generator(length: int, nonzeros: Iterable[int]) -> Bits:
    """Generator matrix (k, n) of the words c_i = Tr(sum over nonzeros j of a_j beta^(i j)), beta a root of unity.

    Args:
        length: odd n, with 2 of order at most 12 modulo n.
        nonzeros: exponents j, a union of cyclotomic cosets; their number is the dimension k.
    """
    chosen = set(nonzeros)
    degree = _order_of_two(length)
    powers = _field_powers(degree)[:: (2**degree - 1) // length]  # beta^0 ... beta^(n - 1)
    leaders = [coset[0] for coset in cyclotomic_cosets(length) if coset[0] in chosen]
    rows = np.concatenate([message_bits(powers[np.arange(length) * j % length], degree).T for j in leaders])
    return independent_rows(rows)


@functools.cache
def _field_powers(degree: int) -> NDArray[np.int64]:
    """Powers 0 ... 2^m - 2 of a generator of GF(2^m), as bit masks: x modulo the first primitive polynomial."""
    order = 2**degree - 1
    for polynomial in range(2**degree + 1, 2 ** (degree + 1), 2):
        powers = [1]
        while len(powers) <= order and (powers[-1] != 1 or len(powers) == 1):
            shifted = powers[-1] << 1
            powers.append(shifted ^ polynomial if shifted >> degree else shifted)
        if len(powers) == order + 1:
            return np.array(powers[:-1])
    raise AssertionError("every degree has a primitive polynomial")


def independent_rows(rows: Bits) -> Bits:
    """A basis of the rows' span, by elimination on rows held as integers."""
    length = rows.shape[1]
    basis: dict[int, int] = {}  # leading bit -> row
    for row in rows:
        value = int.from_bytes(np.packbits(row).tobytes(), "big")
        while value and value.bit_length() in basis:
            value ^= basis[value.bit_length()]
        if value:
            basis[value.bit_length()] = value
    width = -(-length // 8)
    packed = b"".join(value.to_bytes(width, "big") for value in basis.values())
    return np.unpackbits(np.frombuffer(packed, dtype=np.uint8).reshape(-1, width), axis=1)[:, :length]


def _same(generator: Bits) -> Bits:
    return generator


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

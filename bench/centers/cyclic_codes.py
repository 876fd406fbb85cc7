"""Cyclic codes of odd length: all small ones by their true distance, and large BCH codes.

Source: MacWilliams and Sloane, The Theory of Error-Correcting Codes, chapters 7-9.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.centers.binary_code import (
    ENUMERABLE_DIMENSION,
    Bits,
    Code,
    independent_rows,
    message_bits,
    minimum_weight,
)

_MAX_LENGTH = 255
_MAX_FIELD_DEGREE = 12


def cyclic_lengths(limit: int) -> list[int]:
    """Odd lengths up to min(limit, 255) whose roots of unity lie in a field of at most 2^12 elements."""
    return [n for n in range(3, min(limit, _MAX_LENGTH) + 1, 2) if _order_of_two(n) <= _MAX_FIELD_DEGREE]


@functools.cache
def _order_of_two(n: int) -> int:
    """Least m with 2^m = 1 modulo an odd n."""
    return next(m for m in range(1, n) if pow(2, m, n) == 1)


@functools.cache
def cyclic_codes(length: int) -> list[tuple[int, Code]]:
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


def _same(generator: Bits) -> Bits:
    return generator

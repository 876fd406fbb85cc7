"""Centers from codes of known distance: nothing is searched for, and the least distance is a guarantee.

The words of a linear code (`linear_codes`) or, where these are farther apart, rows of Hadamard matrices, which give
up to 2 K words at distance K / 2 (Levenshtein's pieces, juxtaposed, meet Plotkin's bound for few classes).
A baseline of ours; sources: MacWilliams and Sloane, The Theory of Error-Correcting Codes, chapters 1, 2 and 7.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

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
from bench.centers.hadamard import hadamard
from bench.centers.linear_codes import best_codes, closed_under_columns
from bench.errors import ConfigError

_TRIES = 8  # arrangements drawn, of which the one with the most balanced bits is kept


class AlgebraicCenters(NamedTuple):
    """Centers (C, K) int8 in {-1, +1}, the least distance they are certain to have, and the code they come from."""

    centers: NDArray[np.int8]
    distance: int
    code: str


def algebraic_centers(num_classes: int, bits: int, rng: np.random.Generator) -> AlgebraicCenters:
    """C centers of K bits whose least distance is the largest that the constructions here guarantee.

    Of a linear code of dimension k = ceil(log2 C), the words 0 ... C - 1 in the binary counting order of a random
    basis are taken: with their complements where the code has these, which balances every bit; else in blocks of 2^b
    words that are cosets of subcodes, in which nearly every bit is balanced. Of Hadamard matrices, random rows, with
    their complements where these are words too. Of 8 such draws the one with the most balanced bits is kept. Then
    classes and bits are shuffled, and random bits flipped in all words. Every draw is from `rng`.

    Raises:
        ConfigError: fewer than 2 classes, more classes than words, more than 512 bits.
    """
    if bits < 1 or num_classes < 2:
        raise ConfigError(f"centers need bits >= 1 and num_classes >= 2, not {bits} and {num_classes}.")
    if num_classes > 2**bits:
        raise ConfigError(f"{bits} bits have only {2**bits} words for {num_classes} classes: use more bits.")
    dimension = (num_classes - 1).bit_length()
    linear_codes = best_codes(bits, dimension)
    linear = linear_codes[bits]
    assert linear is not None
    mixed = _with_hadamard_rows(linear_codes, num_classes, rng)
    draw: Callable[[], Bits]
    if mixed.distance > linear.distance:
        distance, name = mixed.distance, f"({bits},{num_classes},{mixed.distance}) from {mixed.describe()}"
        draw = mixed.build
    else:
        generator = _without_constant_bits(linear.build())
        distance = minimum_weight(generator) if dimension <= ENUMERABLE_DIMENSION else linear.distance
        name = linear.describe() if not linear.parts else f"[{bits},{dimension},{distance}] from {linear.describe()}"
        draw = functools.partial(_spread, generator, num_classes, rng)
    words = _most_balanced(draw)
    words = words[rng.permutation(num_classes)][:, rng.permutation(bits)]
    words ^= rng.integers(0, 2, size=bits, dtype=np.uint8)
    return AlgebraicCenters(np.ascontiguousarray(words.astype(np.int8) * 2 - 1), distance, name)


def _without_constant_bits(generator: Bits) -> Bits:
    """The code with bits that are 0 in all words replaced by copies of others: its distance can only grow."""
    constant = ~generator.any(axis=0)
    others = np.flatnonzero(~constant)
    copied = generator.copy()
    copied[:, constant] = generator[:, others[np.arange(constant.sum()) % len(others)]]
    return copied


def _spread(generator: Bits, num_classes: int, rng: np.random.Generator) -> Bits:
    """Words 0 ... C - 1, (C, K), in the binary counting order of a random basis of the code.

    If the all-ones word belongs to the code it is the basis word of the lowest digit: words 2 i and 2 i + 1 are
    complements.
    """
    size, bits = generator.shape
    ones = np.ones((1, bits), dtype=np.uint8)
    with_ones = len(independent_rows(np.concatenate([generator, ones]))) == size
    while True:  # 29 % of large square matrices are invertible
        mixing = rng.integers(0, 2, size=(size, size), dtype=np.uint8)
        basis = (mixing.astype(np.float32) @ generator % 2).astype(np.uint8)  # exact: sums of at most k ones
        if with_ones:
            basis[:1] = ones
        if len(independent_rows(basis)) == size:
            break
    digits = message_bits(np.arange(num_classes), size)
    return (digits.astype(np.float32) @ basis % 2).astype(np.uint8)


def _most_balanced(draw: Callable[[], Bits]) -> Bits:
    """Of several draws of words the one whose least balanced bit is best, then whose bits are best in sum."""

    def imbalance(words: Bits) -> tuple[int, int]:
        excess = abs(2 * words.sum(axis=0, dtype=np.int64) - len(words))
        return int(excess.max()), int(excess.sum())

    return min((draw() for _ in range(_TRIES)), key=imbalance)


def _with_hadamard_rows(linear_codes: list[Code | None], num_classes: int, rng: np.random.Generator) -> Code:
    """The best word list of C words whose parts may be linear codes or pieces of Hadamard matrices."""
    bits = len(linear_codes) - 1

    def first_words(generator: Bits) -> Bits:
        return _spread(generator, num_classes, rng)

    best = [code and Code(code.length, code.distance, "words", first_words, (code,)) for code in linear_codes]
    for code in _hadamard_pieces(bits, num_classes, rng):
        known = best[code.length]
        if known is None or code.distance > known.distance:
            best[code.length] = code
    code_of_all_bits = closed_under_columns(best)[bits]
    assert code_of_all_bits is not None
    return code_of_all_bits


def _hadamard_pieces(bits: int, num_classes: int, rng: np.random.Generator) -> Iterator[Code]:
    """Of each order n with enough rows: n bits and 2 n words; n - 1 bits and n words; n - 2 bits and n / 2 words.

    All at distance n / 2: rows and their complements; rows without the first, constant bit; and of these the ones
    that agree in the next bit, without it.
    """
    for order in _hadamard_orders(bits + 2):
        for dropped, words in ((0, 2 * order), (1, order), (2, order // 2)):
            if words >= num_classes and order - dropped <= bits:
                make = functools.partial(_hadamard_words, order, dropped, num_classes, rng)
                yield Code(order - dropped, order // 2, f"Hadamard ({order - dropped},{words},{order // 2})", make)


@functools.cache
def _hadamard_orders(limit: int) -> list[int]:
    return [n for n in range(4, limit + 1, 4) if hadamard(n) is not None]


def _hadamard_words(order: int, dropped: int, num_classes: int, rng: np.random.Generator) -> Bits:
    matrix = hadamard(order)
    assert matrix is not None
    rows = (matrix * matrix[:, :1] < 0).astype(np.uint8)  # the first bit is 0
    if dropped == 0:
        rows = rows[rng.permutation(order)[: -(-num_classes // 2)]]
        return np.stack([rows, 1 - rows], axis=1).reshape(-1, order)[:num_classes]
    if dropped == 2:
        rows = rows[rows[:, 1] == 0]
    return rows[rng.permutation(len(rows))[:num_classes], dropped:]

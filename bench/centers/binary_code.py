"""A binary code that can be built, and what is counted of its words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]  # 0 or 1: a generator matrix (k, n), or words (C, n)

ENUMERABLE_DIMENSION = 14  # up to 2^14 words are weighed one by one


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
            names, how = part._ingredients()  # noqa: SLF001 - of its own class
            made_of += names
            ways |= how
        return made_of, ways


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


def message_bits(numbers: NDArray[np.int64], width: int) -> Bits:
    """Binary digits, least significant first: (...,) to (..., width)."""
    return ((numbers[..., None] >> np.arange(width)) & 1).astype(np.uint8)


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

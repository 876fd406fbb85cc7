"""Codebooks of distinct random words, one per head (CRH)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.errors import ConfigError

ENUMERABLE_BITS = 20  # up to 2^20 words a permutation of all of them is drawn


def head_dim(bits: int, codebook_size: int) -> int:
    """Bits per head d: the smallest divisor of K with 2^d >= M.

    CRH words it "smallest power of two d with 2^d >= M"; the two agree for K = 16, 32, 64 and only the
    divisor rule works for other lengths.

    Raises:
        ConfigError: M > 2^K, so that not even one head of all bits has M words.
    """
    for d in range(1, bits + 1):
        if bits % d == 0 and 2**d >= codebook_size:
            return d
    raise ConfigError(
        f"a codebook of {codebook_size} distinct words does not fit into {bits} bits (2^{bits} = {2**bits} words): "
        "use more bits or a smaller codebook."
    )


def words_to_bits(words: NDArray[np.int64], bits: int) -> NDArray[np.int8]:
    """Integers (...,) to rows (..., bits) in {-1, +1}, most significant bit first, 0 -> -1."""
    shifts = np.arange(bits - 1, -1, -1)
    return (((words[..., None] >> shifts) & 1) * 2 - 1).astype(np.int8)


def sample_codebook(rng: np.random.Generator, heads: int, size: int, dim: int) -> NDArray[np.int8]:
    """(H, M, d) int8 in {-1, +1}: M distinct words per head, uniform without replacement, heads independent.

    Raises:
        ConfigError: M > 2^d.
    """
    if dim < 63 and size > 2**dim:
        raise ConfigError(
            f"{size} distinct words do not fit into {dim} bits per head: use fewer heads or a smaller codebook."
        )
    return np.stack([_sample_words(rng, size, dim) for _ in range(heads)])


def _sample_words(rng: np.random.Generator, size: int, dim: int) -> NDArray[np.int8]:
    if dim <= ENUMERABLE_BITS:
        return words_to_bits(rng.permutation(2**dim)[:size], dim)
    words = np.empty((0, dim), dtype=np.int8)
    while len(words) < size:  # a duplicate is rare (1.4e-4 in all for 1110 words of 32 bits): drop it, draw again
        drawn = rng.integers(0, 2, size=(size - len(words), dim), dtype=np.int8) * 2 - 1
        words = np.concatenate([words, drawn])
        _, first = np.unique(np.packbits(words > 0, axis=1), axis=0, return_index=True)
        words = words[np.sort(first)]
    return words


def compose(codebook: NDArray[np.int8], assignment: NDArray[np.int64]) -> NDArray[np.int8]:
    """Centers (C, K) from a codebook (H, M, d) and one candidate per head and class (H, C).

    Head-major: bits h d ... (h + 1) d - 1 belong to head h.
    """
    chosen = np.take_along_axis(codebook, assignment[:, :, None], axis=1)  # (H, C, d)
    return np.ascontiguousarray(chosen.transpose(1, 0, 2).reshape(assignment.shape[1], -1))

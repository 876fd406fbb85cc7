"""Codes in {-1, +1} to bits and back; K need not be a multiple of 8 or 64.

Packed code: uint8 (N, ceil(K / 8)), bit 0 first (`numpy.packbits`, big-endian in each byte), +1 -> 1, padded
with zeros. For distances, rows are padded further to 64-bit words.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError


def pack(codes: NDArray[np.generic]) -> NDArray[np.uint8]:
    """(N, K) in {-1, +1} -> (N, ceil(K/8)) uint8. Raises DataError for any other value (0 included)."""
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.shape[1] == 0:
        raise DataError(f"codes must be a matrix (items x bits), not of shape {codes.shape}.")
    positive = codes == 1
    if not np.all(positive | (codes == -1)):
        raise DataError("codes must be -1 or +1 everywhere (take the sign of relaxed codes first, with 0 -> +1).")
    return np.packbits(positive, axis=1)


def unpack(packed: NDArray[np.uint8], bits: int) -> NDArray[np.int8]:
    """(N, ceil(K/8)) uint8 -> (N, K) int8 in {-1, +1}."""
    if packed.shape[1] != -(-bits // 8):
        raise DataError(f"packed codes of {packed.shape[1]} bytes do not hold {bits} bits.")
    return np.unpackbits(packed, axis=1, count=bits).astype(np.int8) * 2 - 1


def words(packed: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(N, bytes) uint8 -> (N, ceil(bytes / 8)) uint64, zero-padded: a common padding adds no distance."""
    padded = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64)


def columns(packed: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(N, bytes) uint8 -> (ceil(bytes / 8), N) uint64: `words`, word by word."""
    return np.ascontiguousarray(words(packed).T)

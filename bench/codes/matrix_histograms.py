"""Distance histograms on a GPU: exact matrix products in chunks, then one count for all pairs of a chunk.

<a, b> of codes in {-1, +1} is an integer of at most K in size. Half precision holds integers up to 2048 exactly and
products of +-1 are exact, so for K <= 2048 no rounding happens anywhere; longer codes use single precision.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_PAIRS = 2**25  # of a chunk: 64 MiB of products, 128 MiB of indices
_DATABASE_ROWS = 2**18  # on the device at a time


def matrix_histograms(
    query: NDArray[np.uint8], query_labels: NDArray[np.generic], database: NDArray[np.uint8],
    database_labels: NDArray[np.generic], bits: int, device: torch.device | str,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """`items` and `relevant`, (Q, K + 1) int64 each; arguments as `distance_histograms`, already checked."""
    device = torch.device(device)
    exact = torch.float16 if device.type == "cuda" and bits <= 2048 else torch.float32
    counts = torch.zeros(len(query), 2 * (bits + 1), dtype=torch.int64, device=device)
    query_labels_there = _labels(query_labels, device, exact)
    for start in range(0, len(database), _DATABASE_ROWS):
        rows = slice(start, start + _DATABASE_ROWS)
        block = _codes(database[rows], bits, device, exact)
        block_labels = _labels(database_labels[rows], device, exact)
        step = max(1, min(_PAIRS // len(block), 2**30 // (bits + 1)))  # indices must fit into 31 bits
        for part in (slice(i, i + step) for i in range(0, len(query), step)):
            products = _codes(query[part], bits, device, exact) @ block.T
            counts[part] += _count(products, query_labels_there[part], block_labels, bits)
    both = counts.view(len(query), 2, bits + 1)
    return both.sum(dim=1).cpu().numpy(), both[:, 1].cpu().numpy().copy()


def _count(products: Tensor, query_labels: Tensor, labels: Tensor, bits: int) -> Tensor:
    """(q, 2 (K + 1)): pairs by distance, irrelevant ones first, from inner products (q, n)."""
    relevant = query_labels[:, None] == labels[None, :] if labels.ndim == 1 else query_labels @ labels.T > 0
    width = 2 * (bits + 1)
    index = (bits - products.to(torch.int32)) // 2
    index += relevant * (bits + 1)
    index += torch.arange(0, width * len(index), width, dtype=torch.int32, device=index.device)[:, None]
    return torch.bincount(index.view(-1), minlength=width * len(index)).view(len(index), width)


def _codes(packed: NDArray[np.uint8], bits: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Packed rows to (n, K) in {-1, +1} on the device; bits are spread out there, so that bytes are what travels."""
    there = torch.from_numpy(np.ascontiguousarray(packed)).to(device, non_blocking=True)
    places = torch.arange(7, -1, -1, device=device, dtype=torch.uint8)
    ones = (there[:, :, None] >> places) & 1
    return ones.view(len(packed), -1)[:, :bits].to(dtype) * 2 - 1


def _labels(labels: NDArray[np.generic], device: torch.device, dtype: torch.dtype) -> Tensor:
    if labels.ndim == 1:  # torch compares no unsigned integers of different sizes
        return torch.from_numpy(labels.astype(np.int64)).to(device, non_blocking=True)
    return torch.from_numpy(np.ascontiguousarray(labels)).to(device, non_blocking=True).to(dtype)

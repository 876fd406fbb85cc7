"""Labels in the form that compiled loops read: class indices, or 64-bit masks of the classes of each item."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.codes.packing import words


def class_indices(labels: NDArray[np.generic]) -> NDArray[np.int64]:
    """Class indices; -1, relevant to nothing, where classes are in the masks."""
    return labels.astype(np.int64) if labels.ndim == 1 else np.full(len(labels), -1, dtype=np.int64)


def class_masks(labels: NDArray[np.generic]) -> NDArray[np.uint64]:
    """(n, L) class masks; L = 0 for class indices."""
    if labels.ndim == 1:
        return np.zeros((len(labels), 0), dtype=np.uint64)
    return words(np.packbits(labels.astype(bool), axis=1))

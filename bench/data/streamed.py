"""Images that are decoded where they are read, for a cache whose disk has no room for all of them decoded."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bench.data.cache import cache_dir, load_array

_LEFT_FREE = 2**28  # bytes, for what else is written there: features, and results where they share the disk
_BLOCK = 256  # images decoded at a time where all are asked for


class StreamedImages:
    """Stands for an array (N, S, S, 3) uint8: rows are made each time that they are asked for.

    Attributes:
        nbytes: what the array would take.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, count: int, size: int, make: Callable[[NDArray[np.int64]], NDArray[np.uint8]]) -> None:
        """`make` gives the images (n, S, S, 3) of some rows (n,)."""
        self.shape = (count, size, size, 3)
        self.nbytes = math.prod(self.shape)
        self._make = make

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice | NDArray[Any]) -> NDArray[np.uint8]:
        """As an array's, along its first axis.

        Raises:
            IndexError: there is no such row.
            DataError: a file that could be read before cannot be read.
        """
        chosen = np.arange(len(self))[rows]
        found = np.empty((chosen.size, *self.shape[1:]), dtype=self.dtype)
        for start in range(0, chosen.size, _BLOCK):
            found[start : start + _BLOCK] = self._make(chosen.reshape(-1)[start : start + _BLOCK])
        return found.reshape(*chosen.shape, *self.shape[1:])

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(self), _BLOCK):
            yield from self[start : start + _BLOCK]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """All of them, in memory."""
        return self[:].astype(dtype or self.dtype, copy=False)


Images = NDArray[np.uint8] | StreamedImages  # (N, S, S, 3)


def lacking_space(key: str, nbytes: int) -> int:
    """Bytes that must be freed on the cache's disk before `filled_array` can make an array of `nbytes`; 0 if none.

    What is there already, whole or in part, needs no more room.
    """
    path = cache_dir() / f"{key}.npy"
    if load_array(path) is not None:
        return 0
    try:
        there = path.with_name(f".{key}.filling").stat().st_size
    except OSError:
        there = 0
    return max(0, nbytes - there + _LEFT_FREE - shutil.disk_usage(_existing(path.parent)).free)


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())

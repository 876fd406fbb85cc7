"""Arrays kept on disk between runs: decoded images, features of frozen backbones. Safe to delete at any time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.user_config import cache_place


def cache_dir() -> Path:
    """$BENCH_CACHE, `cache` of the user's config file, or hash-center-bench below $XDG_CACHE_HOME or ~/.cache."""
    return cache_place().path


def cached_array(key: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """The array stored under `key`, as a read-only memory map; made and stored at the first call.

    A file that is cut or otherwise unreadable is made again. Where the cache cannot be written, the array is
    simply returned.
    """
    path = cache_dir() / f"{key}.npy"
    stored = load_array(path)
    if stored is not None:
        return stored
    array = make()
    try:
        _store(path, array)
    except OSError:
        return array
    loaded = load_array(path)
    return array if loaded is None else loaded


def in_cache(key: str) -> bool:
    """Whether an array is stored under `key`; its file is not looked into."""
    return (cache_dir() / f"{key}.npy").is_file()


def load_array(path: Path) -> NDArray[Any] | None:
    """A whole .npy file as a read-only memory map; None where there is none."""
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except Exception:  # missing, shorter than its header says, or garbage, over which NumPy can trip in any way
        return None


def _store(path: Path, array: NDArray[Any]) -> None:
    """Written under another name and renamed: what has the right name is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".writing-", suffix=".npy", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)

"""Arrays kept on disk between runs: decoded images, features of frozen backbones. Safe to delete at any time.

Machines with caches of their own can hand each other what is in them: `arrays_read` and `arrays_given`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.user_config import cache_place

_given: ContextVar[Mapping[str, NDArray[Any]] | None] = ContextVar("given", default=None)
_read: ContextVar[dict[str, NDArray[Any]] | None] = ContextVar("read", default=None)


def cache_dir() -> Path:
    """$BENCH_CACHE, `cache` of the user's config file, or hash-center-bench below $XDG_CACHE_HOME or ~/.cache."""
    return cache_place().path


def cached_array(key: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """The array stored under `key`, as a read-only memory map; made and stored at the first call.

    A file that is cut or otherwise unreadable is made again. Of several processes one makes it, and the others wait.
    Where the cache cannot be written, the array is simply returned.
    """
    path = cache_dir() / f"{key}.npy"
    stored = load_array(path)
    if stored is not None:
        return stored
    with waiting_for(path):
        stored = load_array(path)  # another process may have made it in the meantime
        if stored is not None:
            return stored
        array = make()
        try:
            _store(path, array)
        except OSError:
            return array
    loaded = load_array(path)
    return array if loaded is None else loaded


@contextmanager
def waiting_for(path: Path) -> Iterator[None]:
    """Inside, no other process makes that file; one that dies lets go. Without effect where there are no locks."""
    lock = path.with_name(f".{path.stem}.lock")
    with ExitStack() as held:
        with suppress(ImportError, OSError):
            import fcntl

            path.parent.mkdir(parents=True, exist_ok=True)
            fcntl.flock(held.enter_context(lock.open("w")), fcntl.LOCK_EX)
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()


def in_cache(key: str) -> bool:
    """Whether an array is stored under `key`; its file is not looked into."""
    return (cache_dir() / f"{key}.npy").is_file()


def load_array(path: Path) -> NDArray[Any] | None:
    """A whole .npy file as a read-only memory map, or what another machine has given in its place; None for neither."""
    try:
        array: NDArray[Any] | None = np.lib.format.open_memmap(path, mode="r")
    except Exception:  # missing, shorter than its header says, or garbage, over which NumPy can trip in any way
        array = (_given.get() or {}).get(path.stem)
    read = _read.get()
    if read is not None and array is not None:
        read[path.stem] = array
    return array


@contextmanager
def arrays_given(arrays: Mapping[str, NDArray[Any]]) -> Iterator[None]:
    """Inside, an array that is not in this machine's folder is one of these, by its key, before it is made."""
    token = _given.set(arrays)
    try:
        yield
    finally:
        _given.reset(token)


@contextmanager
def arrays_read() -> Iterator[dict[str, NDArray[Any]]]:
    """The arrays that are read inside, by key: what another machine would want to be given."""
    read: dict[str, NDArray[Any]] = {}
    token = _read.set(read)
    try:
        yield read
    finally:
        _read.reset(token)


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

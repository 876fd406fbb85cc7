"""Large arrays filled block by block in the cache: what is done stays done, whatever ends the process.

    <key>.npy           the array, under this name only when it is whole
    .<key>.filling      the same file while it is filled
    .<key>.blocks       numbers of the blocks that are in it, one a line, each written after its block is on the disk

Blocks are written, not mapped: a full disk is an error then, and no crash. A lock lets one process fill while others
wait.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bench.data.cache import cache_dir, load_array, waiting_for
from bench.errors import StoreError

Watch = Callable[[int, int], None]  # items done, of all
_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


class Unfilled(Exception):
    """Raised by a `fill` for a block that cannot be made, so that the others still are."""


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Inside, arrays that are filled tell `watch` how far they are."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def filled_array(
    key: str, shape: tuple[int, ...], dtype: DTypeLike, fill: Callable[[slice], NDArray[Any]], block: int
) -> NDArray[Any] | None:
    """The array stored under `key`, as a read-only memory map; blocks that are missing are made.

    Args:
        fill: makes the rows of a slice. If it raises `Unfilled`, the other blocks are still made; anything else ends
            the filling. What was made is kept for the next call.
        block: rows of a slice.

    Returns:
        None where a block is missing still.

    Raises:
        StoreError: the cache cannot be written, or its disk is full.
    """
    path = cache_dir() / f"{key}.npy"
    stored = load_array(path)
    if stored is not None and (stored.shape, stored.dtype) == (shape, dtype):
        return stored
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with waiting_for(path):
            _fill(path, shape, np.dtype(dtype), fill, block)
    except OSError as error:
        full = "is full" if error.errno == errno.ENOSPC else f"cannot be written ({error.strerror})"
        raise StoreError(
            f"the cache {path.parent} {full}: free some space or name another with $BENCH_CACHE; what is prepared "
            "is kept."
        ) from error
    return load_array(path)


def _fill(
    path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], fill: Callable[[slice], NDArray[Any]], block: int
) -> None:  # fmt: skip
    whole = load_array(path)
    if whole is not None and (whole.shape, whole.dtype) == (shape, dtype):  # another process has just filled it
        return
    part, log = path.with_name(f".{path.stem}.filling"), path.with_name(f".{path.stem}.blocks")
    header = _header(shape, dtype)
    done = _blocks_in(log) if _begins_with(part, header) else set()
    row = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
    if done and part.stat().st_size < len(header) + min((max(done) + 1) * block, shape[0]) * row:
        done = set()  # something has cut the file: what its ledger says does not hold
    missing = 0
    with part.open("r+b" if done else "w+b") as file, log.open("a" if done else "w") as ledger:
        if not done:
            file.write(header)
        for number, start in enumerate(range(0, shape[0], block)):
            rows = slice(start, min(start + block, shape[0]))
            if number not in done:
                try:
                    content = np.ascontiguousarray(fill(rows), dtype=dtype)
                except Unfilled:
                    missing += 1
                    continue
                file.seek(len(header) + start * row)
                file.write(content.data)
                _to_disk(file)
                ledger.write(f"{number}\n")
                _to_disk(ledger)
            watch = _watch.get()
            if watch is not None:
                watch(rows.stop, shape[0])
    if not missing:
        part.replace(path)
        log.unlink(missing_ok=True)


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    import io

    text = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(text, described)
    return text.getvalue()


def _begins_with(part: Path, header: bytes) -> bool:
    """Whether a filling of this very shape was begun."""
    try:
        with part.open("rb") as file:
            return file.read(len(header)) == header
    except OSError:
        return False


def _blocks_in(log: Path) -> set[int]:
    """Whole lines only: the last may have been cut."""
    try:
        lines = log.read_text().splitlines(keepends=True)
    except (OSError, UnicodeDecodeError):
        return set()
    return {int(line) for line in lines if line.endswith("\n") and line.strip().isdecimal()}


def _to_disk(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())

"""Who runs a cell: several processes, on one machine or on many that share the folder, never run the same one at once.

A claim is a lock that the system holds on a file and lets go of when its process ends, however it ends. A crash leaves
the file behind, which claims nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.errors import StoreError
from bench.storage.cell import Cell

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: cells are not shared there, and a second run does them again
    fcntl = None  # type: ignore[assignment]

_FOLDER = ".claims"


@contextmanager
def claimed(cells: Path, cell: Cell) -> Iterator[bool]:
    """Whether the cell is this process's to run, until the block ends; never waits.

    Args:
        cells: folder that the cell will be stored in.

    Raises:
        StoreError: the folder cannot be written.
    """
    path = cells / _FOLDER / cell.id
    handle = _locked(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            _let_go(path, handle)


def clear_claims(cells: Path) -> None:
    """Remove the files of claims that nobody holds, of processes that were killed."""
    for path in (cells / _FOLDER).glob("*"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDWR)
            if _lock(handle) and _is(path, handle):
                _let_go(path, handle)
            else:
                os.close(handle)


def claimed_ids(cells: Path) -> set[str]:
    """Ids of the cells that some process runs now."""
    running = set()
    for path in (cells / _FOLDER).glob("*"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDWR)
            try:
                if not _lock(handle):
                    running.add(path.name)
            finally:
                os.close(handle)
    return running


def _locked(path: Path) -> int | None:
    """A handle that holds the lock; None where another process has it."""
    while True:
        try:
            with suppress(FileExistsError):  # `exist_ok` looks once more, and the folder may have gone meanwhile
                path.parent.mkdir(parents=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # the folder went with another's last claim
            continue
        except OSError as error:
            raise StoreError(
                f"{path.parent} cannot be written ({error.strerror}): free some space or use another --out."
            ) from None
        if not _lock(handle):
            os.close(handle)
            return None
        if _is(path, handle):
            return handle
        os.close(handle)  # its last holder has just removed this file: lock the one of that name now


def _let_go(path: Path, handle: int) -> None:
    with suppress(OSError):
        path.unlink()
    os.close(handle)
    with suppress(OSError):  # goes with its last claim
        path.parent.rmdir()


def _lock(handle: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: as on Windows
        return True
    return True


def _is(path: Path, handle: int) -> bool:
    try:
        there, held = path.stat(), os.fstat(handle)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)

"""Zip archives (.npz among them) that someone else has written: nothing is unpickled, and sizes are checked first."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

# What reading one that someone else has written can end in: `zipfile` and NumPy have no error for all of it.
DAMAGED = (
    OSError, KeyError,  # the file or a member is not there
    zipfile.BadZipFile, zlib.error, EOFError,  # cut, or not the bytes that were written
    RuntimeError,  # encrypted, or (NotImplementedError) of another version of zip
    ValueError, OverflowError, MemoryError,  # names, places and sizes that cannot be
)  # fmt: skip
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
Header = tuple[tuple[int, ...], bool, np.dtype[Any]]  # shape, whether in Fortran order, type


class HeaderError(ValueError):
    """An array that is not read, for a reason that can be told: `it holds Python objects, ...`."""


def check_kinds(archive: zipfile.ZipFile) -> None:
    """Refuse members that NumPy does not write: a kilobyte of bzip2 unfolds to a gigabyte, all of it at once.

    Raises:
        zipfile.BadZipFile: one is neither stored nor deflated.
    """
    if any(entry.compress_type not in _KINDS for entry in archive.infolist()):
        raise zipfile.BadZipFile("a member is neither stored nor deflated")


def read_header(file: IO[bytes]) -> Header:
    """The header of an .npy file, which is left at its first value.

    Raises:
        HeaderError: no header, or one of an array that cannot be or must not be read.
    """
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
        raise
    except Exception:  # it is Python source, over which NumPy can trip in any way
        raise HeaderError("it has no header of an array") from None
    if dtype.hasobject:
        raise HeaderError("it holds Python objects, which are never unpickled")
    if min(shape, default=0) < 0 or dtype.itemsize == 0 or dtype.subdtype is not None:
        raise HeaderError("it has no header of an array")
    return tuple(map(int, shape)), fortran, dtype


def read_npz(path: Path, names: Collection[str] = ()) -> dict[str, NDArray[Any]]:
    """Arrays of an .npz archive by name.

    Args:
        names: those to read, where they are there; none: all.

    Raises:
        One of DAMAGED: it is not there, or not whole; no array is larger than what the archive says of its file.
    """
    found = {}
    with zipfile.ZipFile(path) as archive:
        check_kinds(archive)
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if not names or name in names:
                with archive.open(entry) as file:
                    found[name] = _values(file, entry.file_size)
    return found


def npz_names(path: Path) -> set[str]:
    """Names of the arrays in an .npz archive, of which nothing else is read.

    Raises:
        One of DAMAGED: it is not there, or no archive.
    """
    with zipfile.ZipFile(path) as archive:
        return {name.removesuffix(".npy") for name in archive.namelist()}


def _values(file: IO[bytes], size: int) -> NDArray[Any]:
    shape, fortran, dtype = read_header(file)
    if file.tell() + math.prod(shape) * dtype.itemsize != size:
        raise HeaderError("it has another size than it says")
    array = np.frombuffer(bytearray(file.read()), dtype)  # of a bytearray, so that it can be written to
    return array.reshape(shape, order="F" if fortran else "C")

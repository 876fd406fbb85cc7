"""Published datasets' archives of Python pickles, read without trusting them.

Nothing that a pickle asks for is called, not even NumPy; no archive is unpacked to disk, nor a member beyond a size.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import tarfile
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError

_MOST_BYTES = 1 << 30  # of a member; the largest of the two CIFAR archives has 155 million
_NUMBERED = ("PUT", "BINPUT", "LONG_BINPUT")
_KINDS = "biufSU"  # of NumPy's types: numbers and text


class _Type:
    """A type of numbers or text, in the place of NumPy's, whose own state a pickle could set to anything."""

    def __init__(self, text: str | bytes, *_: Any) -> None:
        self.dtype = np.dtype(text.decode() if isinstance(text, bytes) else str(text))
        if self.dtype.kind not in _KINDS or not self.dtype.itemsize:
            raise pickle.UnpicklingError(f"it has an array of {self.dtype}, which plain data does not need")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]  # of its bytes
        self.dtype = self.dtype.newbyteorder(cast(Any, order.decode() if isinstance(order, bytes) else order))


class _Array:
    """An array that is made when its values are there, not before, of the size they have."""

    value: NDArray[Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, kind, fortran, values = state[-4:]
        found = np.frombuffer(values, kind.dtype).reshape(shape, order="F" if fortran else "C")
        self.value = found.copy(order="K")  # which can be written to


def _empty(kind: object, shape: object, code: object) -> _Array:
    return _Array()


def _scalar(kind: _Type, values: bytes) -> Any:
    return np.frombuffer(values, kind.dtype)[0]


def _frombuffer(values: Any, kind: _Type, shape: tuple[int, ...], order: str) -> NDArray[Any]:
    return np.frombuffer(values, kind.dtype).reshape(shape, order=cast(Literal["C", "F"], order))


def _latin1(text: str, encoding: str) -> bytes:
    """How protocol 2 writes bytes. Python's own function takes any codec, hex among them, which doubles what it is
    given each time: a kilobyte of calls of calls would fill any memory.
    """
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for the encoding {encoding!r}, which plain data does not need")
    return text.encode("latin1")


# All that a pickle of NumPy arrays, containers, text and numbers asks for, and what it is given.
_GIVEN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): "ndarray", ("numpy", "dtype"): _Type, ("_codecs", "encode"): _latin1,
    **{(f"numpy.{core}.{module}", name): given for core in ("core", "_core") for module, name, given in (
        ("multiarray", "_reconstruct", _empty), ("multiarray", "scalar", _scalar),
        ("numeric", "_frombuffer", _frombuffer),
    )},
}  # fmt: skip


class _Data(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _GIVEN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which plain data does not need")
        return _GIVEN[module, name]


def _check_sizes(content: bytes) -> None:
    """Of what the unpickler makes room for before it looks: pieces of data, which must be there (`genops` raises a
    ValueError), and places in its memory, which are numbered without gaps.
    """
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name in _NUMBERED and cast(int, argument) > count:
            raise pickle.UnpicklingError("it is damaged")


def _plain(value: Any) -> Any:
    """With arrays in the place of their stand-ins, where the data is an array or a dict of some."""
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, dict):
        return {key: item.value if isinstance(item, _Array) else item for key, item in value.items()}
    return value


def unpickle_data(content: bytes, name: str) -> Any:
    """Plain data in a pickle: an array, or a dict of arrays, lists, text and numbers.

    Text that Python 2 wrote is bytes, as are the keys of its dicts.

    Raises:
        DataError: it is cut, or it asks for anything beyond NumPy arrays and plain containers.
    """
    try:
        _check_sizes(content)
        return _plain(_Data(io.BytesIO(content), encoding="bytes").load())
    except Exception as error:  # a hostile or broken pickle can raise anything
        why = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name} is refused: {why}: get the archive again from its source.") from None


def read_members(path: Path, folder: str, members: list[str]) -> dict[str, bytes]:
    """Files of an unpacked folder or of a tar archive, read into memory; nothing is extracted to disk.

    Args:
        path: the folder itself, or a .tar or .tar.gz that holds `folder`.
        members: file names in `folder`.

    Raises:
        DataError: one is missing, no plain file or far too large, or the archive is cut.
    """
    try:
        if path.is_dir():
            return {member: (path / member).read_bytes() for member in members}
        with tarfile.open(path, "r:gz" if _is_gzip(path) else "r:") as archive:
            return {member: _content(archive, f"{folder}/{member}") for member in members}
    except Exception as error:  # a damaged archive makes its decompressor raise anything
        why = " ".join(str(error).split())
        raise DataError(f"{path} cannot be read ({why}): it must hold {', '.join(members)} of {folder}.") from None


def _is_gzip(path: Path) -> bool:
    """Of no other kind is an archive unpacked: a kilobyte of bzip2 or xz holds gigabytes."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.getmember(name)
    if not member.isreg() or member.size > _MOST_BYTES:
        raise ValueError(f"{name} is no plain file" if not member.isreg() else f"{name} unpacks to {member.size} bytes")
    with cast(IO[bytes], archive.extractfile(member)) as file:  # None for what is no plain file only
        return file.read()

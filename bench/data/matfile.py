"""One variable of a MATLAB file (level 5, as save writes it by default), read without trusting the file.

SciPy's loadmat is not used: it takes the type codes inside a file as they come, and one wrong byte in a file that is
not compressed ends the process (SciPy 1.17: a segmentation fault). Only what annotations are made of is read here:
struct arrays, cells, text and real numbers. Format: "MAT-File Format", The MathWorks, version 5.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import DataError

_HEADER = 128  # bytes: text, then version and byte order
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR = 1, 2, 4  # array classes
_NUMERIC = range(6, 16)
_COMPLEX = 0x800
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MOST_DIMS = 32  # of an array; a product of very many would take long
_MAX_UNPACKED = 1 << 28  # bytes of one variable; the annotations of Stanford Cars take 8 MB


def read_mat(path: Path, variable: str, fields: Sequence[str] = ()) -> Any:
    """A variable of a MATLAB file.

    Args:
        fields: of a struct array, those to read; what the array lacks is left out.

    Returns:
        A struct array as {field: list of values}, a cell array as a list of values, text as str, numbers as a 1-D
        array; all in MATLAB's (column-major) order.

    Raises:
        DataError: the file is missing, cut, damaged, of another format, or has no such variable.
    """
    try:
        content = path.read_bytes()
        for name, value in _variables(content, variable, fields):
            if name == variable:
                return value
    except (
        OSError, zlib.error,  # not there, or not the bytes that were written
        ValueError, TypeError, IndexError, OverflowError, RecursionError, MemoryError,  # what MATLAB would not write
    ) as error:  # fmt: skip
        raise DataError(f"{path} cannot be read as a MATLAB file ({error}): get it again from its source.") from None
    raise DataError(f"{path} has no variable '{variable}': it is another file than its name says; get it again.")


def _variables(content: bytes, wanted: str, fields: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Name and value of each variable; the value is decoded for the wanted one only."""
    if content.startswith(b"MATLAB 7.3"):
        raise ValueError("it is of MATLAB 7.3: save it with -v7")
    order = {b"IM": "<", b"MI": ">"}.get(content[126:_HEADER])
    if order is None:
        raise ValueError("it has no MATLAB 5 header")
    reader = _Reader(order, fields)
    for kind, data in reader.elements(memoryview(content)[_HEADER:]):
        if kind == _COMPRESSED:
            kind, data = next(reader.elements(memoryview(_unpack(data))), (0, data))
        if kind == _MATRIX:
            yield reader.array(data, wanted)


class _Reader:
    """Decodes arrays of one byte order."""

    def __init__(self, order: str, fields: Sequence[str]) -> None:
        self._order, self._fields = order, frozenset(fields)
        self._tag = struct.Struct(f"{order}II")

    def elements(self, data: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Type code and content of each data element, none of them longer than what holds it."""
        at = 0
        while at < len(data):
            if at + 8 > len(data):
                raise ValueError("it is cut")
            kind, size = self._tag.unpack_from(data, at)
            begin, short = at + 8, kind >> 16
            if short:  # up to four bytes are kept in the tag itself
                kind, size, begin = kind & 0xFFFF, short, at + 4
            if begin + size > len(data) or (short and size > 4):
                raise ValueError("it is cut or damaged")
            yield kind, data[begin : begin + size]
            at = at + 8 if short else begin + size + (0 if kind == _COMPRESSED else -size % 8)

    def array(self, data: memoryview, wanted: str | None = None) -> tuple[str, Any]:
        """Name and value of one array; no value (None) where another name is wanted."""
        if not data:  # MATLAB's shortest way to write []
            return "", np.empty(0)
        parts = self.elements(data)
        flags = int(self._numbers(*_next(parts))[0])
        dims = self._numbers(*_next(parts)).tolist()
        name = bytes(_next(parts)[1]).decode("ascii")
        if wanted is not None and name != wanted:
            return name, None
        if min(dims, default=0) < 0 or len(dims) > _MOST_DIMS:
            raise ValueError("it is damaged")
        return name, self._value(flags, math.prod(dims), parts)

    def _value(self, flags: int, count: int, parts: Iterator[tuple[int, memoryview]]) -> Any:
        kind = flags & 0xFF
        if kind == _STRUCT:
            return self._struct(count, parts)
        if kind == _CELL:
            return [self._nested(parts) for _ in range(count)]
        if kind == _CHAR:
            value: Any = self._text(*_next(parts))
        elif kind in _NUMERIC and not flags & _COMPLEX:
            value = self._numbers(*_next(parts))
        else:
            raise ValueError(f"it holds an array of class {kind}, which annotations do not need")
        if len(value) != count:
            raise ValueError("it is damaged")
        return value

    def _struct(self, count: int, parts: Iterator[tuple[int, memoryview]]) -> dict[str, list[Any]]:
        width = int(self._numbers(*_next(parts))[0])
        raw = bytes(_next(parts)[1])
        if width < 1:
            raise ValueError("it is damaged")
        names = [raw[at : at + width].split(b"\0")[0].decode("ascii") for at in range(0, len(raw), width)]
        found: dict[str, list[Any]] = {name: [] for name in names if name in self._fields}
        if not names:
            return found
        for _ in range(count):
            for name in names:
                if name in found:
                    found[name].append(self._nested(parts))
                else:
                    _next(parts)
        return found

    def _nested(self, parts: Iterator[tuple[int, memoryview]]) -> Any:
        kind, data = _next(parts)
        if kind != _MATRIX:
            raise ValueError("it is damaged")
        return self.array(data)[1]

    def _numbers(self, kind: int, data: memoryview) -> Any:
        if kind not in _NUMBERS:
            raise ValueError(f"it has numbers of the unknown type {kind}")
        return np.frombuffer(data, dtype=f"{self._order}{_NUMBERS[kind]}")

    def _text(self, kind: int, data: memoryview) -> str:
        if kind not in _TEXTS:
            raise ValueError(f"it has text of the unknown type {kind}")
        suffix = {"<": "-le", ">": "-be"}[self._order] if _TEXTS[kind] in ("utf-16", "utf-32") else ""
        text = bytes(data).decode(_TEXTS[kind] + suffix)
        if "\0" in text:
            raise ValueError("it is damaged")
        return text


def _next(parts: Iterator[tuple[int, memoryview]]) -> tuple[int, memoryview]:
    part = next(parts, None)
    if part is None:
        raise ValueError("it is cut")
    return part


def _unpack(data: memoryview) -> bytes:
    """The content of a compressed element, whole and with the right checksum."""
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(data, _MAX_UNPACKED)
    if not unpacker.eof:
        raise ValueError(f"a variable is cut, or larger than {_MAX_UNPACKED >> 20} MiB")
    return content

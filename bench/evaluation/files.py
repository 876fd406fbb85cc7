"""Codes in files, made by any program: npz archives whose arrays have agreed names, read in blocks of rows.

    query_codes, query_labels         the queries
    database_codes, database_labels   a part of the database; several files are its parts, in the order given
    bits                              K, if the codes are packed (numpy.packbits of +1 -> 1, uint8)
    items, relevant, queries          histograms of a part, as `bench evaluate --histograms` writes them

Codes are (n, K) of -1 and +1 in any type, or packed uint8 (n, ceil(K/8)). Labels are (n,) class indices or (n, C) rows
of 0 and 1. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bench.codes.histograms import MAX_BITS, Histograms
from bench.codes.packing import pack
from bench.codes.stable_order import Part
from bench.errors import DataError, StoreError
from bench.wholefiles import whole_file
from bench.zipfiles import DAMAGED, HeaderError, check_kinds, read_header

_BLOCK_BYTES = 8 * 2**20  # of an array that is in memory at a time


class CodeFile:
    """One npz archive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise DataError(f"there is no file {path}.")
        try:
            with zipfile.ZipFile(path) as archive:
                check_kinds(archive)
                self.names = {name.removesuffix(".npy") for name in archive.namelist()}
        except DAMAGED:
            raise DataError(f"{path} is not a complete npz archive: write it again with numpy.savez.") from None

    def array(self, name: str) -> NDArray[Any]:
        """A whole array."""
        return np.concatenate(list(self.blocks(name, rows=None)))

    def scalar(self, name: str) -> int:
        """A whole number."""
        with self._member(name) as file:
            shape, _, dtype = read_header(file)
            if shape or dtype.kind not in "iu":
                raise HeaderError("it is not a whole number")
            return int(np.frombuffer(file.read(dtype.itemsize), dtype)[0])

    def blocks(self, name: str, rows: int | None) -> Iterator[NDArray[Any]]:
        """An array, so many rows at a time (None: all at once)."""
        with self._member(name) as file:
            shape, dtype = _header(file)
            step = rows or max(shape[0], 1)
            for start in range(0, max(shape[0], 1), step):
                count = min(step, shape[0] - start)
                size = count * math.prod(shape[1:]) * dtype.itemsize
                content = file.read(size)
                if len(content) < size:
                    raise EOFError
                yield np.frombuffer(content, dtype).reshape(count, *shape[1:])

    def row_bytes(self, name: str) -> int:
        """Bytes of one row of an array."""
        with self._member(name) as file:
            shape, dtype = _header(file)
        return math.prod(shape[1:]) * dtype.itemsize

    @contextmanager
    def _member(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{name}.npy") as file:
                yield file
        except DAMAGED as error:
            why = str(error) if isinstance(error, HeaderError) else "it is cut off or damaged"
            raise DataError(f"{name} in {self.path} cannot be read ({why}): write the file again.") from None


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    shape, fortran, dtype = read_header(file)
    if not shape or (fortran and len(shape) > 1):
        raise HeaderError("it must be an array of rows in C order: numpy.ascontiguousarray makes one")
    return shape, dtype


class Retrieval:
    """Queries and a database of one or more parts, from files.

    Attributes:
        query: packed codes (Q, ceil(K/8)).
        query_labels: (Q,) or (Q, C).
        bits: K.
    """

    def __init__(self, files: Sequence[CodeFile]) -> None:
        self.files = [file for file in files if "database_codes" in file.names]
        asking = [file for file in files if "query_codes" in file.names]
        if len(asking) != 1:
            names = ", ".join(str(file.path) for file in asking) or "none"
            raise DataError(f"one file must hold the queries (query_codes and query_labels); here: {names}.")
        if not self.files:
            raise DataError("no file holds a part of the database (database_codes and database_labels).")
        for file, side in [(asking[0], "query"), *((file, "database") for file in self.files)]:
            if f"{side}_labels" not in file.names:
                raise DataError(f"{file.path} has {side}_codes but no {side}_labels.")
        self._given_bits = {file.path: file.scalar("bits") if "bits" in file.names else None for file in files}
        codes = asking[0].array("query_codes")
        self.query_labels = _labels(asking[0].array("query_labels"))
        self.query, self.bits = self._packed(asking[0], codes)

    def __iter__(self) -> Iterator[Part]:
        """The database in blocks of rows, in order."""
        for file in self.files:
            rows = max(1, _BLOCK_BYTES // max(file.row_bytes("database_codes"), file.row_bytes("database_labels"), 1))
            codes, labels = (file.blocks(f"database_{what}", rows) for what in ("codes", "labels"))
            try:
                for some, theirs in zip(codes, labels, strict=True):
                    packed, bits = self._packed(file, some)
                    if bits != self.bits:
                        raise DataError(f"{file.path} has codes of {bits} bits, the queries of {self.bits}.")
                    if len(packed):
                        yield packed, _labels(theirs)
            except ValueError:
                raise DataError(f"{file.path} has not as many labels as codes.") from None

    def _packed(self, file: CodeFile, codes: NDArray[Any]) -> tuple[NDArray[np.uint8], int]:
        bits = self._given_bits[file.path]
        if codes.ndim != 2:
            raise DataError(f"{file.path}: codes must be a matrix (items x bits), not of shape {codes.shape}.")
        if bits is None:
            try:
                return pack(codes), codes.shape[1]
            except DataError as error:
                hint = "" if codes.dtype != np.uint8 else " Packed codes need the number `bits` beside them."
                raise DataError(f"{file.path}: {error}{hint}") from None
        if not 1 <= bits <= MAX_BITS:
            raise DataError(f"{file.path} has `bits` = {bits}: 1 to {MAX_BITS} can be.")
        if codes.dtype != np.uint8:
            raise DataError(f"{file.path} has `bits`, so its codes must be packed uint8, not {codes.dtype}.")
        return codes, bits


def _labels(labels: NDArray[Any]) -> NDArray[Any]:
    return labels.astype(bool) if labels.ndim == 2 else labels


def write_histograms(path: Path, histograms: Histograms, retrieval: Retrieval) -> None:
    """Histograms of a part, for `read_histograms` elsewhere; the file appears whole or not at all."""
    try:
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, items=histograms.items, relevant=histograms.relevant, queries=_digest(retrieval))
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}): choose another place.") from None


def read_histograms(files: Sequence[CodeFile]) -> Histograms:
    """The sum of the parts' histograms.

    Raises:
        DataError: parts that were made with different queries.
    """
    if len({file.array("queries").tobytes() for file in files}) > 1:
        raise DataError("these histograms were made with different queries: they cannot be added.")
    parts = [Histograms(file.array("items"), file.array("relevant")) for file in files]
    return sum(parts[1:], parts[0])


def _digest(retrieval: Retrieval) -> NDArray[np.uint8]:
    """SHA-256 of the queries' codes and labels."""
    content = hashlib.sha256()
    for array in (retrieval.query, retrieval.query_labels):
        content.update(f"{array.shape} {retrieval.bits}".encode() + np.ascontiguousarray(array).tobytes())
    return np.frombuffer(content.digest(), np.uint8)

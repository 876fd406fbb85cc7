"""One folder per cell, plain files, no pickle. A cell's folder appears whole or not at all.

    OUT/cells/<cell>/cell.json     every choice, resolved
    OUT/cells/<cell>/result.json   status, metrics, seconds by phase, provenance, history by epoch, class names
    OUT/cells/<cell>/arrays.npz    centers, packed codes, labels, per-query AP, curves; see bench.measurement

A folder is written under a temporary name beside its place and renamed; what a killed run leaves behind
is such a temporary folder, which nobody reads and the next writer of that cell removes.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import StoreError
from bench.storage.cell import Cell
from bench.zipfiles import DAMAGED, read_npz

SCHEMA = 2
_TEMPORARY = ".writing-"


@dataclass(frozen=True)
class StoredCell:
    """A cell and its result as read from the store."""

    cell: Cell
    result: dict[str, Any]
    path: Path

    @property
    def ok(self) -> bool:
        """Whether it holds metrics rather than a failure."""
        return bool(self.result["status"] == "ok")

    def arrays(self, *names: str) -> dict[str, NDArray[Any]]:
        """By name; see `bench.measurement`. With names, only those that are there: the others are not read.

        Raises:
            StoreError: the file has gone or is damaged.
        """
        path = self.path / "arrays.npz"
        try:
            return read_npz(path, names)
        except DAMAGED:
            raise StoreError(f"{path} is missing or damaged: remove its folder and run the cell again.") from None


class Store:
    """The results in one output folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.cells = out / "cells"

    def prepare(self) -> None:
        """Create the folder and see that it can be written, before hours are spent.

        Raises:
            StoreError: it cannot.
        """
        try:
            self.cells.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.cells):
                pass
        except OSError as error:
            raise StoreError(
                f"the output folder {self.out} cannot be written ({error.strerror}): choose another with --out."
            ) from None

    def read(self, cell: Cell) -> StoredCell | None:
        """The stored cell, or None where there is none that is whole."""
        return _read(self.cells / cell.folder)

    def stamp(self, cell: Cell) -> int | None:
        """What changes when the cell is stored anew; None where it is not stored."""
        try:
            return (self.cells / cell.folder / "result.json").stat().st_mtime_ns
        except OSError:
            return None

    def read_newer(self, cell: Cell, seen: int | None) -> StoredCell | None:
        """The stored cell, unless it is what bore the stamp `seen`."""
        return None if self.stamp(cell) == seen else self.read(cell)

    def read_all(self, but: Container[str] = ()) -> list[StoredCell]:
        """Every whole cell, in the order of folder names; without those whose folders are named in `but`."""
        folders = [self.cells / name for name in self.folders() if name not in but]
        return [stored for stored in map(_read, folders) if stored is not None]

    def folders(self) -> list[str]:
        """Names of all cells' folders, sorted."""
        try:
            with os.scandir(self.cells) as entries:
                return sorted(e.name for e in entries if not e.name.startswith(".") and e.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def checkpoint_folder(self, cell: Cell) -> Path:
        """Where the state of its training is kept until it is stored."""
        return self.cells / f".training-{cell.id}"

    def write(self, cell: Cell, result: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> StoredCell:
        """Store a result in the place of whatever was there.

        Raises:
            StoreError: the disk is full or the folder cannot be written; what was stored before is untouched.
        """
        final = self.cells / cell.folder
        temporary = self.cells / f"{_TEMPORARY}{cell.folder}"
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            write_json(temporary / "cell.json", cell.model_dump(mode="json"))
            np.savez_compressed(temporary / "arrays.npz", allow_pickle=False, **arrays)
            write_json(temporary / "result.json", {"schema": SCHEMA, **result})
            for file in temporary.iterdir():
                _flush(file)
            if final.exists():
                shutil.rmtree(final)
            temporary.rename(final)
        except OSError as error:
            raise StoreError(
                f"{final} cannot be written ({error.strerror}): free some space or use another --out."
            ) from None
        return StoredCell(cell, {"schema": SCHEMA, **result}, final)


def write_json(path: Path, content: Any) -> None:
    """Write JSON that reads well and is the same bytes for the same content."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def _read(folder: Path) -> StoredCell | None:
    """None for a folder that is not whole: a missing, cut or foreign file means that the cell is run again."""
    try:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        cell = Cell.model_validate_json((folder / "cell.json").read_text(encoding="utf-8"))
        known = result["schema"] == SCHEMA and result["status"] in ("ok", "failed")
        whole = known and isinstance(result["metrics"], dict) and zipfile.is_zipfile(folder / "arrays.npz")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return StoredCell(cell, result, folder) if whole else None


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())

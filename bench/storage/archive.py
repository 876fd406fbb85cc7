"""Stored cells in one file to share, and back: nothing of a foreign file is believed before it has been checked.

    manifest.json                  versions, counts, size and SHA-256 of every other file
    cells/<cell>/cell.json, result.json, arrays.npz

A zip whose files are stored as they are: the same results are the same bytes on every machine (a compressor's are not),
and it cannot unfold to more than it holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import bench
from bench.errors import StoreError
from bench.storage.cell import IDENTITY_VERSION
from bench.storage.checked import can_be_shared, check_arrays, checked_cell, checked_result
from bench.storage.store import SCHEMA, StoredCell
from bench.zipfiles import DAMAGED

FORMAT = 1
FILES = ("arrays.npz", "cell.json", "result.json")
_MANIFEST = "manifest.json"
_DATE = (1980, 1, 1, 0, 0, 0)  # the first a zip can tell: when a file was written is no part of a result
_MOST_TEXT = 64 * 2**20  # bytes of a JSON file
_BLOCK = 2**20


def write_archive(cells: Sequence[StoredCell], path: Path) -> dict[str, Any]:
    """Write cells into a zip, in one step; returns its manifest.

    Raises:
        StoreError: the file cannot be written, a cell cannot be read, or something else has the file's name.
    """
    if path.exists() and not zipfile.is_zipfile(path):
        raise StoreError(f"{path} is there and no archive of results: choose another name.")
    digests: dict[str, dict[str, Any]] = {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
        try:
            with os.fdopen(handle, "w+b") as file:
                with zipfile.ZipFile(file, "w") as archive:
                    for stored in sorted(cells, key=lambda stored: stored.cell.folder):
                        for name in FILES:
                            content = _shared(name, (stored.path / name).read_bytes())
                            digests[f"cells/{stored.cell.folder}/{name}"] = _add(archive, stored, name, content)
                    manifest = _manifest(cells, digests)
                    archive.writestr(_entry(_MANIFEST), _written(manifest))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)  # mkstemp's are for their owner alone
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}): free some space or choose another.") from None
    return manifest


def _add(archive: zipfile.ZipFile, stored: StoredCell, name: str, content: bytes) -> dict[str, Any]:
    archive.writestr(_entry(f"cells/{stored.cell.folder}/{name}"), content)
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    return entry


def _written(content: Any) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def _manifest(cells: Sequence[StoredCell], files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    finished = sum(stored.ok for stored in cells)
    return {
        "format": FORMAT, "bench": bench.__version__, "identity": IDENTITY_VERSION, "schema": SCHEMA,
        "counts": {"cells": len(cells), "finished": finished, "failed": len(cells) - finished},
        "methods": {stored.cell.method: stored.cell.method_version for stored in cells}, "files": files,
    }  # fmt: skip


_HOME = re.compile(r"(?:/home/|/Users/|[A-Za-z]:\\Users\\)[^/\\\s\"':]+|/root(?=/)")
_SOURCE = re.compile(r'(?<=File ")(?:/|[A-Za-z]:\\)[^"]*(?=")')
_LIBRARY = re.compile(r".*[/\\](?:site-packages|dist-packages|python3\.\d+)[/\\]")


def _shared(name: str, content: bytes) -> bytes:
    """A file as it is shared: tracebacks and the command do not tell where files are on this machine."""
    if name != "result.json":
        return content
    result = json.loads(content)
    hidden = json.loads(content)
    hidden["traceback"] = without_places(result.get("traceback"))
    if isinstance(where := hidden.get("provenance"), dict) and "command" in where:
        where["command"] = without_places(where["command"])
    return content if hidden == result else _written(hidden)


def without_places(text: str | None) -> str | None:
    """`File "/home/me/x/bench/experiment.py"` -> `File "bench/experiment.py"`, and any home folder -> `~`.

    What comes out stays as it is when it is shared again.
    """
    while text is not None:
        before = text
        text = _SOURCE.sub(lambda found: _short(found[0]), text)
        text = _HOME.sub("~", text.replace(str(Path.home()), "~") if Path.home() != Path("/") else text)
        if text == before:
            break
    return text


def _short(path: str) -> str:
    """Of a library the path inside of it, else the last two parts."""
    inside = _LIBRARY.sub("", path)
    return inside if inside != path else "/".join(re.split(r"[/\\]", path)[-2:])


class Archive:
    """An archive of cells, opened: its names, sizes, versions and counts are what they must be.

    Attributes:
        manifest: see the module.
        folders: names of the cells' folders.
    """

    def __init__(self, path: Path) -> None:
        """Open and look at the list of files alone.

        Raises:
            StoreError: it is no archive of results, is damaged, holds what it should not, or is of another version.
        """
        self.path = path
        if not path.is_file():
            raise StoreError(f"there is no file {path}.")
        with self._open() as archive:
            entries = archive.infolist()
            self._check_entries(entries)
            self.manifest = self._read_manifest(archive)
        self._check_versions()
        listed = self.manifest["files"]
        names = [entry.filename for entry in entries if entry.filename != _MANIFEST]
        if sorted(names) != sorted(listed):
            odd = sorted(set(names) ^ set(listed))
            self._refuse(f"its list of files and what is in it disagree ({odd[0]!r})")
        self.folders = sorted({name.split("/")[1] for name in names})
        if len(names) != len(FILES) * len(self.folders) or len(self.folders) != self.manifest["counts"]["cells"]:
            self._refuse("a cell in it has not all of its three files")

    def extract(self, folder: Path) -> Iterator[StoredCell]:
        """Write each cell into a folder of its own below `folder`, checked; below it nothing else is written.

        Raises:
            StoreError: a file is not what the manifest says, or a cell not what its files say of each other.
        """
        with self._open() as archive:
            for name in self.folders:
                place = folder / name
                place.mkdir()
                for file in FILES:
                    self._write(archive, f"cells/{name}/{file}", place / file)
                yield self._checked(place)

    def _checked(self, place: Path) -> StoredCell:
        try:
            cell = checked_cell((place / "cell.json").read_bytes(), place.name)
            result = checked_result((place / "result.json").read_bytes(), cell.num_classes)
            check_arrays(place / "arrays.npz", cell, result)
        except ValueError as error:
            self._refuse(f"its cell {place.name} {error}")
        return StoredCell(cell, result, place)

    def _write(self, archive: zipfile.ZipFile, name: str, place: Path) -> None:
        digest = hashlib.sha256()
        with place.open("xb") as target:
            for block in self._blocks(archive, name):
                digest.update(block)
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
        if digest.hexdigest() != self.manifest["files"][name]["sha256"]:
            self._refuse(f"{name} in it is not what its list of files says")

    def _blocks(self, archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
        with self._reading(), archive.open(name) as source:
            while block := source.read(_BLOCK):
                yield block

    def _check_entries(self, entries: list[zipfile.ZipInfo]) -> None:
        """All that is to be known of a file before it is read."""
        for name, count in Counter(entry.filename for entry in entries).items():
            parts = name.split("/")
            known = name == _MANIFEST or (len(parts) == 3 and parts[0] == "cells" and parts[2] in FILES)
            if not known or count > 1 or (len(parts) == 3 and not can_be_shared(parts[1])):
                self._refuse(f"it holds {name[:200]!r}, which is no file of a cell")
        for entry in entries:
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG) or entry.flag_bits & 1 or entry.compress_type != zipfile.ZIP_STORED:
                self._refuse(f"{entry.filename!r} in it is a link, encrypted or compressed")
            if entry.filename.endswith(".json") and entry.file_size > _MOST_TEXT:
                self._refuse(f"{entry.filename!r} in it is larger than any such file")
        if sum(entry.file_size for entry in entries) > self.path.stat().st_size:
            self._refuse("its files claim to be larger than it is")

    def _read_manifest(self, archive: zipfile.ZipFile) -> dict[str, Any]:
        try:
            with self._reading():
                content = archive.read(_MANIFEST)
            manifest = json.loads(content)
            files, count = manifest["files"], manifest["counts"]["cells"]
            good = all(isinstance(file["sha256"], str) for file in files.values()) and isinstance(count, int)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            good = False
        if not good:
            self._refuse("it has no list of files that can be read")
        return dict(manifest)

    def _check_versions(self) -> None:
        for name, here in (("format", FORMAT), ("identity", IDENTITY_VERSION), ("schema", SCHEMA)):
            if (there := self.manifest.get(name)) != here:
                raise StoreError(
                    f"{self.path} is of {name} version {there}, here it is {here}: results of the two are not "
                    f"comparable; use bench {self.manifest.get('bench')}, which wrote it, or have it run again."
                )

    @contextmanager
    def _open(self) -> Iterator[zipfile.ZipFile]:
        with self._reading():
            archive = zipfile.ZipFile(self.path)
        with archive:
            yield archive

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Inside, nothing is written, so that every error is the archive's."""
        try:
            yield
        except DAMAGED:
            raise StoreError(
                f"{self.path} is no archive of results, or is cut off or damaged: get it again; nothing of it was used."
            ) from None

    def _refuse(self, why: str) -> NoReturn:
        raise StoreError(f"{self.path} is refused: {why}; nothing of it was used.")

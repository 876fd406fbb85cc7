"""A foreign cell's files, checked: that each is what it should be, and that they agree with each other.

Every function raises a ValueError that continues the sentence "its cell X ...".
"""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.evaluation.curves import curve_ranks
from bench.storage.cell import Cell
from bench.storage.store import SCHEMA
from bench.zipfiles import DAMAGED, HeaderError, check_kinds, read_header, read_npz

_MOST_ARRAYS = 2**30  # bytes of a cell's arrays: ten million codes of 512 bits take 0.6 GiB
_MOST_NAME = 240  # bytes; most file systems take 255
_SMALL = 1e-9  # of a mean of the same float64 numbers in another order


class _Classes(BaseModel):
    """Names of the classes, and where there is a tree the names from its top down to each."""

    names: list[str]
    paths: list[list[str]] | None


class _Result(BaseModel):
    """What reports read of a result."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, strict=True)

    version: int = Field(alias="schema")
    status: Literal["ok", "failed"]
    reason: str | None
    metrics: dict[str, float | str | None]
    audit: dict[str, Any]
    history: list[dict[str, Any]]
    notes: list[str]
    classes: _Classes | None = None
    seconds: dict[str, float]
    provenance: dict[str, Any]


def can_be_shared(name: str) -> bool:
    """Whether a name can be that of a folder below another, on every system, and be printed."""
    return (
        0 < len(name.encode("utf-8", "replace")) <= _MOST_NAME
        and name.isprintable()
        and not name.startswith((".", " "))
        and not set(name) & set('/\\:*?"<>|')
    )


def checked_cell(content: bytes, folder: str) -> Cell:
    """The cell in a cell.json, whose content is what the name of its folder says."""
    try:
        cell = Cell.model_validate_json(content)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "its text"
        raise ValueError(f"has a cell.json that this version cannot read ({where})") from None
    if not cell.title.isprintable() or not can_be_shared(cell.folder):
        raise ValueError("has a name that cannot be printed or be that of a folder")
    if cell.folder != folder:
        raise ValueError(f"has settings of the id {cell.id}, which is not that of its name")
    return cell


def checked_result(content: bytes, classes: int) -> dict[str, Any]:
    """The result in a result.json of a cell of so many classes."""
    try:
        result: dict[str, Any] = json.loads(content, parse_constant=_no_number)
        found = _Result.model_validate(result)
    except ValidationError as error:
        raise ValueError(f"has a result.json without a proper {'.'.join(map(str, error.errors()[0]['loc']))}") from None
    except (ValueError, RecursionError):
        raise ValueError("has a result.json that is no proper JSON") from None
    if found.version != SCHEMA:
        raise ValueError(f"has a result of schema {found.version}, here it is {SCHEMA}")
    if "total" not in found.seconds:
        raise ValueError("has a result.json without the time it took")
    if found.status == "ok" and not all(isinstance(found.metrics.get(name), float) for name in ("map", "map_stderr")):
        raise ValueError("has a result.json without a mAP")
    if found.status == "ok" and not _fits(found.classes, classes):
        raise ValueError(f"has a result.json without the names of its {classes} classes")
    return result


def _fits(found: _Classes | None, classes: int) -> bool:
    return found is not None and {len(found.names), len(found.paths or found.names)} == {classes}


def check_arrays(path: Path, cell: Cell, result: dict[str, Any]) -> None:
    """See that an arrays.npz holds the codes and centers that the cell speaks of, and the AP that the mAP is a mean of.

    Sizes are looked at before anything is unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_kinds(archive)
            shapes = {entry.filename.removesuffix(".npy"): _header(archive, entry) for entry in archive.infolist()}
            size = sum(entry.file_size for entry in archive.infolist())
            if size > _MOST_ARRAYS:
                raise _ArraysError(f"has arrays of {size / 2**30:.1f} GiB, more than any study's")
            if result["status"] == "ok":
                _check_shapes(shapes, cell)
            if archive.testzip() is not None:
                raise zipfile.BadZipFile
        if result["status"] == "ok":
            _check_ap(read_npz(path, ["ap"])["ap"], result["metrics"]["map"])
    except _ArraysError:
        raise
    except HeaderError as error:
        raise ValueError(f"has an array that is refused: {error}") from None
    except DAMAGED:
        raise ValueError("has an arrays.npz that is damaged") from None


class _ArraysError(ValueError):
    pass


def _header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of an array, which must be all that its file holds."""
    with archive.open(entry) as file:
        shape, _, dtype = read_header(file)
        if file.tell() + math.prod(shape) * dtype.itemsize != entry.file_size:
            raise _ArraysError(f"has an array {entry.filename!r} of another size than it says")
    return shape, dtype


def _check_shapes(found: dict[str, tuple[tuple[int, ...], np.dtype[Any]]], cell: Cell) -> None:
    row, classes, centers = -(-cell.bits // 8), cell.num_classes, (cell.num_classes, cell.bits)
    query, database = cell.counts.get("query", 0), cell.counts.get("database", 0)
    label = (-(-classes // 8),) if cell.multi_label else ()
    label_type = np.uint8 if cell.multi_label else np.min_scalar_type(classes - 1)
    radii, ranks = (cell.bits + 1,), curve_ranks(database).shape
    expected: dict[str, tuple[tuple[int, ...], Any]] = {
        "query_codes": ((query, row), np.uint8), "database_codes": ((database, row), np.uint8),
        "query_labels": ((query, *label), label_type), "database_labels": ((database, *label), label_type),
        "centers_used": (centers, np.int8), "centers_final": (centers, np.int8), "centers_initial": (centers, np.int8),
        "ap": ((query,), np.float64), "ranks": (ranks, np.int64),
        **dict.fromkeys(("radius_precision", "radius_recall"), (radii, np.float64)),
        **dict.fromkeys(("rank_precision", "rank_recall"), (ranks, np.float64)),
        **dict.fromkeys(("relevant_distances", "other_distances"), (radii, np.int64)),
    }  # fmt: skip
    if "class_similarity" in found:
        expected["class_similarity"] = ((classes * (classes - 1) // 2,), np.float16)
    for name, (shape, dtype) in expected.items():
        if name not in found:
            raise _ArraysError(f"has no array {name}")
        if found[name] != (shape, np.dtype(dtype)):
            raise _ArraysError(f"has {name} of {found[name][0]}, but its settings ask for {shape}")


def _check_ap(ap: np.ndarray[Any, Any], claimed: float) -> None:
    if not ((ap >= 0) & (ap <= 1 + _SMALL)).all():
        raise _ArraysError("has values of AP that cannot be")
    if not len(ap):
        raise _ArraysError("claims a mAP of no query at all")
    if abs(float(ap.mean()) - claimed) > _SMALL:
        raise _ArraysError(f"claims a mAP of {claimed:.4f}, but its queries have {float(ap.mean()):.4f}")


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")

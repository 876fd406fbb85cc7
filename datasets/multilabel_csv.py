"""Any images with several labels each, by a table."""

from __future__ import annotations

import csv
import posixpath
import re
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.draws import random_split
from bench.data.file_dataset import FileDataset
from bench.data.hierarchy import hierarchy_beside
from bench.errors import DataError
from bench.plugins import PluginInfo
from bench.plugins.dataset import Split
from bench.randomness import stream

INFO = PluginInfo(
    name="multilabel-csv",
    summary="a table of images with several labels each: ./labels.csv",
    licence="the images' own",
    splits={
        "auto": "column if the table has a column split, else random",
        "column": "column split: train, query (or test), database (else it is train), or two of them as "
        "train|database; val is left out",
        "random": "a seeded share of all images",
    },
)
_TABLE = "labels.csv"
_TAGS = ("labels", "tags")
_PARTS = {"train": "train", "query": "query", "test": "query", "database": "database", "val": None}
_ORDER = ("train", "query", "database")


class MultilabelCSVConfig(Config):
    """Settings of multilabel-csv."""

    query: float = setting(0.1, "share of images that are queries (random)", gt=0, lt=1)
    database: float = setting(0.5, "share of images that is searched (random)", gt=0, lt=1)
    split_seed: int = setting(0, "of the random split", ge=0)
    flip_safe: bool = setting(True, "whether a mirrored image still shows its classes")


class MultilabelCSV(FileDataset):
    """A .csv, or a folder with labels.csv; images are named from its folder.

    Columns: `file`; `labels` (or `tags`) with names separated by | or ;, or else a column of 0 and 1 for each
    class; optionally `split`. `hierarchy.json` beside the table is read where there is one.
    """

    Config: ClassVar[type[Config]] = MultilabelCSVConfig

    def __init__(self, config: MultilabelCSVConfig, split: str, root: Path | None) -> None:
        assert root is not None
        self._path, self.flip_safe = root, config.flip_safe
        table = root / _TABLE if root.is_dir() else root
        header, rows = _read(table)
        self.split_name = ("column" if "split" in header else "random") if split == "auto" else split
        listed = _parts(header, rows, table) if self.split_name == "column" else None
        used = np.arange(len(rows)) if listed is None else _used(listed)
        classes, labels = _labels(header, rows, used, table)
        if listed is None:
            drawn = _random(config, labels)
        else:
            drawn = Split(*(np.searchsorted(used, getattr(listed, part)) for part in _ORDER))
        self.hierarchy = hierarchy_beside(table.parent, classes)
        files = _files(header, rows)
        self.hold(table.parent, [files[row] for row in used], labels, classes, drawn)

    @property
    def name(self) -> str:
        """The folder's, or the file's without its ending."""
        path = self._path.resolve()
        return path.name if path.is_dir() else path.stem


def _read(table: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows, all as long as it."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file, strict=True) if line]
    except FileNotFoundError:
        raise DataError(f"there is no {table}: put a table of files and labels there.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} is not a readable .csv ({error}): save it as UTF-8 with commas.") from None
    header = [name.strip() for name in lines[0]] if lines else []
    if "file" not in header or len(set(header)) < len(header) or "" in header:
        raise DataError(
            f"{table} needs a first line of distinct column names with file, and labels or a column for each class; it "
            f"has {', '.join(header) or 'none'}."
        )
    for number, line in enumerate(lines[1:], 1):
        if len(line) != len(header):
            raise DataError(f"{table}, row {number}: {len(line)} fields for {len(header)} columns.")
    if len(lines) < 2:
        raise DataError(f"{table} has no rows: add one for each image.")
    first: dict[str, int] = {}
    for number, name in enumerate(_files(header, lines[1:]), 1):
        if first.setdefault(name, number) != number:
            raise DataError(f"{table}, row {number}: {name} is already in row {first[name]}: remove one of the two.")
    return header, lines[1:]


def _files(header: list[str], rows: list[list[str]]) -> list[str]:
    column = header.index("file")
    return [posixpath.normpath(row[column].strip()) for row in rows]


def _labels(
    header: list[str], rows: list[list[str]], used: NDArray[np.int64], table: Path
) -> tuple[list[str], NDArray[np.bool_]]:
    """Class names, and labels (n, C) of the rows in use; a label that only other rows have is no class."""
    tags = [name for name in _TAGS if name in header]
    if len(tags) > 1:
        raise DataError(f"{table} has both a column labels and a column tags: keep one.")
    if tags:
        words = [_words(rows[row][header.index(tags[0])]) for row in used]
        classes = sorted({word for row in words for word in row})
        column_of = {name: c for c, name in enumerate(classes)}
        labels = np.zeros((len(used), len(classes)), dtype=bool)
        for number, row in enumerate(words):
            labels[number, [column_of[word] for word in row]] = True
        return classes, labels
    columns = [c for c, name in enumerate(header) if name not in ("file", "split")]
    for number, row in enumerate(rows, 1):
        wrong = [c for c in columns if row[c].strip() not in ("0", "1")]
        if wrong:
            raise DataError(
                f"{table}, row {number}: {header[wrong[0]]} is {row[wrong[0]]!r}, neither 0 nor 1: without a column "
                "labels every other column is a class."
            )
    labels = np.array([[rows[row][c].strip() == "1" for c in columns] for row in used], dtype=bool)
    return [header[c] for c in columns], labels.reshape(len(used), len(columns))


def _words(text: str) -> list[str]:
    return [word.strip() for word in re.split(r"[|;]", text) if word.strip()]


def _parts(header: list[str], rows: list[list[str]], table: Path) -> Split:
    """Row numbers of each part of the column split."""
    if "split" not in header:
        raise DataError(f"{table} has no column split: add it, or choose the split random.")
    found: dict[str | None, list[int]] = {"train": [], "query": [], "database": [], None: []}
    for number, row in enumerate(rows):
        words = _words(row[header.index("split")])
        strange = [word for word in words if word not in _PARTS]
        if strange or not words:
            what = f"the split {strange[0]!r}" if strange else "an empty split"
            raise DataError(f"{table}, row {number + 1}: {what} is none of {', '.join(_PARTS)}.")
        for part in {_PARTS[word] for word in words}:
            found[part].append(number)
    rows_of = {part: np.array(numbers, dtype=np.int64) for part, numbers in found.items()}
    searched = rows_of["database"] if len(rows_of["database"]) else rows_of["train"]
    return Split(train=rows_of["train"], query=rows_of["query"], database=searched)


def _used(split: Split) -> NDArray[np.int64]:
    """Rows of any part, ascending; those of val are in none."""
    return np.unique(np.concatenate([getattr(split, part) for part in _ORDER]))


def _random(config: MultilabelCSVConfig, labels: NDArray[np.bool_]) -> Split:
    if config.query + config.database >= 1:
        raise DataError(
            f"{INFO.name}: the shares of query ({config.query}) and database ({config.database}) must leave some to "
            "train on."
        )
    return random_split(labels, stream(config.split_seed, INFO.name, "split"), config.query, config.database)

"""Splits published as list files: `train.txt`, `test.txt`, `database.txt`, a line "path 0 1 0 ..." for each image."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.plugins.dataset import Split

_FILES = {"train": "train.txt", "query": "test.txt", "database": "database.txt"}
_BITS = {"0", "1"}


@dataclass(frozen=True)
class Listed:
    """What three list files say.

    Attributes:
        names: N distinct image names, as in the lists.
        labels: bool (N, C), C as in the lists.
        split: rows of `names`.
    """

    names: list[str]
    labels: NDArray[np.bool_]
    split: Split


def read_lists(folder: Path, columns: Collection[int], dataset: str, *, drop_overlap: bool = False) -> Listed:
    """The table and split of `train.txt`, `test.txt` (the queries) and `database.txt` in `folder`.

    A name that several lists hold is one item of the table. Images are not looked at.

    Args:
        columns: numbers of labels a line may have; all lines have the same.
        dataset: name in errors and owner of the setting drop_overlap.
        drop_overlap: take queries out of train and database instead of refusing them there. In some published
            splits most queries are in the database, which then holds the answer itself.

    Raises:
        DataError: a list that is missing, empty or not of this form; a file named twice in one list, or with
            other labels in another; queries that are also in train or database.
    """
    parts = {part: read_list(folder / file, columns, dataset) for part, file in _FILES.items()}
    widths = {part: labels.shape[1] for part, (_, labels) in parts.items()}
    if len(set(widths.values())) > 1:
        found = ", ".join(f"{count} in {_FILES[part]}" for part, count in widths.items())
        raise DataError(f"{dataset}: the lists in {folder} differ in their numbers of labels ({found}).")
    names = list(dict.fromkeys(name for listed, _ in parts.values() for name in listed))
    row_of = {name: row for row, name in enumerate(names)}
    rows = {part: np.array([row_of[name] for name in listed], dtype=np.int64) for part, (listed, _) in parts.items()}
    labels = np.zeros((len(names), widths["train"]), dtype=bool)
    for part, (_, part_labels) in parts.items():
        labels[rows[part]] = part_labels
    for part, (listed, part_labels) in parts.items():  # what a later list wrote must be what each says
        other = np.flatnonzero((labels[rows[part]] != part_labels).any(axis=1))
        if len(other):
            raise DataError(
                f"{dataset}: {len(other)} images of {_FILES[part]} have other labels in another list in {folder} "
                f"({listed[other[0]]}): get the lists again."
            )
    return Listed(names, labels, _split(rows, folder, dataset, drop_overlap))


def list_root(root: Path, names: Sequence[str], lists: str) -> Path:
    """`root`, or the folder of these names below it whose folder `lists` holds the list files: what their names are
    relative to. `root` where none does.
    """
    places = (root, *(root / name for name in names))
    return next((place for place in places if (place / lists / _FILES["train"]).is_file()), root)


def read_list(path: Path, columns: Collection[int], dataset: str) -> tuple[list[str], NDArray[np.bool_]]:
    """Names and labels, bool (n, C), of one list file. Names are made plain: `./a.jpg` is `a.jpg`.

    Raises:
        DataError: no such file, a line of another form, or a file named twice; the line's number is said.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DataError(f"{dataset}: there is no {path.name} in {path.parent}: put the published list there.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a readable text file ({error}): get the list again.") from None
    first: dict[str, int] = {}
    bits, count = [], 0
    for number, line in enumerate(lines, 1):
        if not (fields := line.split()):
            continue
        count = count or len(fields) - 1
        _check_line(fields, columns, count, f"{path}, line {number}")
        name = posixpath.normpath(fields[0])
        if name in first:
            raise DataError(f"{path}, line {number}: {name} is already in line {first[name]}: remove one of the two.")
        first[name] = number
        bits.append("".join(fields[1:]))
    if not bits:
        raise DataError(f"{path} is empty: get the list again.")
    labels = np.frombuffer("".join(bits).encode("ascii"), dtype=np.uint8) == ord("1")
    return list(first), labels.reshape(len(bits), count)


def _check_line(fields: Sequence[str], columns: Collection[int], count: int, where: str) -> None:
    labels = fields[1:]
    if len(labels) not in columns or len(labels) != count:
        wanted = count if count in columns else " or ".join(map(str, sorted(columns)))
        raise DataError(f"{where}: {len(labels)} labels after the path where {wanted} belong.")
    if not _BITS.issuperset(labels):
        wrong = next(label for label in labels if label not in _BITS)
        raise DataError(f"{where}: the label {wrong!r} is neither 0 nor 1.")


def _split(rows: dict[str, NDArray[np.int64]], folder: Path, dataset: str, drop_overlap: bool) -> Split:
    query = rows["query"]
    for part in ("train", "database"):
        shared = int(np.isin(query, rows[part]).sum())
        if shared and not drop_overlap:
            raise DataError(
                f"{dataset}: {shared} of {len(query)} queries of {folder / _FILES['query']} are also in "
                f"{_FILES[part]}: set {dataset}.drop_overlap=true to take them out of it."
            )
    kept = {part: rows[part][~np.isin(rows[part], query)] for part in ("train", "database")}
    return Split(train=kept["train"], query=query, database=kept["database"])

"""The text files of CUB-200-2011, which NABirds has too: an image's or class's id in each line, then its value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError

_NUMBER = re.compile("-?[0-9]{1,9}")
LISTS = ("images.txt", "image_class_labels.txt", "train_test_split.txt")


@dataclass(frozen=True)
class Annotations:
    """Images in the order of images.txt.

    Attributes:
        names: file names below images/.
        class_ids: (N,) int64, ids in classes.txt.
        training: (N,) bool, the official split.
    """

    names: list[str]
    class_ids: NDArray[np.int64]
    training: NDArray[np.bool_]

    def class_indices(self, ids: list[int], where: Path) -> NDArray[np.int64]:
        """(N,) places of the images' classes in `ids`, which is sorted.

        Raises:
            DataError: an image of a class that is not among them; `where` is the file that lists them.
        """
        known = np.isin(self.class_ids, ids)
        if not known.all():
            row = int(np.flatnonzero(~known)[0])
            raise DataError(
                f"{where} has no class {self.class_ids[row]}, the label of {self.names[row]} (and {(~known).sum() - 1} "
                "more images have no class): the label is out of range; get both lists from one archive."
            )
        return np.searchsorted(np.asarray(ids, dtype=np.int64), self.class_ids).astype(np.int64)


def read_annotations(folder: Path) -> Annotations:
    """images.txt, image_class_labels.txt and train_test_split.txt of a folder.

    Raises:
        DataError: a list that is missing, malformed or of other images, or a file that is listed twice.
    """
    names, labels, training = (read_list(folder / name) for name in LISTS)
    for name, table in zip(LISTS[1:], (labels, training), strict=True):
        if table.keys() != names.keys():
            odd = sorted(table.keys() ^ names.keys())
            raise DataError(
                f"{folder / name} does not list the images of images.txt ({len(odd)} are in one only, such as {odd[0]}"
                "): get both from one archive."
            )
    if not names:
        raise DataError(f"{folder / LISTS[0]} is empty: get it again from its archive.")
    if len(set(names.values())) != len(names):
        raise DataError(f"{folder / LISTS[0]} lists a file twice: get it again from its archive.")
    flags = whole_numbers({i: training[i] for i in names}, folder / LISTS[2])
    if not set(flags.values()) <= {0, 1}:
        raise DataError(f"{folder / LISTS[2]} has other values than 0 (test) and 1 (train): get it again.")
    classes = whole_numbers({i: labels[i] for i in names}, folder / LISTS[1])
    return Annotations(
        list(names.values()), np.array(list(classes.values()), dtype=np.int64),
        np.array(list(flags.values()), dtype=bool),
    )  # fmt: skip


def read_list(path: Path) -> dict[str, str]:
    """Id -> the rest of its line, in the file's order; empty lines are skipped.

    Raises:
        DataError: no such file, no text, a line without a value, or an id twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if "\0" in text:
            raise ValueError("it is no text")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}): unpack the whole archive there.") from None
    table: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        key, _, value = line.strip().partition(" ")
        if not key:
            continue
        if not value.strip() or key in table:
            problem = "repeats an id" if value.strip() else "has no value after its id"
            raise DataError(f"{path}, line {number} ('{line[:60]}') {problem}: get the file again from its archive.")
        table[key] = value.strip()
    return table


def read_classes(path: Path) -> dict[int, str]:
    """Class id -> name, of classes.txt.

    Raises:
        DataError: as `read_list`, or an id that is not a number.
    """
    table = read_list(path)
    ids = whole_numbers({name: name for name in table}, path)
    return {ids[key]: name for key, name in table.items()}


def whole_numbers(table: dict[str, str], path: Path) -> dict[str, int]:
    """The values as whole numbers; `path` is the file they are from.

    Raises:
        DataError: one is not.
    """
    bad = [f"{key} {value}" for key, value in table.items() if not _NUMBER.fullmatch(value)]
    if bad:
        raise DataError(f"{path} has no whole number in '{bad[0][:60]}': get the file again from its archive.")
    return {key: int(value) for key, value in table.items()}

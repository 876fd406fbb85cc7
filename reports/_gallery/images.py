"""The images of a stored cell's items, of its dataset opened again and seen to be the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.data.images import decode, open_image
from bench.data.missing import allowing_missing, tells_of_left_out
from bench.data.splits import part_split
from bench.data.streamed import Images
from bench.data.summary import item_files
from bench.errors import BenchError, DataError, UnknownNameError
from bench.grid.job import open_dataset
from bench.plugins import registry
from bench.plugins.dataset import Dataset
from bench.storage.store import StoredCell
from bench.user_config import config_place, data_place

from .thumbnails import SIDE

_ENDINGS = (".npz", ".csv")  # of datasets that are one file


class Source(Protocol):
    """Where single images are read."""

    def read(self, row: int) -> NDArray[np.uint8] | None:
        """(S, S, 3) of a row of the dataset's table; None where it is missing or cannot be read."""
        ...


class Pictures:
    """The images of a cell's queries and database.

    Attributes:
        query, database: rows of the dataset's table.
        note: what a reader must know of them, or None.
    """

    def __init__(self, dataset: Dataset, stored: StoredCell, note: str | None) -> None:
        split = part_split(dataset.split, dataset.labels, stored.cell.part)
        self.query, self.database, self.note = split.query, split.database, note
        self._source = _source(dataset, stored.cell.train)

    def read(self, row: int) -> NDArray[np.uint8] | None:
        """As `Source`."""
        return self._source.read(row)


def open_pictures(stored: StoredCell, labels: tuple[NDArray[Any], NDArray[Any]], data_root: Path | None) -> Pictures:
    """The images of a cell's dataset.

    Where files have gone since, the others are still shown, if the classes of all items are those of the cell; that
    their contents are, too, cannot be seen then, and a note says so.

    Args:
        labels: of the cell's queries and database: (N,) class indices or (N, C).
        data_root: as --data-root; None: the user's own place.

    Raises:
        BenchError: one sentence on why there are no images, and what to do.
    """
    cell, known_datasets = stored.cell, registry("dataset").names()
    if cell.dataset not in known_datasets:  # asked first: a path to a .py file would be run
        raise UnknownNameError("dataset", cell.dataset, known_datasets)
    cls = registry("dataset").load(cell.dataset)
    root = data_of(stored, data_root) if cls.needs_root else None
    try:
        dataset = open_dataset(
            cell.dataset, cell.dataset_config, cell.split, root, tells_of_left_out(stored.result["notes"])
        )  # fmt: skip
        known, note = dataset.fingerprint(), None
    except DataError:
        gaps = _with_gaps(stored, labels, root)
        if gaps is None:
            raise
        dataset, known = gaps, cell.fingerprint
        note = f"Files of {cell.dataset_label} have gone; that the others are still those of the run could not be seen."
    if known != cell.fingerprint:
        raise DataError(
            f"{cell.dataset_label} has changed since its cells were run (its fingerprint differs): show the files of "
            "that time, or run again."
        )
    if not dataset.has_images:
        raise DataError(f"the items of {cell.dataset_label} are vectors, which nothing can be seen of.")
    return Pictures(dataset, stored, note)


def data_of(stored: StoredCell, data_root: Path | None) -> Path:
    """The folder or file of a dataset that needs one.

    A dataset that was given by its path, and has the name of that folder or file, is looked for under that name in the
    folder with the data, which may also be the dataset itself.

    Raises:
        DataError: it is not there, nobody has said where data is, or the name leads elsewhere.
    """
    cell, place = stored.cell, data_place(data_root)
    if place is None:
        raise DataError(
            f"say where the files of {cell.dataset_label} are with --data-root DIR, $BENCH_DATA or data_root in "
            f"{config_place().path}."
        )
    root, name = place.path, cell.dataset_label
    places = [root]
    if name != cell.dataset:
        if Path(name).name != name or name in ("", ".."):
            raise DataError(f"a folder with data cannot be called {name}.")
        own = [root] if name in (root.resolve().name, root.resolve().stem) else []
        places = [*own, root / name, *(root / f"{name}{ending}" for ending in _ENDINGS)]
    for found in places:
        if found.exists():
            return found
    raise DataError(f"there is no {places[0]}: say where the files of {name} are with --data-root DIR.")


def _with_gaps(stored: StoredCell, labels: tuple[NDArray[Any], NDArray[Any]], root: Path | None) -> Dataset | None:
    """The dataset although some of its files are not there; None where it is not the cell's even so."""
    cell = stored.cell
    cls = registry("dataset").load(cell.dataset)
    try:
        with allowing_missing(True):
            dataset: Dataset = cls(cls.Config.build(cell.dataset, dict(cell.dataset_config)), cell.split, root)
        split = part_split(dataset.split, dataset.labels, cell.part)
    except BenchError:
        return None
    classes: Mapping[str, Any] = stored.result.get("classes") or {}
    same = list(dataset.class_names) == classes.get("names") and all(
        np.array_equal(dataset.labels[rows], known)
        for rows, known in zip((split.query, split.database), labels, strict=True)
    )
    return dataset if same else None


def _source(dataset: Dataset, train: Mapping[str, Any]) -> Source:
    files = item_files(dataset)
    if files is not None:
        return _Files(files)
    # of this size a dataset that keeps its images decoded has them from the run
    size = train.get("store_size") or train.get("image_size") or dataset.native_size or SIDE
    return _Array(dataset.images(size))


class _Files:
    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def read(self, row: int) -> NDArray[np.uint8] | None:
        file = self._files[row]
        try:
            with open_image(file) as opened:
                side = min(SIDE, *opened.size)
        except Exception:  # as in `bench.data.images.decode`: a damaged file can make Pillow raise anything
            return None
        images, broken = decode([file], side)
        return None if broken else images[0]


class _Array:
    def __init__(self, images: Images) -> None:
        self._images = images

    def read(self, row: int) -> NDArray[np.uint8] | None:
        try:
            return np.asarray(self._images[row])
        except DataError:
            return None

"""A small seeded part of a dataset, written as ordinary files that image-folder and multilabel-csv read."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.data.hierarchy import HIERARCHY_FILE
from bench.data.images import decode_images
from bench.data.summary import PARTS, item_files
from bench.errors import ConfigError, DataError, StoreError
from bench.plugins.dataset import Dataset
from bench.randomness import stream

_SIZE = 64  # side of images that come in all sizes
_SAFE = re.compile(r"[^\w .,()&+'-]")  # what a class's name may not bring into a file name or a table


@dataclass(frozen=True)
class Subset:
    """Class numbers, and rows of each part (database is empty where it is the training set)."""

    classes: NDArray[np.int64]
    rows: dict[str, NDArray[np.int64]]


def choose_subset(dataset: Dataset, classes: int, images: int, seed: int) -> Subset:
    """`classes` classes with `images` images each: a quarter are queries, the rest train and database in halves.

    Where every database item trains, all the rest trains. An image of several classes counts for the one it was
    drawn for.

    Raises:
        ConfigError: fewer than 2 classes, or too few images for one in each part.
        DataError: too few classes have so many images.
    """
    split = dataset.split
    database = np.setdiff1d(split.database, split.train)
    wanted = _shares(images, len(database) > 0)
    if classes < 2 or min(n for part, n in wanted.items() if part != "database" or len(database)) < 1:
        raise ConfigError(f"a subset of {classes} classes with {images} images is too small: take 2 and 4 or more.")
    pools = {"train": split.train, "query": split.query, "database": database}
    enough = np.ones(dataset.num_classes, dtype=bool)
    for part, n in wanted.items():
        enough &= _members(dataset, pools[part]).sum(axis=0) >= n
    usable = np.flatnonzero(enough)
    if len(usable) < classes:
        needs = ", ".join(f"{n} {part}" for part, n in wanted.items() if n)
        raise DataError(
            f"{dataset.name}: {len(usable)} of its {dataset.num_classes} classes have enough images ({needs}); "
            "ask for fewer --classes or --images."
        )
    rng = stream(seed, "subset")
    chosen = np.sort(rng.permutation(usable)[:classes])
    rows = {part: _draw(dataset, pools[part], chosen, n, rng) for part, n in wanted.items()}
    return Subset(chosen.astype(np.int64), rows)


def write_subset(dataset: Dataset, subset: Subset, folder: Path, size: int | None = None) -> int:
    """Write PNG files (and the class tree as hierarchy.json) into a new folder, which appears whole or not at all.

    Classes become folders train/CLASS/, query/CLASS/, database/CLASS/; with several labels the images are in
    images/ and labels.csv has the columns file, labels (separated by |) and split.

    Args:
        size: side of the images in pixels where they come in all sizes; None for 64.

    Returns:
        How many images were written.

    Raises:
        StoreError: the folder is there and not empty, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"{folder} is there already and not empty: choose another --out.")
    names = _safe_names([dataset.class_names[c] for c in subset.classes])
    rows = np.concatenate([subset.rows[part] for part in PARTS])
    parts = np.repeat(PARTS, [len(subset.rows[part]) for part in PARTS]).tolist()
    pixels = _pixels(dataset, rows, size)
    temporary = folder.absolute().with_name(f".{folder.absolute().name}.part")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        write = _write_table if dataset.multi_label else _write_folders
        write(temporary, pixels, rows, parts, _members(dataset, rows)[:, subset.classes], names)
        if dataset.hierarchy is not None:
            tree = {n: list(dataset.hierarchy.paths[c][:-1]) for n, c in zip(names, subset.classes, strict=True)}
            (temporary / HIERARCHY_FILE).write_text(json.dumps(tree, indent=1), encoding="utf-8")
        temporary.replace(folder)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written ({error.strerror}): choose another place with --out.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return len(rows)


def _shares(images: int, has_database: bool) -> dict[str, int]:
    """Images of a class for each part."""
    query = max(1, images // 4)
    database = (images - query) // 2 if has_database else 0
    return {"train": images - query - database, "query": query, "database": database}


def _members(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n, C): whether an item is of a class."""
    labels = dataset.labels[rows]
    return labels if dataset.multi_label else labels[:, None] == np.arange(dataset.num_classes)


def _draw(
    dataset: Dataset, pool: NDArray[np.int64], classes: NDArray[np.int64], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """`count` rows of each class, none twice: fewer where an image of several classes was drawn already."""
    free = np.ones(len(pool), dtype=bool)
    for c in classes:
        mine = dataset.labels[pool, c] if dataset.multi_label else dataset.labels[pool] == c
        free[rng.permutation(np.flatnonzero(mine & free))[:count]] = False
    return pool[~free]


def _pixels(dataset: Dataset, rows: NDArray[np.int64], size: int | None) -> NDArray[np.uint8]:
    """(n, S, S, 3): of image files only those needed are decoded."""
    files = item_files(dataset)
    side = dataset.native_size or size or _SIZE
    if files is None:
        return dataset.images(side)[rows]
    return decode_images([files[row] for row in rows], side, dataset.name)


def _safe_names(names: list[str]) -> list[str]:
    """Names that can be a folder's, and differ."""
    safe: list[str] = []
    for name in names:
        base = _SAFE.sub("_", name).strip(" .") or "class"
        taken = {other.lower() for other in safe}  # some file systems do not tell a from A
        numbered = (f"{base} {i}" for i in range(2, len(names) + 2))
        safe.append(base if base.lower() not in taken else next(n for n in numbered if n.lower() not in taken))
    return safe


def _write_folders(
    folder: Path, pixels: NDArray[np.uint8], rows: NDArray[np.int64], parts: list[str], members: NDArray[np.bool_],
    names: list[str],
) -> None:  # fmt: skip
    for image, row, part, mine in zip(pixels, rows, parts, members, strict=True):
        place = folder / part / names[int(np.flatnonzero(mine)[0])]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{row:07d}.png")


def _write_table(
    folder: Path, pixels: NDArray[np.uint8], rows: NDArray[np.int64], parts: list[str], members: NDArray[np.bool_],
    names: list[str],
) -> None:  # fmt: skip
    (folder / "images").mkdir()
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "labels", "split"])
        for image, row, part, mine in zip(pixels, rows, parts, members, strict=True):
            name = f"images/{row:07d}.png"
            Image.fromarray(image).save(folder / name)
            table.writerow([name, "|".join(names[c] for c in np.flatnonzero(mine)), part])

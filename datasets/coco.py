"""MS COCO, images with the classes of the objects in them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.draws import drawn_split
from bench.data.file_dataset import FileDataset, find_folder
from bench.data.lists import list_root, read_lists
from bench.datasets._coco_annotations import CLASS_NAMES, CLASS_PATHS, read_instances
from bench.errors import DataError
from bench.plugins import PluginInfo
from bench.plugins.dataset import Hierarchy
from bench.randomness import stream

INFO = PluginInfo(
    name="coco",
    summary="MS COCO: 122,218 photographs with objects of 80 classes, multi-label",
    citation="Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014",
    licence="annotations CC BY 4.0; photographs under their Flickr licences",
    homepage="https://cocodataset.org",
    splits={
        "hashnet": "5,000 seeded queries, the other 117,218 database, 10,000 of these train, as HashNet (ICCV 2017)",
        "lists": "published list files train.txt, test.txt and database.txt",
    },
)
_FOLDERS = ("coco", "COCO", "COCO_2014")
_YEARS = ("2014", "2017")
_MANY = 1000  # images from which on the commonest class tells the order of columns


class COCOConfig(Config):
    """Settings of coco."""

    query: int = setting(5000, "queries (hashnet)", source="HashNet, ICCV 2017, section 4.1", gt=0)
    train: int = setting(10000, "training images (hashnet)", source="HashNet, ICCV 2017, section 4.1", gt=0)
    split_seed: int = setting(0, "of the hashnet split", source="project: HashNet's own draw is its list files", ge=0)
    lists: str = setting(".", "folder of the list files, below that of the images' (lists)")
    list_columns: Literal["alphabetical", "category-id"] = setting(
        "alphabetical", "order of the columns in the list files",
        source="HashNet's lists: their column 49 is on 54% of the images, as person is",
    )  # fmt: skip
    drop_overlap: bool = setting(
        False, "take queries out of train and database where a list has them there too; else that is an error (lists)"
    )


class COCO(FileDataset):
    """train2014/, val2014/ and annotations/instances_{train,val}2014.json, or the same of 2017.

    Both years hold the same photographs and give the same split.
    """

    Config: ClassVar[type[Config]] = COCOConfig
    hierarchy = Hierarchy(CLASS_PATHS)

    def __init__(self, config: COCOConfig, split: str, root: Path | None) -> None:
        assert root is not None
        if split == "lists":
            folder = list_root(root, _FOLDERS, config.lists)
            listed = read_lists(folder / config.lists, {len(CLASS_NAMES)}, INFO.name, drop_overlap=config.drop_overlap)
            labels = _in_id_order(listed.labels, config.list_columns)
            self.hold(folder, listed.names, labels, CLASS_NAMES, listed.split)
            return
        folder = find_folder(root, _FOLDERS, "annotations", INFO.name)
        names, labels = _annotated(folder)
        rng = stream(config.split_seed, INFO.name, "split")
        drawn = drawn_split(len(names), rng, config.query, config.train, name=INFO.name)
        self.hold(folder, names, labels, CLASS_NAMES, drawn)


def _annotated(folder: Path) -> tuple[list[str], NDArray[np.bool_]]:
    """Names below `folder` and labels (N, 80) of the images with an annotation, in the order of their ids."""
    ids, names, labels = [], [], []
    for part, file in _instances(folder).items():
        table = read_instances(file)
        table = table[table["labels"].any(axis=1)]
        ids.append(table["id"])
        names += [f"{part}/{name}" for name in table["file"].tolist()]
        labels.append(table["labels"])
    numbers = np.concatenate(ids)
    order = np.argsort(numbers, kind="stable")
    repeated = np.flatnonzero(np.diff(numbers[order]) == 0)
    if len(repeated):
        raise DataError(
            f"{INFO.name}: {len(repeated)} images are in both instances files in {folder / 'annotations'} "
            f"({names[order[repeated[0]]]}): unpack the annotations again."
        )
    return [names[row] for row in order], np.concatenate(labels)[order]


def _instances(folder: Path) -> dict[str, Path]:
    """Image folder -> instances file of both parts of the first year that is there."""
    for year in _YEARS:
        files = {f"{p}{year}": folder / "annotations" / f"instances_{p}{year}.json" for p in ("train", "val")}
        if all(file.is_file() for file in files.values()):
            return files
    raise DataError(
        f"{INFO.name}: {folder / 'annotations'} lacks instances_train2014.json or instances_val2014.json (or both of "
        "2017): unpack annotations_trainval2014.zip there."
    )


def _in_id_order(labels: NDArray[np.bool_], columns: str) -> NDArray[np.bool_]:
    """Labels (N, 80) of list files with the columns in the order of category ids.

    Raises:
        DataError: many images, and the column called person is rarer than the one that the other order calls so.
    """
    orders = {"category-id": np.arange(len(CLASS_NAMES)), "alphabetical": np.argsort(np.argsort(CLASS_NAMES))}
    person = {name: int(order[CLASS_NAMES.index("person")]) for name, order in orders.items()}
    other = next(name for name in orders if name != columns)
    counts = labels.sum(axis=0)
    if len(labels) >= _MANY and counts[person[other]] > counts[person[columns]]:
        raise DataError(
            f"{INFO.name}: the list files look {other}, not {columns}: their column {person[other]} is commoner than "
            f"{person[columns]}, which would be person: set {INFO.name}.list_columns={other}."
        )
    return labels[:, orders[columns]]

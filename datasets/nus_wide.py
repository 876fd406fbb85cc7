"""NUS-WIDE, web photographs with concepts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.draws import drawn_split, per_class_split
from bench.data.file_dataset import FileDataset, find_folder
from bench.data.lists import list_root, read_lists
from bench.errors import DataError
from bench.plugins import PluginInfo
from bench.plugins.dataset import Split
from bench.randomness import stream

INFO = PluginInfo(
    name="nus_wide",
    summary="NUS-WIDE: 269,648 web photographs with 81 concepts (or the 21 commonest), multi-label",
    citation="Chua et al., NUS-WIDE: A Real-World Web Image Database from National University of Singapore, CIVR 2009",
    licence="for research; photographs under their Flickr licences",
    homepage="https://lms.comp.nus.edu.sg/wp-content/uploads/2019/research/nuswide/NUS-WIDE.html",
    splits={
        "lists": "published list files train.txt, test.txt and database.txt with 21 or 81 columns",
        "seeded-21": "the 21 commonest concepts; 100 queries and 500 training images of each, database all but queries",
        "seeded-81": "81 concepts; 5,000 queries, the rest database, 10,000 of it train",
    },
)
_FOLDERS = ("NUS-WIDE", "nus_wide", "nus_wide_m")
_CONCEPTS = 81
_COMMON = 21
_LABELS = "Groundtruth/AllLabels"
_IMAGES = "ImageList/Imagelist.txt"


class NUSWideConfig(Config):
    """Settings of nus_wide."""

    query_per_class: int = setting(100, "queries of each concept (seeded-21)", source="DPSH, IJCAI 2016", gt=0)
    train_per_class: int = setting(500, "training images of each concept (seeded-21)", source="DPSH, IJCAI 2016", gt=0)
    query: int = setting(5000, "queries (seeded-81)", source="HashNet, ICCV 2017, section 4.1", gt=0)
    train: int = setting(10000, "training images (seeded-81)", source="HashNet, ICCV 2017, section 4.1", gt=0)
    split_seed: int = setting(0, "of the seeded splits", ge=0)
    lists: str = setting(".", "folder of the list files, below that of the images' (lists)")
    drop_overlap: bool = setting(
        False, "take queries out of train and database where a list has them there too; else that is an error (lists)"
    )


class NUSWide(FileDataset):
    """List files and what they name; or Flickr/, Groundtruth/AllLabels/ and ImageList/ of the official archives.

    The official archives' images without any of the concepts are left out. List files do not name their columns:
    concepts are numbered then.
    """

    Config: ClassVar[type[Config]] = NUSWideConfig

    def __init__(self, config: NUSWideConfig, split: str, root: Path | None) -> None:
        assert root is not None
        if split == "lists":
            counts = {_COMMON, _CONCEPTS}
            folder = list_root(root, _FOLDERS, config.lists)
            listed = read_lists(folder / config.lists, counts, INFO.name, drop_overlap=config.drop_overlap)
            concepts = [f"concept {c}" for c in range(listed.labels.shape[1])]
            self.hold(folder, listed.names, listed.labels, concepts, listed.split)
            return
        folder = find_folder(root, _FOLDERS, _LABELS, INFO.name)
        concepts, labels = _concepts(folder)
        names = _names(folder / _IMAGES, len(labels))
        if split == "seeded-21":
            common = np.sort(np.argsort(-labels.sum(axis=0), kind="stable")[:_COMMON])
            concepts, labels = [concepts[c] for c in common], labels[:, common]
        rows = np.flatnonzero(labels.any(axis=1))
        names, labels = [names[row] for row in rows], labels[rows]
        images = folder / "Flickr" if (folder / "Flickr").is_dir() else folder
        self.hold(images, names, labels, concepts, _draw(split, config, labels))


def _draw(split: str, config: NUSWideConfig, labels: NDArray[np.bool_]) -> Split:
    rng = stream(config.split_seed, INFO.name, "split")
    if split == "seeded-21":
        return per_class_split(labels, rng, config.query_per_class, config.train_per_class, name=INFO.name)
    return drawn_split(len(labels), rng, config.query, config.train, name=INFO.name)


def _concepts(folder: Path) -> tuple[list[str], NDArray[np.bool_]]:
    """Names in alphabetical order, and labels (N, 81), of Labels_NAME.txt with a 0 or 1 for each image."""
    files = {file.stem.removeprefix("Labels_"): file for file in (folder / _LABELS).glob("Labels_*.txt")}
    if len(files) != _CONCEPTS:
        raise DataError(
            f"{INFO.name}: {folder / _LABELS} has {len(files)} files Labels_*.txt, not {_CONCEPTS}: unpack "
            "Groundtruth.zip there."
        )
    concepts = sorted(files)
    columns = [_column(files[concept]) for concept in concepts]
    for concept, column in zip(concepts, columns, strict=True):
        if len(column) != len(columns[0]):
            raise DataError(
                f"{files[concept]} has {len(column)} labels, {files[concepts[0]].name} has {len(columns[0])}: unpack "
                "Groundtruth.zip again."
            )
    return concepts, np.stack(columns, axis=1)


def _column(file: Path) -> NDArray[np.bool_]:
    content = file.read_bytes()
    strange = re.search(rb"[^01\s]|[01]{2}", content)
    if strange:
        line = content.count(b"\n", 0, strange.start()) + 1
        raise DataError(f"{file}, line {line}: a label is neither 0 nor 1: unpack Groundtruth.zip again.")
    characters = np.frombuffer(content, dtype=np.uint8)
    return characters[characters >= ord("0")] == ord("1")


def _names(file: Path, count: int) -> list[str]:
    """Names of `count` images, as `actor/0001_2124494179.jpg`; the official list writes them with a backslash."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read ({error}): unpack ImageList.zip there.") from None
    names = [line.strip().replace("\\", "/") for line in lines if line.strip()]
    if len(names) != count:
        raise DataError(f"{file} names {len(names)} images for {count} labels: unpack ImageList.zip again.")
    if len(set(names)) < count:
        raise DataError(f"{file} names {count - len(set(names))} images twice: unpack ImageList.zip again.")
    return names

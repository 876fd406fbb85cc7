"""Any tree of class folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.file_dataset import FileDataset
from bench.data.hierarchy import hierarchy_beside
from bench.data.images import EXTENSIONS
from bench.data.splits import stratified_split
from bench.errors import DataError
from bench.plugins import PluginInfo
from bench.plugins.dataset import Split
from bench.randomness import stream

INFO = PluginInfo(
    name="image-folder",
    summary="any tree of class folders with images: ./folder",
    licence="the images' own",
    splits={
        "auto": "folders if there is a folder 'train', else stratified",
        "folders": "train/CLASS, query/CLASS (or test/CLASS) and database/CLASS (else the training images)",
        "stratified": "CLASS folders; a seeded share of each class",
    },
)


class ImageFolderConfig(Config):
    """Settings of image-folder."""

    query: float = setting(0.1, "share of each class that are queries (stratified)", gt=0, lt=1)
    database: float = setting(0.5, "share of each class that is searched (stratified)", gt=0, lt=1)
    split_seed: int = setting(0, "of the stratified split", ge=0)
    flip_safe: bool = setting(True, "whether a mirrored image still shows its class")


class ImageFolder(FileDataset):
    """Images by class folder; `hierarchy.json` beside the folders is read where there is one."""

    Config: ClassVar[type[Config]] = ImageFolderConfig

    def __init__(self, config: ImageFolderConfig, split: str, root: Path | None) -> None:
        assert root is not None
        if not root.is_dir():
            raise DataError(f"{root} is not a folder: give one with a folder of images for each class.")
        self.folder, self.flip_safe = root, config.flip_safe
        self.split_name = ("folders" if (root / "train").is_dir() else "stratified") if split == "auto" else split
        if self.split_name == "folders":
            files, labels, names, parts = _from_parts(root)
        else:
            classes = _classes(root)
            names = tuple(classes)
            files, labels = _flat(classes, list(classes))
            rng = stream(config.split_seed, INFO.name, "split")
            parts = stratified_split(labels, rng, config.query, config.database, name=self.name)
        self.hold(root, [file.relative_to(root).as_posix() for file in files], labels, names, parts)
        self.hierarchy = hierarchy_beside(root, self.class_names)

    @property
    def name(self) -> str:
        """The folder's."""
        return self.folder.resolve().name

    def identity(self) -> dict[str, Any]:
        """With whether images may be mirrored."""
        return {**super().identity(), "flip": self.flip_safe}


def _from_parts(root: Path) -> tuple[list[Path], NDArray[np.int64], tuple[str, ...], Split]:
    """Files, labels, class names and split of train/, query/ (or test/) and database/."""
    query = root / "query" if (root / "query").is_dir() else root / "test"
    folders = {"train": root / "train", "query": query, "database": root / "database"}
    for part in ("train", "query"):
        if not folders[part].is_dir():
            raise DataError(f"{root} has no folder '{part}': add it, or choose the split stratified.")
    parts = {part: _classes(folder) for part, folder in folders.items() if folder.is_dir()}
    names = list(parts["train"])
    for part, classes in parts.items():
        unknown = [name for name in classes if name not in parts["train"]]
        if unknown:
            raise DataError(f"{folders[part]} has {len(unknown)} classes without training images ({unknown[0]}).")
    files: list[Path] = []
    labels, rows = [], {}
    for part, classes in parts.items():
        found, numbers = _flat(classes, names)
        rows[part] = np.arange(len(files), len(files) + len(found))
        files += found
        labels.append(numbers)
    return files, np.concatenate(labels), tuple(names), Split(**{"database": rows["train"], **rows})


def _classes(folder: Path) -> dict[str, list[Path]]:
    """Class name -> its images, both sorted.

    Raises:
        DataError: no class folder, or one without an image.
    """
    below = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not below:
        raise DataError(f"{folder} has no class folders: make one folder for each class, with its images in it.")
    classes = {p.name: sorted(f for f in p.rglob("*") if _is_image(f)) for p in below}
    empty = [name for name, files in classes.items() if not files]
    if empty:
        more = f" (and {len(empty) - 1} more)" if len(empty) > 1 else ""
        raise DataError(f"the class folder {folder / empty[0]}{more} has no images: add some or remove the folder.")
    return classes


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in EXTENSIONS and not file.name.startswith(".") and not file.is_dir()


def _flat(classes: dict[str, list[Path]], names: list[str]) -> tuple[list[Path], NDArray[np.int64]]:
    files = [file for found in classes.values() for file in found]
    counts = [len(found) for found in classes.values()]
    return files, np.repeat([names.index(name) for name in classes], counts).astype(np.int64)

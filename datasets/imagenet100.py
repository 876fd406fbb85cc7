"""100 classes of ImageNet from ILSVRC's class folders."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.file_dataset import FileDataset, find_folder
from bench.data.images import EXTENSIONS
from bench.errors import DataError
from bench.plugins import PluginInfo
from bench.plugins.dataset import Split
from bench.randomness import stream

INFO = PluginInfo(
    name="imagenet100",
    summary="100 classes of ImageNet (ILSVRC 2012), about 128,000 training and 5,000 validation photographs",
    citation="Russakovsky et al., ImageNet Challenge, IJCV 2015; Cao et al., HashNet, ICCV 2017",
    licence="for non-commercial research",
    homepage="https://www.image-net.org",
    splits={
        "hashnet": "validation images as queries, training images as database, 100 of each class train, as HashNet",
        "plain": "all training images as train and database, the validation images as queries",
    },
)
_PLACES = ("imagenet100", "imagenet", "ILSVRC2012", "ILSVRC/Data/CLS-LOC")
_LIST, _CLASSES = "classes.txt", 100


class ImageNet100Config(Config):
    """Settings of imagenet100."""

    train_per_class: int = setting(
        100, "training images of each class (hashnet)", source="HashNet, setup of its experiments", ge=1
    )
    split_seed: int = setting(
        0,
        "of the training images (hashnet)",
        source="project: any draw serves where HashNet's list is not at hand",
        ge=0,
    )


class ImageNet100(FileDataset):
    """train/WNID/ and val/WNID/; the 100 WNIDs are in classes.txt beside them, or are all the folders there are.

    A line of classes.txt is a WNID, and after a blank its name if it has one, which then names the class.
    """

    Config: ClassVar[type[Config]] = ImageNet100Config

    def __init__(self, config: ImageNet100Config, split: str, root: Path | None) -> None:
        assert root is not None
        folder = find_folder(root, _PLACES, "train", INFO.name)
        classes = _classes(folder)
        names: list[str] = []
        labels: list[int] = []
        for part in ("train", "val"):
            for number, wnid in enumerate(classes):
                found = _images(folder, part, wnid)
                names += found
                labels += [number] * len(found)
            if part == "train":
                training = len(names)
        numbers = np.array(labels, dtype=np.int64)
        searched, query = (np.arange(*ends, dtype=np.int64) for ends in ((0, training), (training, len(names))))
        train = searched if split == "plain" else _drawn(numbers[:training], config, list(classes))
        self.hold(folder, names, numbers, list(classes.values()), Split(train, query, searched))


def _classes(folder: Path) -> dict[str, str]:
    """WNID -> name of each class."""
    listed = folder / _LIST
    if not listed.is_file():
        found = sorted(path.name for path in (folder / "train").iterdir() if path.is_dir() and path.name[0] != ".")
        if len(found) != _CLASSES:
            raise DataError(
                f"imagenet100: {folder / 'train'} has {len(found)} class folders, not {_CLASSES}: list the {_CLASSES} "
                f"WNIDs, one a line, in {listed}."
            )
        return {wnid: wnid for wnid in found}
    try:
        lines = [line.split(maxsplit=1) for line in listed.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{listed} cannot be read ({error}): it lists {_CLASSES} WNIDs, one a line.") from None
    classes = {line[0]: line[-1].strip() for line in lines}
    if len(lines) != _CLASSES or len(classes) != _CLASSES or len(set(classes.values())) != _CLASSES:
        raise DataError(
            f"{listed} has {len(lines)} lines with {len(classes)} WNIDs and {len(set(classes.values()))} names; "
            f"it must list {_CLASSES} that differ."
        )
    return classes


def _images(folder: Path, part: str, wnid: str) -> list[str]:
    """Names below `folder` of one class's images, sorted."""
    place = folder / part / wnid
    if not place.is_dir():
        hint = "sort the validation images into a folder for each class" if part == "val" else "unpack the class there"
        raise DataError(f"imagenet100: there is no folder {place}: {hint}, or correct {_LIST}.")
    found = [path.name for path in place.iterdir() if path.suffix.lower() in EXTENSIONS and path.name[0] != "."]
    if not found:
        raise DataError(f"imagenet100: {place} has no images: unpack the class again.")
    return [f"{part}/{wnid}/{name}" for name in sorted(found)]


def _drawn(labels: NDArray[np.int64], config: ImageNet100Config, wnids: list[str]) -> NDArray[np.int64]:
    """Training rows: as many of each class, from a stream of the class's own."""
    rows = []
    for number, wnid in enumerate(wnids):
        members = np.flatnonzero(labels == number)
        if len(members) < config.train_per_class:
            raise DataError(
                f"imagenet100: class {wnid} has {len(members)} training images; {config.train_per_class} are drawn of "
                "each: unpack it again, or lower imagenet100.train_per_class."
            )
        chosen = stream(config.split_seed, INFO.name, "split", wnid).permutation(members)[: config.train_per_class]
        rows.append(np.sort(chosen))
    return np.concatenate(rows).astype(np.int64)

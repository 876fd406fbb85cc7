"""MIRFLICKR-25K, photographs with annotated concepts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.draws import drawn_split
from bench.data.file_dataset import FileDataset, find_folder
from bench.errors import DataError
from bench.plugins import PluginInfo
from bench.randomness import stream

INFO = PluginInfo(
    name="mirflickr25k",
    summary="MIRFLICKR-25K: 25,000 photographs with 24 concepts, multi-label",
    citation="Huiskes and Lew, The MIR Flickr Retrieval Evaluation, MIR 2008",
    licence="photographs under their Creative Commons licences",
    homepage="https://press.liacs.nl/mirflickr/mirdownload.html",
    splits={
        "seeded": "2,000 seeded queries, the other 23,000 database, 5,000 of these train (10,000 in some papers: "
        "mirflickr25k.train)",
    },
)
_FOLDER = "mirflickr"
_CONCEPTS = {False: 24, True: 38}
_RELEVANT = "_r1"


class MIRFlickrConfig(Config):
    """Settings of mirflickr25k."""

    query: int = setting(2000, "queries", source="project: the commonest protocol; no list of it is published", gt=0)
    train: int = setting(5000, "training images", source="project: the commonest; 10,000 is in use too", gt=0)
    split_seed: int = setting(0, "of the split", ge=0)
    relevant: bool = setting(False, "the 14 concepts where they are salient (*_r1.txt) as further classes")
    unlabelled: bool = setting(
        True, "keep images without any concept; as queries they find nothing and count as 0",
        source="project: papers speak of all 25,000",
    )  # fmt: skip


class MIRFlickr25k(FileDataset):
    """mirflickr/im1.jpg to im25000.jpg, and annotations/NAME.txt with a line of image numbers' for each concept."""

    Config: ClassVar[type[Config]] = MIRFlickrConfig

    def __init__(self, config: MIRFlickrConfig, split: str, root: Path | None) -> None:
        assert root is not None
        images = find_folder(root, ["mirflickr25k"], _FOLDER, INFO.name) / _FOLDER
        concepts = _concept_files(_annotations(images), config.relevant)
        numbers = _numbers(images)
        labels = np.stack([_column(file, numbers) for file in concepts.values()], axis=1)
        if not config.unlabelled:
            rows = np.flatnonzero(labels.any(axis=1))
            numbers, labels = numbers[rows], labels[rows]
        rng = stream(config.split_seed, INFO.name, "split")
        drawn = drawn_split(len(numbers), rng, config.query, config.train, name=INFO.name)
        self.hold(images, [f"im{number}.jpg" for number in numbers], labels, list(concepts), drawn)


def _annotations(images: Path) -> Path:
    """The folder of concepts: its archive has no folder of its own, so it may be anywhere near."""
    names = ("annotations", "mirflickr25k_annotations_v080")
    places = [folder / name for folder in (images.parent, images) for name in names]
    for folder in places:
        if folder.is_dir():
            return folder
    raise DataError(f"{INFO.name}: there is no {places[0]}: unpack mirflickr25k_annotations_v080.zip into it.")


def _concept_files(folder: Path, relevant: bool) -> dict[str, Path]:
    """Concept -> file, by name; with the relevant variants or without."""
    files = sorted(file for file in folder.glob("*.txt") if file.stem.lower() != "readme")
    chosen = {file.stem: file for file in files if relevant or not file.stem.endswith(_RELEVANT)}
    if len(chosen) != _CONCEPTS[relevant]:
        raise DataError(
            f"{INFO.name}: {folder} has {len(chosen)} concepts, not {_CONCEPTS[relevant]}: unpack "
            "mirflickr25k_annotations_v080.zip into it."
        )
    return chosen


def _numbers(images: Path) -> NDArray[np.int64]:
    """Numbers of the images that are there, ascending; 1 to N without a gap.

    Raises:
        DataError: none, or a gap.
    """
    matches = (re.fullmatch(r"im([1-9]\d*)\.jpg", file.name) for file in images.iterdir())
    numbers = np.sort(np.array([int(match[1]) for match in matches if match], dtype=np.int64))
    if len(numbers) == 0 or numbers[-1] != len(numbers):
        last = int(numbers[-1]) if len(numbers) else 25000
        raise DataError(
            f"{INFO.name}: {images} has {len(numbers)} of the images im1.jpg to im{last}.jpg: unpack mirflickr25k.zip "
            "again."
        )
    return numbers


def _column(file: Path, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each image has the concept."""
    try:
        found = np.array([int(word) for word in file.read_text(encoding="ascii").split()], dtype=np.int64)
    except (OSError, ValueError, OverflowError) as error:
        raise DataError(f"{file} is not a list of image numbers ({error}): unpack the annotations again.") from None
    strange = found[~np.isin(found, numbers)]
    if len(strange):
        raise DataError(f"{file} names {len(strange)} images that are not there (im{strange[0]}.jpg): add them.")
    if len(np.unique(found)) < len(found):
        raise DataError(f"{file} names an image twice: unpack the annotations again.")
    return np.isin(numbers, found)

"""Omniglot from its two unpacked image archives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.download import torchvision_class
from bench.data.file_dataset import FileDataset, find_folder
from bench.data.fingerprint import fingerprint
from bench.data.streamed import Images
from bench.errors import DataError
from bench.plugins import PluginInfo
from bench.plugins.dataset import Hierarchy, Split
from bench.randomness import stream

INFO = PluginInfo(
    name="omniglot",
    summary="Omniglot: 32,460 drawings of 1,623 characters of 50 alphabets by 20 drawers each",
    citation="Lake, Salakhutdinov, Tenenbaum, Human-level concept learning, Science 2015",
    licence="MIT",
    homepage="https://github.com/brendenlake/omniglot",
    splits={"drawers": "of each alphabet's 20 drawers 8 train, 4 are queries and 8 the database; drawn by seed"},
)
_FOLDERS = {"background": "images_background", "evaluation": "images_evaluation"}
_PLACES = ("omniglot-py", "omniglot", "python")  # torchvision's, the repository's and its folder's
_DRAWER = re.compile(r"(?:.*_)?0*([1-9]\d*)")  # 0709_01.png is by drawer 1


class OmniglotConfig(Config):
    """Settings of omniglot."""

    part: Literal["all", "background", "evaluation"] = setting(
        "all", "characters: the 30 background alphabets, the 20 evaluation ones, or all", source="project: all there is"
    )
    train_drawers: int = setting(8, "drawers of each alphabet that train", source="project: as many as searched", ge=1)
    query_drawers: int = setting(4, "drawers of each alphabet that are queries", source="project: a fifth", ge=1)
    split_seed: int = setting(0, "of the drawers' parts", source="project: there is no published split", ge=0)
    size: int = setting(105, "side of an image in pixels", source="the archive's; smaller trains faster", ge=8, le=105)


class Omniglot(FileDataset):
    """Characters as classes, drawers as what differs within a class.

    A class must have training images (`Dataset.check`), so retrieval of characters that no one trained on cannot be
    a split here.
    """

    Config: ClassVar[type[Config]] = OmniglotConfig
    flip_safe = False

    def __init__(self, config: OmniglotConfig, split: str, root: Path | None) -> None:
        assert root is not None
        self.native_size = config.size
        parts = list(_FOLDERS) if config.part == "all" else [config.part]
        folder = find_folder(root, _PLACES, _FOLDERS[parts[0]], INFO.name)
        characters = [found for part in parts for found in _characters(folder / _FOLDERS[part])]
        classes, names, labels, drawers = [], [], [], []
        for number, character in enumerate(characters):
            classes.append(f"{character.parent.name}/{character.name}")
            for file in _drawings(character):
                names.append(file.relative_to(folder).as_posix())
                labels.append(number)
                drawers.append(_drawer(file))
        alphabets = sorted({character.parent.name for character in characters})
        alphabet = np.array([alphabets.index(character.parent.name) for character in characters], dtype=np.int64)
        numbers = np.array(labels, dtype=np.int64)
        divided = _split(alphabet[numbers], np.array(drawers, dtype=np.int64), alphabets, config)
        self.hierarchy = Hierarchy(tuple((name.partition("/")[0], name) for name in classes))
        self.hold(folder, names, numbers, classes, divided)

    def fingerprint(self) -> str:
        """Of the files, labels, class tree, split and size."""
        return fingerprint({"files": super().fingerprint(), "size": self.native_size})

    def images(self, size: int) -> Images:
        """(N, S, S, 3) uint8 with S the setting `size`; the argument is not used."""
        assert self.native_size is not None
        return super().images(self.native_size)

    def published_checksums(self) -> dict[Path, str]:
        """torchvision's MD5s of the two .zip files, beside the folders they unpack to."""
        digests = torchvision_class("Omniglot").zips_md5
        return {self.folder / f"{name}.zip": f"md5:{digest}" for name, digest in digests.items()}


def _characters(folder: Path) -> list[Path]:
    """ALPHABET/CHARACTER folders, sorted."""
    if not folder.is_dir():
        raise DataError(f"omniglot: there is no folder {folder}: unpack {folder.name}.zip there, or set omniglot.part.")
    found = sorted(path for alphabet in _folders(folder) for path in _folders(alphabet))
    if not found:
        raise DataError(f"omniglot: {folder} has no ALPHABET/CHARACTER folders: unpack {folder.name}.zip again.")
    return found


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _drawings(character: Path) -> list[Path]:
    files = sorted(path for path in character.iterdir() if path.suffix == ".png" and not path.name.startswith("."))
    if not files:
        raise DataError(f"omniglot: {character} has no images: unpack its archive again.")
    return files


def _drawer(file: Path) -> int:
    matched = _DRAWER.fullmatch(file.stem)
    if matched is None:
        raise DataError(f"omniglot: {file} has no drawer's number at its end (as in 0709_01.png): unpack it again.")
    return int(matched[1])


def _split(
    alphabet: NDArray[np.int64], drawer: NDArray[np.int64], alphabets: list[str], config: OmniglotConfig
) -> Split:
    """Drawers of each alphabet to parts: one hand draws all characters of an alphabet, and must not be in two parts.

    Args:
        alphabet, drawer: (N,) of each image. The stream is named by the alphabet, so that leaving alphabets out
            moves no drawer of another.
    """
    part = np.full(len(alphabet), 2, dtype=np.int64)  # 0 train, 1 query, 2 database
    ends = config.train_drawers, config.train_drawers + config.query_drawers
    for number, name in enumerate(alphabets):
        rows = np.flatnonzero(alphabet == number)
        hands = np.unique(drawer[rows])
        if len(hands) <= ends[1]:
            raise DataError(
                f"omniglot: {name} has {len(hands)} drawers; {config.train_drawers} train, {config.query_drawers} "
                "query and at least one database drawer are needed: lower omniglot.train_drawers or unpack it again."
            )
        order = stream(config.split_seed, INFO.name, "split", name).permutation(hands)
        part[rows[np.isin(drawer[rows], order[: ends[0]])]] = 0
        part[rows[np.isin(drawer[rows], order[ends[0] : ends[1]])]] = 1
    train, query, database = (np.flatnonzero(part == number).astype(np.int64) for number in range(3))
    return Split(train, query, database)

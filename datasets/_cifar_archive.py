"""The two CIFAR archives: where they are found, and how their Python pickles are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.data.archives import read_members, unpickle_data
from bench.data.download import torchvision_class
from bench.data.fingerprint import fingerprint
from bench.errors import DataError
from bench.plugins.dataset import Dataset, Split


@dataclass(frozen=True)
class Layout:
    """One of the archives.

    Attributes:
        title: name of the dataset in errors.
        folder: what the archive unpacks to.
        archives: file names it has beside the folder, the official one first.
        train, test, meta: files in the folder.
        published: torchvision's class of it, which has its checksums.
    """

    title: str
    folder: str
    archives: tuple[str, ...]
    train: tuple[str, ...]
    test: tuple[str, ...]
    meta: str
    published: str


@dataclass(frozen=True)
class Content:
    """What an archive holds, the official training images first.

    Attributes:
        images: (N, 32, 32, 3) uint8.
        labels: key -> (N,) int64, for each key asked for.
        names: key -> class names, for each key asked for.
        training: how many of the images are official training images.
        path: where it was found: the folder, or the packed archive.
    """

    images: NDArray[np.uint8]
    labels: dict[str, NDArray[np.int64]]
    names: dict[str, tuple[str, ...]]
    training: int
    path: Path


class CIFARDataset(Dataset):
    """Images that are held in memory at their only size."""

    native_size = 32
    layout: ClassVar[Layout]
    _images: NDArray[np.uint8]
    _path: Path

    def fingerprint(self) -> str:
        """Of pixels, labels and split."""
        facts = {"dataset": self.INFO.name, "version": self.INFO.version}
        return fingerprint(facts, [self._images, self.labels], self.split)

    def images(self, size: int) -> NDArray[np.uint8]:
        """(60000, 32, 32, 3) uint8, the official training images first; `size` is not used."""
        return self._images

    def published_checksums(self) -> dict[Path, str]:
        """torchvision's MD5s: of the archive while it is packed (as .tar.gz), else of the files that are read."""
        made = torchvision_class(self.layout.published)
        if self._path.is_dir():
            listed = [*made.train_list, *made.test_list, (made.meta["filename"], made.meta["md5"])]
            return {self._path / name: f"md5:{digest}" for name, digest in listed}
        return {self._path: f"md5:{made.tgz_md5}"} if self._path.suffix in (".gz", ".tgz") else {}


def read_archive(root: Path, layout: Layout, homepage: str, labels: dict[str, str]) -> Content:
    """An archive as a folder, a .tar.gz, or a folder that holds either.

    Args:
        labels: key of each kind of labels -> key of the names of its classes.

    Raises:
        DataError: no archive, one that is cut or asks for code, a part without its arrays, labels without a name.
    """
    path = _find(root, layout, homepage)
    members = [*layout.train, *layout.test, layout.meta]
    files = {
        name: unpickle_data(data, f"{path}:{name}") for name, data in read_members(path, layout.folder, members).items()
    }
    parts = [_part(files[name], list(labels), f"{path}:{name}", layout.title) for name in members[:-1]]
    names = {key: _names(files[layout.meta], names, f"{path}:{layout.meta}") for key, names in labels.items()}
    found = {key: np.concatenate([part[key] for _, part in parts]) for key in labels}
    for key, numbers in found.items():
        count = len(names[key])
        if not len(numbers) or numbers.min() < 0 or numbers.max() >= count:
            raise DataError(f"{path} has {key} outside its {count} class names: get the archive again.")
    training = sum(len(images) for images, _ in parts[: len(layout.train)])
    return Content(np.concatenate([images for images, _ in parts]), found, names, training, path)


def plain_split(content: Content) -> Split:
    """The official training images as train and database, the official test images as queries."""
    train = np.arange(content.training, dtype=np.int64)
    return Split(train=train, query=np.arange(content.training, len(content.images), dtype=np.int64), database=train)


def _find(root: Path, layout: Layout, homepage: str) -> Path:
    candidates = [root, root / layout.folder, *(root / name for name in layout.archives)]
    for path in candidates:
        if path.is_file() or (path / layout.train[0]).is_file():
            return path
    raise DataError(f"there is no {layout.folder} in {root}: download {layout.archives[0]} from {homepage} into it.")


def _part(
    content: Any, keys: list[str], name: str, title: str
) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.int64]]]:
    """Images (n, 32, 32, 3), and labels (n,) by key, of one file."""
    try:
        pixels = np.asarray(_field(content, "data"))
        labels = {key: np.asarray(_field(content, key), dtype=np.int64) for key in keys}
        if pixels.dtype != np.uint8 or any(pixels.shape != (len(found), 3072) for found in labels.values()):
            counts = " and ".join(f"{len(found)} {key}" for key, found in labels.items())
            raise ValueError(f"data of shape {pixels.shape} and type {pixels.dtype} for {counts}")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{name} is not a part of {title} ({error}): get the archive again.") from None
    return np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels


def _names(meta: Any, key: str, name: str) -> tuple[str, ...]:
    try:
        return tuple(n.decode() if isinstance(n, bytes) else str(n) for n in _field(meta, key))
    except (KeyError, TypeError, UnicodeDecodeError):
        raise DataError(f"{name} has no {key}: get the archive again.") from None


def _field(content: Any, key: str) -> Any:
    """The official archives were written by Python 2 and have bytes for keys; a copy written since has text."""
    if not isinstance(content, dict):
        raise TypeError("it is no dict")
    return content[key] if key in content else content[key.encode()]

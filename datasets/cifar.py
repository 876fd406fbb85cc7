"""CIFAR-100 from its official Python archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.archives import read_members, unpickle_data
from bench.data.fingerprint import fingerprint
from bench.data.splits import counted_split
from bench.errors import DataError
from bench.plugins import PluginInfo
from bench.plugins.dataset import Dataset, Hierarchy, Split
from bench.randomness import stream

INFO = PluginInfo(
    name="cifar100",
    summary="CIFAR-100: 60,000 photographs of 32 px, 100 classes in 20 superclasses",
    citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    licence="none stated by its authors; for research",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    splits={
        "shc": "10,000 train, 5,000 query, 45,000 database, as SHC (arXiv 2507.08404)",
        "plain": "the official 50,000 training images as train and database, the 10,000 test images as queries",
    },
)
_FOLDER = "cifar-100-python"
_PER_CLASS = {"shc": (100, 50, 450)}


class CIFAR100Config(Config):
    """Settings of cifar100."""

    split_seed: int = setting(0, "of the shc split", source="project: SHC's own draw is not published", ge=0)


class CIFAR100(Dataset):
    """The archive as a folder, a .tar.gz, or a folder that holds either."""

    Config: ClassVar[type[Config]] = CIFAR100Config
    native_size = 32

    def __init__(self, config: CIFAR100Config, split: str, root: Path | None) -> None:
        assert root is not None
        path = _find(root)
        files = {name: unpickle_data(data, f"{path}:{name}") for name, data in _members(path).items()}
        train, test = (_part(files[name], f"{path}:{name}") for name in ("train", "test"))
        self._images = np.concatenate([train[0], test[0]])
        self.labels = np.concatenate([train[1], test[1]])
        fine, coarse = (_names(files["meta"], f"{kind}_label_names", path) for kind in ("fine", "coarse"))
        self.class_names = tuple(fine)
        parents = _parents(self.labels, np.concatenate([train[2], test[2]]), len(fine), path)
        self.hierarchy = Hierarchy(tuple((coarse[parents[c]], fine[c]) for c in range(len(fine))))
        self.split = _split(split, config, self.labels, len(train[1]))

    def fingerprint(self) -> str:
        """Of pixels, labels and split."""
        return fingerprint({"dataset": INFO.name, "version": INFO.version}, [self._images, self.labels], self.split)

    def images(self, size: int) -> NDArray[np.uint8]:
        """(60000, 32, 32, 3) uint8, the official training images first; `size` is not used."""
        return self._images


def _find(root: Path) -> Path:
    candidates = [root, root / _FOLDER, root / f"{_FOLDER}.tar.gz", root / "cifar-100-python.tar"]
    for path in candidates:
        if path.is_file() or (path / "train").is_file():
            return path
    raise DataError(f"there is no {_FOLDER} in {root}: download cifar-100-python.tar.gz from {INFO.homepage} into it.")


def _members(path: Path) -> dict[str, bytes]:
    return read_members(path, _FOLDER, ["train", "test", "meta"])


def _part(content: Any, name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Images (n, 32, 32, 3), fine and coarse labels (n,)."""
    try:
        pixels = np.asarray(_field(content, "data"))
        fine, coarse = (np.asarray(_field(content, key), dtype=np.int64) for key in ("fine_labels", "coarse_labels"))
        if pixels.dtype != np.uint8 or pixels.shape != (len(fine), 3072) or len(coarse) != len(fine):
            raise ValueError(f"data of shape {pixels.shape} and type {pixels.dtype} for {len(fine)} labels")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{name} is not a part of CIFAR-100 ({error}): get the archive again.") from None
    images = np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return images, fine, coarse


def _names(meta: Any, key: str, path: Path) -> list[str]:
    try:
        return [name.decode() if isinstance(name, bytes) else str(name) for name in _field(meta, key)]
    except (KeyError, TypeError, UnicodeDecodeError):
        raise DataError(f"{path}:meta has no {key}: get the archive again.") from None


def _field(content: Any, key: str) -> Any:
    """The official archive was written by Python 2 and has bytes for keys; a copy written since has text."""
    return content[key] if key in content else content[key.encode()]


def _parents(fine: NDArray[np.int64], coarse: NDArray[np.int64], classes: int, path: Path) -> NDArray[np.int64]:
    """Superclass of each class."""
    if fine.min() < 0 or fine.max() >= classes or coarse.min() < 0:
        raise DataError(f"{path} has labels outside its {classes} class names: get the archive again.")
    parents = np.zeros(classes, dtype=np.int64)
    parents[fine] = coarse
    return parents


def _split(name: str, config: CIFAR100Config, labels: NDArray[np.int64], training: int) -> Split:
    if name in _PER_CLASS:
        return counted_split(labels, stream(config.split_seed, INFO.name, "split"), _PER_CLASS[name])
    train = np.arange(training, dtype=np.int64)
    return Split(train=train, query=np.arange(training, len(labels), dtype=np.int64), database=train)

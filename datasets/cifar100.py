"""CIFAR-100 from its official Python archive."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.splits import counted_split
from bench.plugins import PluginInfo
from bench.plugins.dataset import Hierarchy
from bench.randomness import stream

from ._cifar_archive import CIFARDataset, Layout, plain_split, read_archive

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
_LAYOUT = Layout(
    title="CIFAR-100",
    folder="cifar-100-python",
    archives=("cifar-100-python.tar.gz", "cifar-100-python.tar"),
    train=("train",),
    test=("test",),
    meta="meta",
    published="CIFAR100",
)
_LABELS = {"fine_labels": "fine_label_names", "coarse_labels": "coarse_label_names"}
_PER_CLASS = {"shc": (100, 50, 450)}


class CIFAR100Config(Config):
    """Settings of cifar100."""

    split_seed: int = setting(0, "of the shc split", source="project: SHC's own draw is not published", ge=0)


class CIFAR100(CIFARDataset):
    """The archive as a folder, a .tar.gz, or a folder that holds either."""

    Config: ClassVar[type[Config]] = CIFAR100Config
    layout = _LAYOUT

    def __init__(self, config: CIFAR100Config, split: str, root: Path | None) -> None:
        assert root is not None
        content = read_archive(root, _LAYOUT, INFO.homepage, _LABELS)
        self._path, self._images, self.labels = content.path, content.images, content.labels["fine_labels"]
        self.class_names, coarse = (content.names[key] for key in _LABELS)
        parents = _parents(self.labels, content.labels["coarse_labels"], self.num_classes)
        self.hierarchy = Hierarchy(
            tuple((coarse[parent], fine) for parent, fine in zip(parents, self.class_names, strict=True))
        )
        if split in _PER_CLASS:
            self.split = counted_split(self.labels, stream(config.split_seed, INFO.name, "split"), _PER_CLASS[split])
        else:
            self.split = plain_split(content)


def _parents(fine: NDArray[np.int64], coarse: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Superclass of each class: the archive has it by image only."""
    parents = np.zeros(classes, dtype=np.int64)
    parents[fine] = coarse
    return parents

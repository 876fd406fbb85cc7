"""CIFAR-10 from its official Python archive."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.splits import counted_split
from bench.plugins import PluginInfo
from bench.plugins.dataset import Split
from bench.randomness import stream

from ._cifar_archive import CIFARDataset, Layout, plain_split, read_archive

INFO = PluginInfo(
    name="cifar10",
    summary="CIFAR-10: 60,000 photographs of 32 px, 10 classes",
    citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    licence="none stated by its authors; for research",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    splits={
        "hashnet-like": "1,000 query, 5,000 train, 59,000 database (all but the queries), drawn by seed from all",
        "plain": "the official 50,000 training images as train and database, the 10,000 test images as queries",
    },
)
_LAYOUT = Layout(
    title="CIFAR-10",
    folder="cifar-10-batches-py",
    archives=("cifar-10-python.tar.gz", "cifar-10-python.tar"),
    train=tuple(f"data_batch_{number}" for number in range(1, 6)),
    test=("test_batch",),
    meta="batches.meta",
    published="CIFAR10",
)
_QUERY, _TRAIN = 100, 500  # of each class: usual since CNNH (Xia et al., AAAI 2014)


class CIFAR10Config(Config):
    """Settings of cifar10."""

    split_seed: int = setting(
        0, "of the hashnet-like split", source="project: each paper draws its own, and publishes none", ge=0
    )


class CIFAR10(CIFARDataset):
    """The archive as a folder, a .tar.gz, or a folder that holds either."""

    Config: ClassVar[type[Config]] = CIFAR10Config
    layout = _LAYOUT

    def __init__(self, config: CIFAR10Config, split: str, root: Path | None) -> None:
        assert root is not None
        content = read_archive(root, _LAYOUT, INFO.homepage, {"labels": "label_names"})
        self._path, self._images, self.labels = content.path, content.images, content.labels["labels"]
        self.class_names = content.names["labels"]
        self.split = plain_split(content) if split == "plain" else _drawn_split(self.labels, config.split_seed)


def _drawn_split(labels: NDArray[np.int64], seed: int) -> Split:
    """Queries and training images by class; whatever is no query is searched."""
    drawn = counted_split(labels, stream(seed, INFO.name, "split"), (_TRAIN, _QUERY, 0))
    return Split(drawn.train, drawn.query, np.setdiff1d(np.arange(len(labels)), drawn.query))

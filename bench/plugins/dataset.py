"""The contract of a dataset: one table of items and three index sets into it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config
from bench.errors import DataError
from bench.plugins.info import PluginInfo

if TYPE_CHECKING:
    from bench.data.streamed import Images


@dataclass(frozen=True)
class Split:
    """Rows of a dataset's table used for training, as queries, and as the database to search.

    Each is an int64 array of distinct row numbers. Queries are in neither of the others; the database may
    hold training items (in some protocols it is the training set).
    """

    train: NDArray[np.int64]
    query: NDArray[np.int64]
    database: NDArray[np.int64]

    def check(self, name: str) -> None:
        """Raise a DataError where a part is empty, repeats a row, or shares queries with another part."""
        for part in ("train", "query", "database"):
            rows = getattr(self, part)
            if len(rows) == 0:
                raise DataError(f"{name}: its {part} split is empty; it needs at least one image.")
            if len(np.unique(rows)) != len(rows):
                raise DataError(f"{name}: its {part} split holds an item twice.")
        for part in ("train", "database"):
            shared = len(np.intersect1d(self.query, getattr(self, part)))
            if shared:
                raise DataError(f"{name}: {shared} queries are also in its {part} split; splits must be disjoint.")


@dataclass(frozen=True)
class Hierarchy:
    """A class tree: for each class, the names from below the root down to the class itself."""

    paths: tuple[tuple[str, ...], ...]


class Dataset(ABC):
    """A dataset with a split, as one file in datasets/.

    Building one reads names, labels and split (cheap); `images` decodes. An image dataset gives `images`, a
    feature dataset gives `features`.

    Attributes:
        class_names: C names; column or index c everywhere.
        labels: int64 (N,), or for multi-label bool (N, C).
        split: row numbers of train, query and database.
        hierarchy: class tree, or None.
        native_size: side of the stored square images in pixels, or None where images come in all sizes.
        flip_safe: whether a mirrored image still shows its class (not so for letters).
        split_name: the split in force where the one asked for leaves the choice to the dataset ("auto").
        notes: sentences that a reader of results must know; stored with every cell.
    """

    INFO: ClassVar[PluginInfo]
    Config: ClassVar[type[Config]] = Config
    needs_root: ClassVar[bool] = True  # False where nothing is read from disk

    class_names: tuple[str, ...]
    labels: NDArray[Any]
    split: Split
    hierarchy: Hierarchy | None = None
    native_size: int | None = None
    flip_safe: bool = True
    split_name: str | None = None
    notes: tuple[str, ...] = ()

    @abstractmethod
    def __init__(self, config: Any, split: str, root: Path | None) -> None:
        """Read names, labels and split.

        Args:
            config: this class's `Config`.
            split: one of `INFO.splits`.
            root: folder (or file) with the data; None for a dataset that needs none.

        Raises:
            DataError: files that are missing, unreadable or contradictory.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """Hex digest of everything that decides pixels, labels and split; the same on every machine."""

    def images(self, size: int) -> Images:
        """All items, in the order of `labels`: (N, S, S, 3) uint8 RGB.

        S is `native_size` where there is one, else `size`: the short side is resized to it and the centre
        square kept. May be a read-only memory map, or decoded where it is read (`StreamedImages`).
        """
        raise DataError(f"{self.name} has no images, only features: use --backbone features.")

    def images_kept(self, size: int) -> bool | None:
        """Whether `images` of this size are decoded in the cache already; None where they are not kept on disk."""
        return None

    def features(self) -> NDArray[np.float32]:
        """All items as vectors (N, D) float32, for a dataset without images."""
        raise DataError(f"{self.name} has images, not features: choose another backbone than 'features'.")

    def published_checksums(self) -> Mapping[Path, str]:
        """Checksums that the dataset's authors (or torchvision) publish: file -> "md5:HEX", or another of hashlib's.

        Of the files that are read, or of the archives they are from: a file that is not there is passed over, as an
        archive need not be kept. `bench data verify` compares them.
        """
        return {}

    def leave_out_missing(self) -> None:  # noqa: B027 - a hook; most datasets have nothing to do
        """Take items whose image is missing or unreadable out of the table and its split, and tell so in `notes`.

        Called before `fingerprint`, where --allow-missing is given; see `FileDataset`. A dataset whose items are no
        files of their own has none to leave out.
        """

    @property
    def name(self) -> str:
        """Name in tables and errors; where a plug-in reads any folder or file, that folder's or file's own."""
        return self.INFO.name

    @property
    def has_images(self) -> bool:
        """Whether `images` can be asked for."""
        return True

    @property
    def multi_label(self) -> bool:
        """Whether an item can have several classes."""
        return self.labels.ndim == 2

    @property
    def num_classes(self) -> int:
        """C."""
        return len(self.class_names)

    def check(self) -> None:
        """Refuse what no method can train on; every dataset is checked so before a run.

        Raises:
            DataError: fewer than two classes, labels without positives, a class without training items, a
                split that is not disjoint.
        """
        name = self.name
        if self.num_classes < 2:
            raise DataError(f"{name} has {self.num_classes} class; hashing by class needs at least 2.")
        self.split.check(name)
        train = self.labels[self.split.train]
        if self.multi_label:
            counts = train.sum(axis=0)
            if not self.labels.any():
                raise DataError(f"{name}: no item has a label; at least one positive is needed.")
        else:
            counts = np.bincount(train, minlength=self.num_classes)
        if (counts == 0).any():
            missing = [self.class_names[c] for c in np.flatnonzero(counts == 0)]
            raise DataError(
                f"{name}: {len(missing)} of {self.num_classes} classes have no training image "
                f"({', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}): add images or remove the class."
            )

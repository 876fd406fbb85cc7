"""What a dataset holds, in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.plugins.dataset import Dataset

PARTS = ("train", "query", "database")


def item_files(dataset: Dataset) -> list[Path] | None:
    """The image file of each item, or None where items are no files of their own (archives, arrays, rendered)."""
    return getattr(dataset, "files", None)


def class_counts(dataset: Dataset) -> dict[str, NDArray[np.int64]]:
    """Images of each class in train, query and database: (C,) each. One of several classes counts for each."""
    return {part: _counts(dataset, getattr(dataset.split, part)) for part in PARTS}


def summary(dataset: Dataset) -> dict[str, Any]:
    """Classes, depth of the class tree, items of each part and how evenly they are spread over its classes."""
    counts = class_counts(dataset)
    return {
        "items": len(dataset.labels),
        "classes": dataset.num_classes,
        "multi_label": dataset.multi_label,
        "tree_depth": None if dataset.hierarchy is None else _depths(dataset),
        "has_images": dataset.has_images,
        "native_size": dataset.native_size,
        "flip_safe": dataset.flip_safe,
        "parts": {part: _part(len(getattr(dataset.split, part)), found) for part, found in counts.items()},
        "train_in_database": len(np.intersect1d(dataset.split.train, dataset.split.database)),
    }


def _counts(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    labels = dataset.labels[rows]
    if dataset.multi_label:
        return labels.sum(axis=0).astype(np.int64)
    return np.bincount(labels, minlength=dataset.num_classes).astype(np.int64)


def _depths(dataset: Dataset) -> list[int]:
    """Least and most levels from below the root down to a class."""
    assert dataset.hierarchy is not None
    lengths = [len(path) for path in dataset.hierarchy.paths]
    return [min(lengths), max(lengths)]


def _part(items: int, counts: NDArray[np.int64]) -> dict[str, Any]:
    """Items, classes that have any, and the least, median and most images of a class."""
    return {
        "items": items, "classes": int((counts > 0).sum()), "least": int(counts.min()),
        "median": float(np.median(counts)), "most": int(counts.max()),
    }  # fmt: skip

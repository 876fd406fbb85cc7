"""Any dataset as one .npz file: images or feature vectors, with labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.data.fingerprint import fingerprint
from bench.data.splits import stratified_split
from bench.data.streamed import Images
from bench.errors import DataError
from bench.plugins import PluginInfo
from bench.plugins.dataset import Dataset, Split
from bench.randomness import stream
from bench.zipfiles import read_npz

INFO = PluginInfo(
    name="arrays",
    summary="one .npz of uint8 images or float features with labels: ./file.npz",
    licence="the data's own",
    splits={
        "auto": "parts if the file has them, else stratified",
        "parts": "arrays train_*, query_* and (else it is train) database_*",
        "stratified": "arrays images or features, and labels; a seeded share of each class",
    },
)
_PARTS = ("train", "query", "database")


class ArraysConfig(Config):
    """Settings of arrays."""

    query: float = setting(0.1, "share of each class that are queries (stratified)", gt=0, lt=1)
    database: float = setting(0.5, "share of each class that is searched (stratified)", gt=0, lt=1)
    split_seed: int = setting(0, "of the stratified split", ge=0)
    flip_safe: bool = setting(True, "whether a mirrored image still shows its class")


class Arrays(Dataset):
    """Keys `<part>_images` uint8 (N, S, S, 3) or (N, S, S), or `<part>_features` float (N, D); `<part>_labels` int
    (N,) or 0/1 (N, C); optionally `class_names` (C,) text. Without parts: `images` or `features`, and `labels`.
    """

    Config: ClassVar[type[Config]] = ArraysConfig

    def __init__(self, config: ArraysConfig, split: str, root: Path | None) -> None:
        assert root is not None
        self._path, self._config = root, config
        content = _load(root)
        has_parts = "train_labels" in content
        self.split_name = ("parts" if has_parts else "stratified") if split == "auto" else split
        parts = [p for p in _PARTS if f"{p}_labels" in content] if self.split_name == "parts" else [""]
        prefixes = [f"{part}_" if part else "" for part in parts]
        self._kind = _kind(content, prefixes[0], root)
        blocks = [_items(content, f"{prefix}{self._kind}", self._kind, root) for prefix in prefixes]
        labels = [_labels(content, f"{prefix}labels", root) for prefix in prefixes]
        for prefix, block, label in zip(prefixes, blocks, labels, strict=True):
            if len(block) != len(label):
                raise DataError(f"{root}: {len(block)} {prefix}{self._kind} but {len(label)} {prefix}labels.")
        if len({x.shape[1:] for x in blocks}) > 1 or len({x.shape[1:] for x in labels}) > 1:
            raise DataError(f"{root}: its parts have items or labels of different shapes.")
        self._items, self.labels = np.concatenate(blocks), np.concatenate(labels)
        self.class_names = _class_names(content, self.labels, root)
        self.flip_safe = config.flip_safe
        self.native_size = self._items.shape[1] if self.has_images else None
        self.split = self._split(parts, [len(label) for label in labels])

    @property
    def name(self) -> str:
        """The file's, without its ending."""
        return self._path.stem

    @property
    def has_images(self) -> bool:
        """Whether the file holds images rather than features."""
        return self._kind == "images"

    def fingerprint(self) -> str:
        """Of items, labels, class names and split."""
        facts = {"dataset": INFO.name, "version": INFO.version, "classes": self.class_names, "flip": self.flip_safe}
        return fingerprint(facts, [self._items, self.labels], self.split)

    def images(self, size: int) -> Images:
        """(N, S, S, 3) uint8 as in the file; `size` is not used."""
        return self._items if self.has_images else super().images(size)

    def features(self) -> NDArray[np.float32]:
        """(N, D) float32."""
        return super().features() if self.has_images else self._items

    def _split(self, parts: list[str], counts: list[int]) -> Split:
        if self.split_name == "stratified":
            if self.labels.ndim == 2:
                raise DataError(f"{self._path}: multi-label items need parts (train_labels, query_labels, ...).")
            rng = stream(self._config.split_seed, INFO.name, "split")
            return stratified_split(self.labels, rng, self._config.query, self._config.database, name=self.name)
        ends = np.cumsum([0, *counts])
        rows = {p: np.arange(a, b) for p, a, b in zip(parts, ends[:-1], ends[1:], strict=True)}
        missing = [part for part in ("train", "query") if part not in rows]
        if missing:
            raise DataError(f"{self._path} has no {missing[0]}_labels: give them, or choose the split stratified.")
        return Split(rows["train"], rows["query"], rows.get("database", rows["train"]))


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        return read_npz(path)
    except Exception as error:  # a damaged archive can make NumPy raise anything
        raise DataError(f"{path} is not a readable .npz of plain arrays ({error}).") from None


def _kind(content: dict[str, NDArray[Any]], prefix: str, path: Path) -> str:
    for kind in ("images", "features"):
        if prefix + kind in content:
            return kind
    raise DataError(
        f"{path} has neither {prefix}images nor {prefix}features; it has {', '.join(content) or 'nothing'}."
    )


def _items(content: dict[str, NDArray[Any]], key: str, kind: str, path: Path) -> NDArray[Any]:
    if key not in content:
        raise DataError(f"{path} has no {key}.")
    array = content[key]
    if kind == "features":
        if array.ndim != 2 or array.dtype.kind != "f" or not np.isfinite(array).all():
            raise DataError(f"{path}: {key} must be finite floats (N, D), not {array.dtype} {array.shape}.")
        return array.astype(np.float32)
    if array.ndim == 3:
        array = np.repeat(array[..., None], 3, axis=3)
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[3] != 3 or array.shape[1] != array.shape[2]:
        raise DataError(
            f"{path}: {key} must be uint8 (N, S, S, 3) or (N, S, S), not {array.dtype} {content[key].shape}."
        )
    return array


def _labels(content: dict[str, NDArray[Any]], key: str, path: Path) -> NDArray[Any]:
    if key not in content:
        raise DataError(f"{path} has no {key}.")
    array = content[key]
    if array.ndim == 2 and np.isin(array, (0, 1)).all():
        return array.astype(bool)
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array.size and array.min() < 0):
        raise DataError(f"{path}: {key} must be class numbers (N,) from 0 on, or 0/1 rows (N, C).")
    return array.astype(np.int64)


def _class_names(content: dict[str, NDArray[Any]], labels: NDArray[Any], path: Path) -> tuple[str, ...]:
    count = labels.shape[1] if labels.ndim == 2 else int(labels.max(initial=-1)) + 1
    if "class_names" not in content:
        if labels.ndim == 1 and count > len(labels):
            raise DataError(
                f"{path} has class numbers up to {count - 1} for {len(labels)} items: number the classes from 0 on, "
                "without gaps."
            )
        return tuple(f"class {c}" for c in range(count))
    names = tuple(str(name) for name in content["class_names"].ravel())
    if len(names) < count:
        raise DataError(f"{path} has {len(names)} class_names for {count} classes.")
    return names

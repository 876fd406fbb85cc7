"""Two digests of every image: of its bytes, and of how it looks. Items with equal or near ones are duplicates."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.codes.threads import cores
from bench.data.images import open_image, plain, reason
from bench.data.summary import item_files
from bench.digests import file_digest
from bench.plugins.dataset import Dataset

_WIDTH, _HEIGHT = 9, 8  # eight differences in each of eight rows: 64 bits
_FLAT = 8  # of 255: between so near grey levels a difference is noise
_BLOCK = 2**22  # pairs compared at a time
_Item = tuple[str, NDArray[np.uint8] | None]  # content's digest; grey pixels, if it is an image
_Read = _Item | str  # or why it cannot be read


@dataclass(frozen=True)
class Signatures:
    """Of N items.

    Attributes:
        content: (N,) int64, equal where the bytes are (of the file, else of the pixels or the vector).
        look: (N,) uint64 difference hash.
        has_look: (N,) whether there is one: not for a flat image, a vector, or what cannot be read.
        unreadable: row -> why.
    """

    content: NDArray[np.int64]
    look: NDArray[np.uint64]
    has_look: NDArray[np.bool_]
    unreadable: dict[int, str]


def signatures(dataset: Dataset, watch: Callable[[int], object] = lambda done: None) -> Signatures:
    """Read every item once, image files in full; `watch` is called with the number read so far."""
    count = len(dataset.labels)
    content = np.empty(count, dtype=np.int64)
    grey = np.zeros((count, _HEIGHT, _WIDTH), dtype=np.uint8)
    numbers: dict[str, int] = {}
    unreadable: dict[int, str] = {}
    for row, item in enumerate(_items(dataset)):
        if isinstance(item, str):
            unreadable[row] = item
            content[row] = -1 - row  # equal to nothing
        else:
            content[row] = numbers.setdefault(item[0], len(numbers))
            grey[row] = 0 if item[1] is None else item[1]
        watch(row + 1)
    flat = grey.max(axis=(1, 2)) - grey.min(axis=(1, 2)) < _FLAT
    return Signatures(content, difference_hash(grey), ~flat, unreadable)


def difference_hash(grey: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(N,) uint64 of images of 9x8 grey pixels (N, 8, 9): a bit for each pixel that is darker than the next in its row.

    Source: the "dHash" of N. Krawetz, Kind of Like That (hackerfactor.com, 2013).
    """
    bits = grey[:, :, 1:] > grey[:, :, :-1]
    return np.packbits(bits.reshape(len(grey), -1), axis=1).view(np.uint64)[:, 0]


def equal_pairs(
    content: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64], limit: int
) -> tuple[int, list[tuple[int, int]]]:
    """How many pairs (a row of `left`, one of `right`) have equal content, and the first `limit` of them."""
    order = right[np.argsort(content[right], kind="stable")]
    first, last = (np.searchsorted(content[order], content[left], side) for side in ("left", "right"))
    shown: list[tuple[int, int]] = []
    for i in np.flatnonzero(last > first):
        shown += [(int(left[i]), int(row)) for row in order[first[i] : last[i]][: limit - len(shown)]]
        if len(shown) >= limit:
            break
    return int((last - first).sum()), shown


def near_pairs(
    found: Signatures, left: NDArray[np.int64], right: NDArray[np.int64], distance: int, limit: int
) -> tuple[int, list[tuple[int, int]]]:
    """The same of pairs whose looks are at Hamming distance `distance` at most, and whose contents differ."""
    left, right = (rows[found.has_look[rows]] for rows in (left, right))
    if len(left) == 0 or len(right) == 0:
        return 0, []
    looks, contents = found.look[right], found.content[right]
    count, shown = 0, list[tuple[int, int]]()
    step = max(1, _BLOCK // len(right))
    for start in range(0, len(left), step):
        block = left[start : start + step]
        i, j = np.nonzero(np.bitwise_count(found.look[block][:, None] ^ looks) <= distance)
        differ = found.content[block][i] != contents[j]
        count += int(differ.sum())
        if len(shown) < limit:
            i, j = i[differ][: limit - len(shown)], j[differ][: limit - len(shown)]
            shown += list(zip(block[i].tolist(), right[j].tolist(), strict=True))
    return count, shown


def _items(dataset: Dataset) -> Iterator[_Read]:
    files = item_files(dataset)
    if files is not None:
        yield from _of_files(files)
    elif dataset.has_images:
        for pixels in dataset.images(dataset.native_size or 64):
            yield _digest(np.ascontiguousarray(pixels)), _grey(Image.fromarray(pixels))
    else:
        for vector in dataset.features():
            yield _digest(np.ascontiguousarray(vector)), None


def _of_files(files: list[Path]) -> Iterator[_Read]:
    """In the order of the files, read by all cores: Pillow lets go of the interpreter while it decodes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as `decode` does
        with ThreadPoolExecutor(max_workers=cores()) as pool:
            yield from pool.map(_of_file, files)


def _of_file(file: Path) -> _Read:
    try:
        content = file_digest(file)
        with open_image(file) as opened:
            opened.draft("L", (_WIDTH * 8, _HEIGHT * 8))  # all of the file is read, few of its pixels are made
            return content, _grey(plain(opened))
    except Exception as error:  # a damaged file can make Pillow raise anything
        return reason(error)


def _grey(image: Image.Image) -> NDArray[np.uint8]:
    """(8, 9)."""
    return np.asarray(image.convert("L").resize((_WIDTH, _HEIGHT), Image.Resampling.BOX))


def _digest(array: NDArray[np.generic]) -> str:
    return hashlib.sha256(array.data).hexdigest()

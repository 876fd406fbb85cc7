"""Images that are missing or cannot be read: an error, unless it is allowed to go on without them (--allow-missing).

They are left out before the dataset's fingerprint is taken, so that its cells are other cells than those of the whole.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from bench.codes.threads import cores
from bench.data.filling import filled_array
from bench.data.fingerprint import files_digest
from bench.data.images import open_image, plain
from bench.plugins.dataset import Split

_SHOWN = 3  # images left out that are named
_BLOCK = 1024  # images read between two entries in the cache
_SIDE = 16  # pixels: a JPEG is read in full but decoded no larger than needed for this
_LEFT_OUT = "missing or unreadable and left out"
_allowed: ContextVar[bool] = ContextVar("allow_missing", default=False)


@contextmanager
def allowing_missing(allowed: bool) -> Iterator[None]:
    """Inside, a dataset whose files are partly missing can be built, if `allowed`."""
    token = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(token)


def missing_allowed() -> bool:
    """Whether a dataset that is built now is to hold on to missing files; they are left out later."""
    return _allowed.get()


def readable_files(folder: Path, files: Sequence[Path]) -> NDArray[np.bool_]:
    """(N,) which files (below `folder`) are there and can be decoded.

    Each is read once: the answer is kept in the cache under the files' digest.

    Raises:
        StoreError: the cache cannot be written.
    """
    found = np.array([file.is_file() and os.access(file, os.R_OK) for file in files], dtype=bool)
    there = [file for file, is_there in zip(files, found, strict=True) if is_there]
    if there:
        key = f"readable-{files_digest(folder, there)[:24]}-pillow-{PIL.__version__}"
        whole = filled_array(key, (len(there),), np.bool_, lambda rows: _decodable(there[rows]), _BLOCK)
        assert whole is not None
        found[found] = whole
    return found


def kept_rows(split: Split, kept: NDArray[np.bool_]) -> Split:
    """The split of the table that has only the rows `kept` (N,) of before, in their order."""
    place = np.cumsum(kept, dtype=np.int64) - 1
    parts = {part: getattr(split, part) for part in ("train", "query", "database")}
    return Split(**{part: place[rows[kept[rows]]] for part, rows in parts.items()})


def left_out_note(dataset: str, names: Sequence[Any], count: int) -> str:
    """`pets: 2 of 24 images are missing or unreadable and left out (cat/1.png, dog/0.png).`"""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    verb = "is" if len(names) == 1 else "are"
    shown = ", ".join(map(str, names[:_SHOWN]))
    return f"{dataset}: {len(names)} of {count} images {verb} {_LEFT_OUT} ({shown}{more})."


def tells_of_left_out(notes: Iterable[str]) -> bool:
    """Whether a dataset with these notes, or a cell on it, was made without some of its images."""
    return any(_LEFT_OUT in note for note in notes)


def _decodable(files: Sequence[Path]) -> NDArray[np.bool_]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with ThreadPoolExecutor(max_workers=cores()) as pool:
            return np.fromiter(pool.map(_is_decodable, files), dtype=bool, count=len(files))


def _is_decodable(file: Path) -> bool:
    try:
        with open_image(file) as opened:
            opened.draft("RGB", (_SIDE, _SIDE))
            plain(opened).convert("RGB")
    except Exception:  # as in `bench.data.images.decode`: a damaged file can make Pillow raise anything
        return False
    return True

"""Digests that name a dataset's content, the same on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.cache import cached_array
from bench.digests import file_digest
from bench.errors import DataError
from bench.plugins.dataset import Split


def fingerprint(facts: Mapping[str, Any], arrays: Sequence[NDArray[Any]] = (), split: Split | None = None) -> str:
    """Hex SHA-256 of settings (anything JSON can hold), arrays (shape, type and values), and a split."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    parts = [*arrays, *([] if split is None else [split.train, split.query, split.database])]
    for array in parts:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def files_digest(root: Path, files: Sequence[Path]) -> str:
    """Hex SHA-256 of the files' names below `root` and of their contents.

    Contents are read once: the digest is kept in the cache under the files' names, sizes and times of change.

    Raises:
        DataError: a file that is gone or may not be read.
    """
    try:
        return _files_digest(root, files)
    except OSError as error:
        raise DataError(f"{error.filename or root} cannot be read ({error.strerror}): repair or replace it.") from None


def _files_digest(root: Path, files: Sequence[Path]) -> str:
    names = [file.relative_to(root).as_posix() for file in files]
    stats = [file.stat() for file in files]
    state = [(n, s.st_size, s.st_mtime_ns) for n, s in zip(names, stats, strict=True)]
    key = hashlib.sha256(json.dumps([str(root.resolve()), state]).encode()).hexdigest()[:32]

    def read() -> NDArray[np.uint8]:
        with ThreadPoolExecutor() as pool:
            contents = list(pool.map(file_digest, files))
        digest = hashlib.sha256(json.dumps(list(zip(names, contents, strict=True))).encode()).digest()
        return np.frombuffer(digest, dtype=np.uint8)

    return bytes(cached_array(f"files-{key}", read)).hex()

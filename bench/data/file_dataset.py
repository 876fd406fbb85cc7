"""Datasets whose images are files below a folder: what they share, whatever their annotations look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.cache import in_cache
from bench.data.fingerprint import files_digest, fingerprint
from bench.data.images import images_key, prepared_images
from bench.data.missing import kept_rows, left_out_note, missing_allowed, readable_files
from bench.data.streamed import Images
from bench.errors import DataError
from bench.plugins.dataset import Dataset, Split

_SHOWN = 3  # files named in an error


class FileDataset(Dataset):
    """A dataset that reads its annotations, then calls `hold`.

    Attributes:
        folder: what the file names are relative to.
        files: image files, in the order of `labels`.
    """

    folder: Path
    files: list[Path]

    def hold(
        self, folder: Path, names: Sequence[str], labels: NDArray[Any], class_names: Sequence[str], split: Split
    ) -> None:
        """Keep files (names below `folder`), labels, classes and split, once they are seen to fit.

        Missing files are kept, too, where that is allowed (`bench.data.missing`), for `leave_out_missing`.

        Raises:
            DataError: an annotation names a file that is not there, or one outside the folder; a number of labels
                that is not that of files; a label outside the classes.
        """
        if len(names) != len(labels):
            raise DataError(f"{self.name}: {len(names)} images but {len(labels)} labels.")
        if labels.ndim == 1 and len(labels) and not 0 <= labels.min() <= labels.max() < len(class_names):
            raise DataError(
                f"{self.name}: labels run from {labels.min()} to {labels.max()}; {len(class_names)} classes have 0 to "
                f"{len(class_names) - 1}."
            )
        self.folder, self.labels, self.class_names, self.split = folder, labels, tuple(class_names), split
        self.files = [folder / name for name in names]
        _check_inside(self.name, folder, self.files)
        if missing_allowed():
            return
        missing = [name for name, file in zip(names, self.files, strict=True) if not _asked(file.is_file)]
        if missing:
            raise DataError(
                f"{self.name}: {len(missing)} of {len(names)} images are not below {folder} "
                f"({', '.join(missing[:_SHOWN])}{', ...' if len(missing) > _SHOWN else ''}): unpack the whole archive "
                "there, or leave them out with --allow-missing."
            )

    def leave_out_missing(self) -> None:
        """See the contract. Every file is read, once; the split is that of the whole table without them."""
        kept = readable_files(self.folder, self.files)
        if kept.all():
            return
        out = [self.files[row].relative_to(self.folder).as_posix() for row in np.flatnonzero(~kept)]
        self.notes = (*self.notes, left_out_note(self.name, out, len(kept)))
        self.files = [self.files[row] for row in np.flatnonzero(kept)]
        self.labels, self.split = self.labels[kept], kept_rows(self.split, kept)

    def fingerprint(self) -> str:
        """Of files' names and contents, labels, class tree and split."""
        return fingerprint(self.identity(), [self.labels], self.split)

    def identity(self) -> dict[str, Any]:
        """What the fingerprint is of, besides labels and split."""
        tree = None if self.hierarchy is None else self.hierarchy.paths
        return {
            "dataset": self.INFO.name, "version": self.INFO.version, "files": files_digest(self.folder, self.files),
            "classes": self.class_names, "tree": tree,
        }  # fmt: skip

    def images(self, size: int) -> Images:
        """(N, size, size, 3) uint8, decoded once and then kept in the cache, if its disk has room."""
        return prepared_images(self.files, size, self.name, files_digest(self.folder, self.files))

    def images_kept(self, size: int) -> bool:
        """See the contract."""
        return in_cache(images_key(files_digest(self.folder, self.files), size))


def find_folder(root: Path, names: Sequence[str], marker: str, dataset: str) -> Path:
    """The folder below `root` (or root itself) that holds `marker`, a file or folder of the unpacked archive.

    Args:
        names: folder names to look for below the root, the archive's own first.

    Raises:
        DataError: none of them does.
    """
    for folder in (root, *(root / name for name in names)):
        if (folder / marker).exists():
            return folder
    places = " or ".join(str(folder) for folder in (root / names[0], root))
    raise DataError(f"{dataset}: there is no {marker} in {places}: unpack its archive there.")


def _check_inside(name: str, folder: Path, files: Sequence[Path]) -> None:
    """Refuse a name that leads out of the folder, by .., an absolute path or a symbolic link."""
    top = folder.resolve()
    parents = {file.parent for file in files}
    outside = {parent for parent in parents if not _inside(parent, top)}
    bad = [file for file in files if file.parent in outside or (_asked(file.is_symlink) and not _inside(file, top))]
    if bad:
        raise DataError(f"{name}: {len(bad)} images lie outside {folder} ({bad[0]}): put them below it.")


def _inside(place: Path, top: Path) -> bool:
    try:
        return place.resolve().is_relative_to(top)
    except (OSError, RuntimeError, ValueError):  # links that lead round and round, a name too long or with a NUL
        return False


def _asked(question: Callable[[], bool]) -> bool:
    """`file.is_file`, say; no where the system cannot be asked of such a name, since it is too long."""
    try:
        return question()
    except OSError:
        return False

"""Image files to one array: upright, RGB, of one size."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.codes.threads import cores
from bench.data.filling import Unfilled, filled_array
from bench.errors import DataError

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"})
_SHOWN = 3  # unreadable files named in an error
_BLOCK = 256  # images decoded and written at a time


def prepared_images(files: Sequence[Path], size: int, name: str, digest: str) -> NDArray[np.uint8]:
    """(N, S, S, 3) uint8 RGB, decoded once and kept in the cache, as a memory map; see `decode`.

    Resumes where it was ended. With files that cannot be read, all others are still decoded and kept.

    Args:
        digest: of the files, see `bench.data.fingerprint.files_digest`.
        name: the dataset's, for errors.

    Raises:
        DataError: files that cannot be read, all of them counted.
        StoreError: the cache cannot be written.
    """
    broken: list[str] = []

    def block(rows: slice) -> NDArray[np.uint8]:
        images, reports = decode(files[rows], size)
        broken.extend(reports)
        if reports:
            raise Unfilled
        return images

    found = filled_array(f"images-{digest[:24]}-{size}", (len(files), size, size, 3), np.uint8, block, _BLOCK)
    if found is None:
        raise DataError(_sentence(name, broken, len(files)))
    return found


def decode_images(files: Sequence[Path], size: int, name: str) -> NDArray[np.uint8]:
    """As `prepared_images`, in memory alone."""
    images, broken = decode(files, size)
    if broken:
        raise DataError(_sentence(name, broken, len(files)))
    return images


def decode(files: Sequence[Path], size: int) -> tuple[NDArray[np.uint8], list[str]]:
    """(N, S, S, 3) uint8 RGB: the short side resized to S = `size` (bicubic, antialiased), the centre square kept.

    EXIF orientation is honoured, transparency is laid on white. Pillow lets go of the interpreter while it
    decodes, so threads use all cores.

    Returns:
        The images, and a text for each file that cannot be read.
    """
    images = np.empty((len(files), size, size, 3), dtype=np.uint8)

    def one(number: int) -> str | None:
        try:
            images[number] = np.asarray(_decode(files[number], size))
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            return f"{files[number]} ({error})"
        return None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with ThreadPoolExecutor(max_workers=cores()) as pool:
            return images, [report for report in pool.map(one, range(len(files))) if report is not None]


def _sentence(name: str, broken: list[str], count: int) -> str:
    more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
    noun = "image" if len(broken) == 1 else "images"
    return (
        f"{name}: {len(broken)} {noun} of {count} cannot be read: {'; '.join(broken[:_SHOWN])}{more}: "
        "replace or remove them."
    )


def _decode(file: Path, size: int) -> Image.Image:
    with Image.open(file) as opened:
        opened.draft("RGB", (size, size))  # a JPEG is decoded at the smallest size that is still large enough
        image = ImageOps.exif_transpose(opened)
        image.load()
    if image.mode == "P" or "A" in image.getbands():
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BICUBIC)

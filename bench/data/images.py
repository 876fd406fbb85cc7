"""Image files to one array: upright, RGB, of one size."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.errors import DataError

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"})
_SHOWN = 3  # unreadable files named in an error


def decode_images(files: Sequence[Path], size: int, name: str) -> NDArray[np.uint8]:
    """(N, S, S, 3) uint8 RGB: the short side resized to S = `size` (bicubic, antialiased), the centre square kept.

    EXIF orientation is honoured, transparency is laid on white. Pillow lets go of the interpreter while it
    decodes, so threads use all cores.

    Raises:
        DataError: files that cannot be read, all of them counted; `name` is the dataset's.
    """
    images = np.empty((len(files), size, size, 3), dtype=np.uint8)

    def decode(number: int) -> str | None:
        try:
            images[number] = np.asarray(_decode(files[number], size))
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            return f"{files[number]} ({error})"
        return None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            broken = [report for report in pool.map(decode, range(len(files))) if report is not None]
    if broken:
        more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        noun = "image" if len(broken) == 1 else "images"
        raise DataError(
            f"{name}: {len(broken)} {noun} of {len(files)} cannot be read: {'; '.join(broken[:_SHOWN])}{more}: "
            "replace or remove them."
        )
    return images


def _decode(file: Path, size: int) -> Image.Image:
    with Image.open(file) as opened:
        opened.draft("RGB", (size, size))  # a JPEG is decoded at the smallest size that is still large enough
        image = ImageOps.exif_transpose(opened)
        image.load()
    if image.mode == "P" or "A" in image.getbands():
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BICUBIC)

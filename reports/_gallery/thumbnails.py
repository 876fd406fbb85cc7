"""Small pictures as data URIs."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

SIDE = 96  # pixels at most
SMALL = 48  # up to so many pixels a picture is kept as it is, for a browser to enlarge pixel by pixel
_QUALITY = 80
_EFFORT = {True: 4, False: 6}  # of WebP, 0 to 6: without loss, 6 takes thirty times as long and saves nothing


def thumbnail(pixels: NDArray[np.uint8]) -> str:
    """A picture (S, S, 3) as the smallest of the usual files, at most 96 pixels wide, never enlarged."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if max(image.size) > SIDE:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    kind, content = min(_files(image).items(), key=lambda file: (len(file[1]), file[0]))
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _files(image: Image.Image) -> dict[str, bytes]:
    """Small ones without a loss, for it would be seen; others with."""
    small = max(image.size) <= SMALL
    found = {"png": _png(image)} if small else {"jpeg": _written(image, "JPEG", quality=_QUALITY, optimize=True)}
    if features.check("webp"):
        found["webp"] = _written(image, "WEBP", lossless=small, quality=_QUALITY, method=_EFFORT[small])
    return found


def _png(image: Image.Image) -> bytes:
    red, green, blue = (np.asarray(channel) for channel in image.split())
    grey = np.array_equal(red, green) and np.array_equal(red, blue)
    return _written(image.convert("L") if grey else image, "PNG", optimize=True)


def _written(image: Image.Image, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()

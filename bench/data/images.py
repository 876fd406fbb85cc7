"""Image files to one array: upright, RGB, of one size."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from bench.codes.threads import for_each_slice
from bench.data.cache import cache_dir
from bench.data.filling import Unfilled, filled_array
from bench.data.streamed import Images, StreamedImages, lacking_space
from bench.errors import BenchWarning, DataError

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"})
_SHOWN = 3  # unreadable files named in an error
_BLOCK = 256  # images decoded and written at a time
_HANDED = 8  # images that a thread decodes before it takes more
_SMALL = 3072  # bytes of a file: with less, threads that wait for the interpreter take longer than one (measured: 2 x)
_GLANCE = 16  # pixels that files are decoded to where only whether they can be read is asked
_MOST_PIXELS = 2**28 // 3  # 256 MiB of RGB; Pillow warns from here on, and refuses twice as many
_TURN = Image.Transpose
_TURNS = {  # EXIF orientation -> what makes it upright
    2: _TURN.FLIP_LEFT_RIGHT, 3: _TURN.ROTATE_180, 4: _TURN.FLIP_TOP_BOTTOM, 5: _TURN.TRANSPOSE, 6: _TURN.ROTATE_270,
    7: _TURN.TRANSVERSE, 8: _TURN.ROTATE_90,
}  # fmt: skip


def prepared_images(files: Sequence[Path], size: int, name: str, digest: str) -> Images:
    """(N, S, S, 3) uint8 RGB, decoded once and kept in the cache, as a memory map; see `decode`.

    Resumes where it was ended. With files that cannot be read, all others are still decoded and kept. Where the
    cache's disk has no room for them, they are decoded whenever they are asked for, with a BenchWarning; that all can
    be read is still seen first.

    Args:
        digest: of the files, see `bench.data.fingerprint.files_digest`.
        name: the dataset's, for errors.

    Raises:
        DataError: files that cannot be read, all of them counted.
        StoreError: the cache cannot be written.
    """
    key, shape, broken = images_key(digest, size), (len(files), size, size, 3), list[str]()
    lacking = lacking_space(key, math.prod(shape))
    if not lacking:
        found = filled_array(key, shape, np.uint8, _blocks(files, size, broken), _BLOCK)
    else:
        warnings.warn(_space_sentence(name, shape, lacking), BenchWarning, stacklevel=2)
        seen, key = _blocks(files, _GLANCE, broken), f"images-{digest[:24]}-readable"
        found = filled_array(key, shape[:1], np.bool_, lambda rows: np.ones(len(seen(rows)), np.bool_), _BLOCK)
    if found is None:
        raise DataError(_sentence(name, broken, len(files)))
    if not lacking:
        return found
    return StreamedImages(len(files), size, lambda rows: decode_images([files[row] for row in rows], size, name))


def images_key(digest: str, size: int) -> str:
    """What `prepared_images` keeps them under in the cache."""
    return f"images-{digest[:24]}-{size}"


def decode_images(files: Sequence[Path], size: int, name: str) -> NDArray[np.uint8]:
    """As `prepared_images`, in memory alone."""
    images, broken = decode(files, size)
    if broken:
        raise DataError(_sentence(name, broken, len(files)))
    return images


def decode(files: Sequence[Path], size: int) -> tuple[NDArray[np.uint8], list[str]]:
    """(N, S, S, 3) uint8 RGB: the short side resized to S = `size` (bicubic, antialiased), the centre square kept.

    EXIF orientation is honoured, transparency is laid on white. Pillow lets go of the interpreter while it
    decodes, so threads use all cores; but for small files, where most of the time is the interpreter's.

    Returns:
        The images, and a text for each file that cannot be read.
    """
    images = np.empty((len(files), size, size, 3), dtype=np.uint8)
    broken: dict[int, str] = {}

    def some(rows: slice) -> None:
        for number in range(rows.start, rows.stop):
            try:
                images[number] = np.asarray(_decode(files[number], size))
            except Exception as error:  # a damaged file can make Pillow raise anything
                broken[number] = f"{files[number]} ({reason(error)})"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow: on size, which has a limit here, and on odd EXIF
        for_each_slice(len(files), some, threads=1 if _are_small(files) else None, slice_rows=_HANDED)
    return images, [broken[number] for number in sorted(broken)]


def _are_small(files: Sequence[Path]) -> bool:
    """Whether files of this kind are decoded faster one after another."""
    some = files[:: -(-len(files) // _HANDED) or 1]
    return sum(file.stat().st_size for file in some if file.exists()) < _SMALL * len(some)


def open_image(file: Path) -> Image.Image:
    """An image file of which only the header has been read: what is too large is refused before it takes memory.

    Raises:
        ValueError: empty, no image, or too large.
        Exception: anything else that Pillow runs into where a file is damaged.
    """
    too_large = ValueError(f"it has more than {_MOST_PIXELS:,} pixels")
    try:
        image = Image.open(file)
    except Image.DecompressionBombError:
        raise too_large from None
    except UnidentifiedImageError:
        raise ValueError("it is no image, or cut in its header" if file.stat().st_size else "it is empty") from None
    if image.width * image.height > _MOST_PIXELS:
        image.close()
        raise too_large
    return image


def plain(image: Image.Image) -> Image.Image:
    """Upright as EXIF says, transparency laid on white, 8 bits a channel: of mode RGB, or L where it is grey.

    Raises:
        ValueError: pixels of 32 bits, in which neither black nor white is known.
    """
    sixteen = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    image.load()  # first: a TIFF is turned by it
    turn = _TURNS.get(_orientation(image))
    if turn is not None:
        image = image.transpose(turn)
    if sixteen:  # Pillow's own conversion makes everything above 255 white
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("its pixels have 32 bits: save it with 8 or 16")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image if image.mode == "L" else image.convert("RGB")


def reason(error: Exception) -> str:
    """Why a file cannot be read, in one line without its name."""
    text = (isinstance(error, OSError) and error.strerror) or str(error)
    return " ".join(text.split()) or type(error).__name__


def _blocks(files: Sequence[Path], size: int, broken: list[str]) -> Callable[[slice], NDArray[np.uint8]]:
    """For `filled_array`: decodes some rows, and adds to `broken` a text for each that cannot be read."""

    def block(rows: slice) -> NDArray[np.uint8]:
        images, reports = decode(files[rows], size)
        broken.extend(reports)
        if reports:
            raise Unfilled
        return images

    return block


def _space_sentence(name: str, shape: tuple[int, ...], lacking: int) -> str:
    whole, missing = (math.ceil(count / 1e6) for count in (math.prod(shape), lacking))
    return (
        f"{name}: its images of {shape[1]} pixels take {whole:,} MB, and the disk of the cache {cache_dir()} lacks "
        f"{missing:,} MB for them: they are decoded again in every epoch, which is slower; "
        "free some space or name another cache with $BENCH_CACHE."
    )


def _sentence(name: str, broken: list[str], count: int) -> str:
    more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
    noun = "image" if len(broken) == 1 else "images"
    return (
        f"{name}: {len(broken)} {noun} of {count} cannot be read: {'; '.join(broken[:_SHOWN])}{more}: "
        "replace or remove them, or leave them out with --allow-missing."
    )


def _decode(file: Path, size: int) -> Image.Image:
    with open_image(file) as opened:
        opened.draft("RGB", (size, size))  # a JPEG is decoded at the smallest size that is still large enough
        return ImageOps.fit(plain(opened).convert("RGB"), (size, size), Image.Resampling.BICUBIC)


def _orientation(image: Image.Image) -> int:
    """ImageOps.exif_transpose is not used: it writes the EXIF anew, which fails where any entry of it is damaged."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF is no reason to refuse an image
        return 1

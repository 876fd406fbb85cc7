from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.images import decode, decode_images
from bench.errors import DataError


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def halves(width: int, height: int) -> np.ndarray:
    """Left half red, right half blue."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2, 0] = 255
    image[:, width // 2 :, 2] = 255
    return image


def test_the_short_side_is_resized_and_the_middle_kept(tmp_path: Path) -> None:
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 255
    (image,) = decode_images([save(tmp_path / "a.png", wide)], 10, "x")
    assert image.shape == (10, 10, 3)
    assert image.mean() > 240


def test_exif_orientation_is_honoured(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    path = save(tmp_path / "a.jpg", halves(32, 32), exif=exif, quality=95)
    (image,) = decode_images([path], 32, "x")
    assert image[16, 4, 2] > 200
    assert image[16, 28, 0] > 200


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "I;16", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    grey = Image.fromarray(np.full((8, 8), 255, np.uint8))
    (grey.convert("I;16") if mode == "I;16" else grey.convert(mode)).save(path)
    (image,) = decode_images([path], 8, "x")
    assert image.shape == (8, 8, 3)
    assert image.dtype == np.uint8


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    clear = np.zeros((8, 8, 4), np.uint8)
    (image,) = decode_images([save(tmp_path / "a.png", clear)], 8, "x")
    assert (image == 255).all()


def test_unreadable_files_are_counted_and_named_together(tmp_path: Path) -> None:
    good = save(tmp_path / "good.png", halves(8, 8))
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    cut = save(tmp_path / "cut.jpg", noise)
    cut.write_bytes(cut.read_bytes()[:600])
    text = tmp_path / "text.png"
    text.write_text("this is no image")
    empty = tmp_path / "empty.webp"
    empty.write_bytes(b"")
    other = tmp_path / "zzz.bmp"
    other.write_bytes(b"BM")
    with pytest.raises(DataError, match=r"pets: 4 images of 5 cannot be read: .*cut\.jpg.*and 1 more") as caught:
        decode_images([good, cut, text, empty, other], 8, "pets")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("side", [8, 96], ids=["small files, one thread", "threads"])
def test_many_files_come_in_their_order_and_so_do_the_broken_ones(tmp_path: Path, side: int) -> None:
    arrays = [np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8) for number in range(50)]
    files = [save(tmp_path / f"{number}.png", array) for number, array in enumerate(arrays)]
    images, broken = decode(files, side)
    assert (images == arrays).all()
    assert not broken
    for number in (41, 3, 20):
        files[number].unlink()
    images, broken = decode(files, side)
    assert [text.partition(" ")[0] for text in broken] == [str(files[number]) for number in (3, 20, 41)]
    assert (images[40] == arrays[40]).all()

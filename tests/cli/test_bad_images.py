"""One bad image among good ones: verify ends with 1, everything that needs its pixels with 2, and no traceback."""

import io
import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

QUICK = (
    "--methods",
    "csq",
    "--bits",
    "8",
    "--regime",
    "quick",
    "--set",
    "train.image_size=16",
    "--set",
    "train.epochs=1",
)


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(buffer, "jpeg")
    return buffer.getvalue()


def bomb() -> bytes:
    """The header of a PNG of 100,000 x 100,000 pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + end


BAD = {
    "empty": (b"", "it is empty"),
    "text": (b"this is no image", "it is no image, or cut in its header"),
    "cut": (jpeg()[:700], "image file is truncated"),
    "bomb": (bomb(), "it has more than 89,478,485 pixels"),
}


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(1)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(6):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(3, 0).repeat(3, 1)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{i}.png")
    return tmp_path / "pets"


@pytest.mark.parametrize("kind", BAD)
def test_an_unreadable_image_is_named_with_its_reason(here, pets: Path, kind: str) -> None:
    content, why = BAD[kind]
    (pets / "cat" / "bad.png").write_bytes(content)
    verified = here("data", "verify", "./pets", check=1)
    assert "1 image of 13 cannot be read: replace or remove them." in " ".join(verified.stdout.split())
    prepared = here("data", "prepare", "./pets", "--size", "16", check=2)
    ran = here("run", "--datasets", "./pets", *QUICK, check=2)
    assert prepared.stderr.startswith("error: pets: 1 image of 13 cannot be read: ")
    for done in (prepared, ran):
        assert done.stderr.splitlines()[-1].startswith("error: pets: 1 image of 13 cannot be read")
    for text in (verified.stdout, prepared.stderr, ran.stderr):
        assert "cat/bad.png" in text.replace("\n", "")
        assert why in " ".join(text.split())
        assert "Traceback" not in text
    (pets / "cat" / "bad.png").unlink()
    assert "pets@stratified: fine" in here("data", "verify", "./pets", check=0).stdout
    here("data", "prepare", "./pets", "--size", "16", check=0)


def test_odd_but_whole_images_are_fine(here, pets: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(np.random.default_rng(5).integers(0, 256, (8, 9, 3), dtype=np.uint8)).resize((36, 32))
    for c, name in enumerate(("cat", "dog")):
        turned = picture.rotate(90 * c)
        turned.convert("CMYK").save(pets / name / "cmyk.jpg")
        turned.convert("L").save(pets / name / "grey.png")
        Image.fromarray(np.asarray(turned.convert("L")).astype(np.uint16) * 257).save(pets / name / "16.png")
        turned.convert("RGBA").save(pets / name / "alpha.webp")
        turned.save(pets / name / "turned.jpg", exif=exif)
    assert "must be repaired" not in here("data", "verify", "./pets", check=0).stdout
    here("data", "prepare", "./pets", "--size", "16", check=0)
    (array,) = (pets.parent / "cache").glob("images-*.npy")
    assert (np.load(array).mean(axis=(1, 2, 3)) < 250).all()  # none is clipped to white


def test_a_link_out_of_the_folder(here, pets: Path) -> None:
    (pets / "cat" / "0.png").rename(pets.parent / "0.png")
    (pets / "cat" / "0.png").symlink_to(pets.parent / "0.png")
    for command, code in (("verify", 1), ("prepare", 2)):
        done = here("data", command, "./pets", check=code)
        assert "pets: 1 images lie outside " in " ".join((done.stdout + done.stderr).split())
    assert "lie outside" in here("run", "--datasets", "./pets", *QUICK, check=2).stderr


@pytest.mark.parametrize("damage", ["cut", "empty", "garbage"])
def test_a_damaged_cache_is_made_again(here, pets: Path, damage: str) -> None:
    here("data", "prepare", "./pets", "--size", "16", check=0)
    cached = sorted((pets.parent / "cache").glob("*.npy"))
    whole = {path: path.read_bytes() for path in cached}
    assert len(whole) >= 2  # pixels, and the digest of the files
    for path, content in whole.items():
        path.unlink()
        path.write_bytes({"cut": content[:-5], "empty": b"", "garbage": os.urandom(len(content))}[damage])
    here("data", "prepare", "./pets", "--size", "16", check=0)
    assert {path: path.read_bytes() for path in cached} == whole


def test_a_cache_that_cannot_be_written(here, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pets.parent / "file").write_text("")
    monkeypatch.setenv("BENCH_CACHE", str(pets.parent / "file" / "cache"))
    done = here("data", "prepare", "./pets", "--size", "16", check=2)
    assert done.stderr.startswith("error: the cache ")
    assert "cannot be written (Not a directory): free some space or name another with $BENCH_CACHE" in done.stderr


def test_a_query_that_is_also_searched(here, pets: Path) -> None:
    shutil.copytree(pets, pets.parent / "parts" / "train")
    (pets.parent / "parts" / "query" / "cat").mkdir(parents=True)
    shutil.copy(pets / "cat" / "3.png", pets.parent / "parts" / "query" / "cat" / "other name.png")
    done = here("data", "verify", "./parts", check=1)
    assert "1 pair of a query and a train or database item with the same content" in " ".join(done.stdout.split())

"""Images that are odd but whole are read as what they show; damaged ones get a sentence; both by prepare and verify."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from bench.data.images import decode, plain
from bench.data.signatures import Signatures, signatures

HEIGHT, WIDTH = 48, 64
PICTURE = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
GREY = PICTURE[..., 0]
GREY_16, PICTURE_16 = ((pixels.astype(">u2") * 257).astype(">u2") for pixels in (GREY, PICTURE))
KEY = tuple(PICTURE[0, 8].tolist())  # a colour that stands for transparency
ALPHA = PICTURE[..., 1]
ON_WHITE = np.round(PICTURE * (ALPHA[..., None] / 255.0) + 255 * (1 - ALPHA[..., None] / 255.0))
TURNED: dict[int, Callable[[np.ndarray], np.ndarray]] = {  # EXIF 2.3, 4.6.4: where the first row and column are stored
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: np.rot90,
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: np.rot90(x, -1),
}


def grey(values: np.ndarray) -> np.ndarray:
    """(H, W) as RGB."""
    return np.repeat(values[..., None], 3, axis=2)


def prepared(path: Path, size: int = HEIGHT) -> np.ndarray:
    images, broken = decode([path], size)
    assert broken == []
    return images[0]


def verified(*paths: Path) -> Signatures:
    return signatures(SimpleNamespace(files=list(paths), labels=paths))  # type: ignore[arg-type]


def assert_shows(path: Path, expected: np.ndarray, tolerance: float = 0) -> None:
    """Prepare gives these pixels, of which the middle square is kept; verify sees what it sees in a plain PNG."""
    edge = (WIDTH - HEIGHT) // 2
    assert np.abs(prepared(path) - expected[:, edge : WIDTH - edge].astype(float)).max() <= tolerance
    reference = path.with_name("reference.png")
    Image.fromarray(expected.astype(np.uint8)).save(reference)
    found = verified(path, reference)
    assert found.unreadable == {}
    assert found.has_look.all()
    assert int(found.look[0] ^ found.look[1]).bit_count() <= 2


def png(width: int, height: int, kind: int, depth: int, pixels: bytes) -> bytes:
    """A PNG by hand; kind 0 is grey, 2 is RGB. Pillow does not write RGB of 16 bits."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels, 1)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def filtered(pixels: np.ndarray) -> bytes:
    """Rows of a PNG, each after a byte that says it is as it is."""
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def lab(rgb: np.ndarray) -> Image.Image:
    to = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    return ImageCms.applyTransform(Image.fromarray(rgb), to)


@pytest.mark.parametrize(
    ("name", "image", "options", "expected", "tolerance"),
    [
        ("grey.png", Image.fromarray(GREY), {}, grey(GREY), 0),
        ("grey.jpg", Image.fromarray(GREY), {"quality": 100}, grey(GREY), 3),
        ("bits.png", Image.fromarray(GREY > 127), {}, grey(255 * (GREY > 127)), 0),
        ("cmyk.jpg", Image.fromarray(PICTURE).convert("CMYK"), {"quality": 100, "subsampling": 0}, PICTURE, 4),
        ("cmyk.tif", Image.fromarray(PICTURE).convert("CMYK"), {}, PICTURE, 1),
        ("ycc.tif", Image.fromarray(PICTURE).convert("YCbCr"), {}, PICTURE, 3),
        ("lab.tif", lab(PICTURE), {}, PICTURE, 30),  # eight bits of L, a and b tell less than eight of RGB
        ("alpha.png", Image.fromarray(np.dstack([PICTURE, ALPHA])), {}, ON_WHITE, 1),
        ("alpha.webp", Image.fromarray(np.dstack([PICTURE, ALPHA])), {"lossless": True, "exact": True}, ON_WHITE, 1),
        ("keyed.png", Image.fromarray(PICTURE), {"transparency": KEY},
         np.where(np.equal(PICTURE, KEY).all(axis=2, keepdims=True), 255, PICTURE), 0),
        ("palette.png", Image.fromarray(PICTURE).quantize(48), {}, PICTURE, 8),
    ],
)  # fmt: skip
def test_every_mode_shows_its_colours(
    tmp_path: Path, name: str, image: Image.Image, options: dict[str, object], expected: np.ndarray, tolerance: float
) -> None:
    image.save(tmp_path / name, **options)
    assert_shows(tmp_path / name, expected, tolerance)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("grey.png", png(WIDTH, HEIGHT, 0, 16, filtered(GREY_16))),
        ("rgb.png", png(WIDTH, HEIGHT, 2, 16, filtered(PICTURE_16))),
        ("grey.pgm", b"P5 64 48 65535\n" + GREY_16.tobytes()),
        ("rgb.ppm", b"P6 64 48 65535\n" + PICTURE_16.tobytes()),
        ("grey.tif", None),
        ("grey-be.tif", None),
    ],
)
def test_sixteen_bits_become_eight_and_not_white(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is None:
        order = ">" if "be" in name else "<"
        pixels = GREY_16.astype(f"{order}u2").tobytes()
        Image.frombytes("I;16B" if order == ">" else "I;16", (WIDTH, HEIGHT), pixels).save(path)
    else:
        path.write_bytes(content)
    assert_shows(path, PICTURE if name.startswith("rgb") else grey(GREY))


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, object] = {"quality": 100, "subsampling": 0} if suffix == "jpg" else {}
    options |= {"lossless": True} if suffix == "webp" else {}
    stored = np.ascontiguousarray(TURNED[orientation](PICTURE))
    Image.fromarray(stored).save(tmp_path / f"a.{suffix}", exif=exif, **options)
    assert_shows(tmp_path / f"a.{suffix}", PICTURE, 4 if suffix == "jpg" else 0)


def test_sixteen_bits_are_turned_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.ascontiguousarray(TURNED[6](GREY_16.astype("<u2")))
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    assert_shows(tmp_path / "a.png", grey(GREY))


def jpeg_with_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x0110] = 6, "a picture", "a camera"
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(TURNED[6](PICTURE))).save(buffer, "jpeg", exif=exif, quality=100)
    return buffer.getvalue()


def test_an_entry_of_exif_that_cannot_be_written_again(tmp_path: Path) -> None:
    content, path = jpeg_with_exif(), tmp_path / "a.jpg"
    camera = struct.pack(">HHI", 0x0110, 2, 9)  # a text of nine characters
    assert content.count(camera) == 1
    path.write_bytes(content.replace(camera, struct.pack(">HHI", 0x0110, 5, 1)))  # a fraction
    with Image.open(path) as opened, pytest.raises(AttributeError):  # why it is not used
        ImageOps.exif_transpose(opened)
    assert np.abs(prepared(tmp_path / "a.jpg").astype(float) - PICTURE[:, 8:56]).mean() < 20


@given(st.lists(st.tuples(st.integers(10, 90), st.integers(0, 255)), min_size=1, max_size=6))
def test_no_damage_to_exif_makes_an_image_unreadable(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "exif.jpg"
    content = bytearray(jpeg_with_exif())
    start = content.index(b"Exif\0\0")
    for place, value in damage:
        content[start + place % 70] = value
    path.write_bytes(bytes(content))
    image = prepared(path).astype(float)
    whole = PICTURE[:, 8:56].astype(float)
    assert min(np.abs(turn(np.rot90(whole, -1)) - image).mean() for turn in TURNED.values()) < 20


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, kind)
    return buffer.getvalue()


WHOLE = {kind: encoded(kind) for kind in ("jpeg", "png", "webp", "bmp", "gif", "tiff", "ppm")}


@settings(max_examples=150)
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_no_damage_ends_in_anything_but_a_line(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    content = bytearray(WHOLE[kind])
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, min(300, len(content) - 1)))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(bytes(content))
    images, broken = decode([path], 16)
    found = verified(path)
    assert images.shape == (1, 16, 16, 3)
    assert bool(broken) == bool(found.unreadable)  # what verify lets pass, prepare can read
    for line in (*broken, *found.unreadable.values()):
        assert "\n" not in line
        assert not line.endswith(" ()")


def bomb(width: int, height: int) -> bytes:
    """Black pixels of one bit: thousands of times as large in memory."""
    return png(width, height, 0, 1, bytes((1 + width // 8) * height))


TOO_LARGE = "it has more than 89,478,485 pixels"
UNREADABLE = {
    "empty.png": (b"", "it is empty"),
    "text.png": (b"this is no image", "it is no image, or cut in its header"),
    "cut.jpg": (WHOLE["jpeg"][:900], "image file is truncated"),
    "cut.png": (WHOLE["png"][:-40], "it is no image|truncated|broken"),
    "cut.webp": (WHOLE["webp"][:20], "could not create decoder"),
    "cut-header.gif": (WHOLE["gif"][:9], "it is no image, or cut in its header"),
    "large.png": (bomb(24_000, 4_000), TOO_LARGE),  # Pillow would only warn
    "huge.png": (png(100_000, 100_000, 2, 8, b""), TOO_LARGE),  # Pillow refuses it
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_each_gets_its_reason_from_prepare_and_verify(tmp_path: Path, name: str) -> None:
    content, why = UNREADABLE[name]
    (tmp_path / name).write_bytes(content)
    _, (line,) = decode([tmp_path / name], 16)
    assert line.startswith(f"{tmp_path / name} (")
    found = verified(tmp_path / name).unreadable
    for text in (line, found[0]):
        assert any(part in text for part in why.split("|")), text


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_of_32_bits_have_no_known_white(tmp_path: Path, mode: str) -> None:
    Image.fromarray(GREY).convert(mode).save(tmp_path / "a.tif")
    _, (line,) = decode([tmp_path / "a.tif"], 16)
    assert "its pixels have 32 bits: save it with 8 or 16" in line
    assert "32 bits" in verified(tmp_path / "a.tif").unreadable[0]


def test_a_missing_file_and_a_folder_are_named_once(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    _, lines = decode([tmp_path / "gone.png", tmp_path / "folder.png"], 16)
    assert lines == [
        f"{tmp_path / 'gone.png'} (No such file or directory)", f"{tmp_path / 'folder.png'} (Is a directory)",
    ]  # fmt: skip


def test_bombs_and_huge_files_take_no_memory(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb(24_000, 7_000))  # 168 million pixels, in 20 kB
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(1 << 28)
    code = (
        "import resource, sys, types\n"
        "from pathlib import Path\n"
        "from bench.data.images import decode\n"
        "from bench.data.signatures import signatures\n"
        "files = [Path(name) for name in sys.argv[1:]]\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "assert len(decode(files, 16)[1]) == 2\n"
        "assert len(signatures(types.SimpleNamespace(files=files, labels=files)).unreadable) == 2\n"
        "print((peak() - before) // 1024)\n"
    )
    names = [str(tmp_path / name) for name in ("bomb.png", "sparse.png")]
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 32  # MiB


def test_what_is_just_small_enough_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.data.images._MOST_PIXELS", HEIGHT * WIDTH)
    (tmp_path / "a.png").write_bytes(WHOLE["png"])
    assert_shows(tmp_path / "a.png", PICTURE)
    monkeypatch.setattr("bench.data.images._MOST_PIXELS", HEIGHT * WIDTH - 1)
    assert "more than 3,071 pixels" in decode([tmp_path / "a.png"], 16)[1][0]


def test_plain_images_are_left_as_they_are() -> None:
    for mode in ("L", "RGB"):
        image = Image.fromarray(PICTURE).convert(mode)
        assert plain(image) is image or np.array_equal(plain(image), image)

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from bench.data.signatures import Signatures, difference_hash, equal_pairs, near_pairs, signatures
from bench.grid.job import open_dataset


def test_a_hash_worked_out_by_hand() -> None:
    grey = np.zeros((2, 8, 9), np.uint8)
    grey[0, 0] = [0, 1, 1, 0, 5, 9, 9, 9, 10]  # + = - + + = = + reads 10011001
    grey[0, 7] = np.arange(9)  # all eight rise
    assert difference_hash(grey).view(np.uint8).reshape(2, 8).tolist() == [[0b10011001, 0, 0, 0, 0, 0, 0, 255], [0] * 8]


def test_brightness_and_contrast_change_no_hash() -> None:
    grey = np.random.default_rng(0).integers(0, 100, (20, 8, 9), dtype=np.uint8)
    assert (difference_hash(grey) == difference_hash(2 * grey + 30)).all()


Rows = st.lists(st.integers(0, 3), min_size=0, max_size=8)


@given(Rows, Rows, st.integers(0, 70))
def test_equal_pairs_are_all_pairs(left: list[int], right: list[int], limit: int) -> None:
    content = np.array([*left, *right], dtype=np.int64)
    a, b = np.arange(len(left)), np.arange(len(left), len(content))
    expected = {(i, j) for i in a.tolist() for j in b.tolist() if content[i] == content[j]}
    count, shown = equal_pairs(content, a, b, limit)
    assert count == len(expected)
    assert len(shown) == len(set(shown)) == min(limit, count)
    assert set(shown) <= expected


@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(0, 300), st.sampled_from([1, 7, 2**22]))
def test_near_pairs_are_all_pairs(seed: int, distance: int, limit: int, block: int) -> None:
    rng = np.random.default_rng(seed)
    look = rng.choice(np.array([0, 1, 3, 7, 2**63, 2**63 + 15], np.uint64), 25)
    found = Signatures(rng.integers(0, 9, 25), look, rng.random(25) < 0.8, {})
    left, right = np.arange(10), rng.permutation(np.arange(10, 25))
    expected = {
        (i, j)
        for i in left.tolist()
        for j in right.tolist()
        if found.has_look[i] and found.has_look[j] and found.content[i] != found.content[j]
        and (int(look[i]) ^ int(look[j])).bit_count() <= distance
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.data.signatures._BLOCK", block)
        count, shown = near_pairs(found, left, right, distance, limit)
    assert count == len(expected)
    assert len(shown) == len(set(shown)) == min(limit, count)
    assert set(shown) <= expected


def picture(number: int, size: int = 64) -> Image.Image:
    """Blobs that are the same at any size."""
    rng = np.random.default_rng(number)
    image = Image.new("RGB", (256, 256), "gray")
    for x, y, r, c in rng.integers(0, 256, (12, 4)):
        ImageDraw.Draw(image).ellipse((x - r // 3, y - r // 3, x + r // 3, y + r // 3), fill=(int(c),) * 3)
    return image.resize((size, size), Image.Resampling.LANCZOS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes: four pictures of each to train, two queries."""
    for part, start, count in (("train", 0, 4), ("query", 50, 2)):
        for c, name in enumerate(("cat", "dog")):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(count):
                picture(start + 10 * c + i).save(tmp_path / part / name / f"{i}.png")
    return tmp_path


def test_other_sizes_formats_and_modes_of_a_picture_look_alike(folder: Path) -> None:
    query = folder / "query" / "cat"
    picture(0, 200).save(query / "large.jpg", quality=60)
    picture(1).convert("L").save(query / "grey.png")
    picture(2).convert("CMYK").save(query / "cmyk.jpg", quality=90)
    picture(3).convert("RGBA").save(query / "alpha.png")
    turned = picture(10).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise to be seen
    turned.save(query / "turned.jpg", exif=exif, quality=95)
    dataset = open_dataset("image-folder", {}, "folders", folder)
    found = signatures(dataset)
    count, pairs = near_pairs(found, dataset.split.query, dataset.split.train, 2, 99)
    names = {row: path.name for row, path in enumerate(dataset.files)}
    alike = {names[left]: dataset.files[right].relative_to(folder).as_posix() for left, right in pairs}
    assert count == 5
    assert alike == {
        "large.jpg": "train/cat/0.png", "grey.png": "train/cat/1.png", "cmyk.jpg": "train/cat/2.png",
        "alpha.png": "train/cat/3.png", "turned.jpg": "train/dog/0.png",
    }  # fmt: skip


def test_flat_images_have_no_look_and_unreadable_ones_equal_nothing(folder: Path) -> None:
    Image.new("RGB", (9, 9), "white").save(folder / "query" / "dog" / "flat.png")
    for name in ("empty.png", "empty2.png"):
        (folder / "query" / "dog" / name).write_bytes(b"")
    whole = (folder / "train" / "cat" / "0.png").read_bytes()
    (folder / "train" / "cat" / "0.png").write_bytes(whole[: len(whole) // 2])
    dataset = open_dataset("image-folder", {}, "folders", folder)
    seen: list[int] = []
    found = signatures(dataset, seen.append)
    assert seen == list(range(1, 16))
    assert [dataset.files[row].name for row in found.unreadable] == ["0.png", "empty.png", "empty2.png"]
    assert (~found.has_look).sum() == 4
    assert len(set(found.content.tolist())) == 15


def test_arrays_and_features(tmp_path: Path) -> None:
    images = np.stack([np.asarray(picture(i, 32)) for i in (0, 1, 0, 2)])
    path = tmp_path / "some.npz"
    np.savez(path, train_images=images[:2], train_labels=[0, 1], query_images=images[2:], query_labels=[0, 1])
    found = signatures(open_dataset("arrays", {}, "parts", path))
    assert found.content.tolist() == [0, 1, 0, 2]
    assert found.look[0] == found.look[2] != found.look[1]
    vectors = np.float32([[1, 2], [3, 4], [1, 2], [5, 6]])
    np.savez(path, train_features=vectors[:2], train_labels=[0, 1], query_features=vectors[2:], query_labels=[0, 1])
    found = signatures(open_dataset("arrays", {}, "parts", path))
    assert found.content.tolist() == [0, 1, 0, 2]
    assert not found.has_look.any()


def test_no_pairs_of_what_has_no_look() -> None:
    found = Signatures(np.arange(4), np.zeros(4, np.uint64), np.array([True, True, False, False]), {})
    assert near_pairs(found, np.arange(2), np.arange(2, 4), 64, 9) == (0, [])
    assert near_pairs(found, np.arange(2), np.arange(2), 64, 9)[0] == 2

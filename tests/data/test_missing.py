from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.data import missing
from bench.data.images import decode
from bench.data.missing import allowing_missing, kept_rows, left_out_note, missing_allowed, readable_files
from bench.errors import DataError
from bench.grid.job import open_dataset
from bench.plugins.dataset import Split

HEADER = "file,labels,split\n"


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """pets/labels.csv: eight images, two of each class train, one is a query, one is searched."""
    root = tmp_path / "pets"
    root.mkdir()
    rows = []
    for label in ("cat", "dog"):
        for i, part in enumerate(("train", "train", "query", "database")):
            name = f"{label}{i}.jpg"
            pixels = np.random.default_rng([i, ord(label[0])]).integers(0, 256, (40, 48, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name, quality=95)
            rows.append(f"{name},{label},{part}\n")
    (root / "labels.csv").write_text(HEADER + "".join(rows))
    return root


def opened(root: Path, allow: bool = True, name: str = "multilabel-csv"):
    return open_dataset(name, {}, "auto", root, allow_missing=allow)


def files(dataset, part: str) -> list[str]:
    return [dataset.files[row].name for row in getattr(dataset.split, part)]


def test_what_is_whole_is_the_same_dataset(pets: Path) -> None:
    allowed, refused = opened(pets), opened(pets, allow=False)
    assert allowed.fingerprint() == refused.fingerprint()
    assert allowed.notes == refused.notes == ()


def test_missing_and_broken_images_are_left_out_of_every_part(pets: Path) -> None:
    whole = opened(pets, allow=False)
    fingerprint, images = whole.fingerprint(), whole.images(8).copy()
    (pets / "cat0.jpg").unlink()
    cut = pets / "dog3.jpg"
    cut.write_bytes(cut.read_bytes()[:900])
    dataset = opened(pets)
    assert [files(dataset, part) for part in ("train", "query", "database")] == [
        ["cat1.jpg", "dog0.jpg", "dog1.jpg"], ["cat2.jpg", "dog2.jpg"], ["cat3.jpg"],
    ]  # fmt: skip
    assert dataset.notes == (
        "pets: 2 of 8 images are missing or unreadable and left out (cat0.jpg, dog3.jpg).",
    )  # fmt: skip
    kept = [1, 2, 3, 4, 5, 6]
    assert np.array_equal(dataset.labels, whole.labels[kept])
    assert np.array_equal(dataset.images(8), images[kept])
    assert dataset.fingerprint() != fingerprint
    assert dataset.fingerprint() == opened(pets).fingerprint()


def test_the_refused_case_says_what_would_leave_them_out(pets: Path) -> None:
    (pets / "cat1.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"1 image of 8 cannot be read: .*or leave them out with --allow-missing"):
        opened(pets, allow=False).images(8)
    (pets / "cat0.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 8 images are not below .*cat0\.jpg.*out with --allow-missing"):
        opened(pets, allow=False)
    assert not missing_allowed()


def test_a_class_or_part_without_images_is_still_an_error(pets: Path) -> None:
    for name in ("cat0.jpg", "cat1.jpg"):
        (pets / name).write_text("no image")
    with pytest.raises(DataError, match=r"classes have no training image \(cat\).* 2 of 8 images are missing"):
        opened(pets)
    for file in pets.glob("*.jpg"):
        file.unlink()
    with pytest.raises(DataError, match=r"its train split is empty.* 8 of 8 images are missing or unreadable"):
        opened(pets)


def test_a_folder_of_classes_loses_what_is_broken(pets: Path, tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / "classes" / label).mkdir(parents=True)
        for file in sorted(pets.glob(f"{label}*.jpg")):
            file.rename(tmp_path / "classes" / label / file.name)
    whole = open_dataset("image-folder", {"query": 0.25, "database": 0.25}, "auto", tmp_path / "classes")
    victim = whole.files[whole.split.train[0]]
    victim.write_bytes(b"GIF89a")
    kept = open_dataset("image-folder", {"query": 0.25, "database": 0.25}, "auto", tmp_path / "classes", True)
    assert files(kept, "train") == files(whole, "train")[1:]
    assert files(kept, "query") == files(whole, "query")
    name = victim.relative_to(tmp_path / "classes")
    assert kept.notes == (f"classes: 1 of 8 images is missing or unreadable and left out ({name}).",)


def test_files_are_read_once(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pets / "dog2.jpg").write_bytes(b"\xff\xd8\xff")
    listed = [pets / f"{label}{i}.jpg" for label in ("cat", "dog") for i in (0, 1, 2, 9)]
    found = readable_files(pets, listed)
    assert found.tolist() == [True, True, True, False, True, True, False, False]
    monkeypatch.setattr(missing, "open_image", lambda file: pytest.fail(f"{file} is read again"))
    assert np.array_equal(readable_files(pets, listed), found)
    (pets / "dog2.jpg").write_bytes(b"other")
    monkeypatch.undo()
    monkeypatch.setattr(missing, "open_image", lambda file: 1 / 0)
    assert not readable_files(pets, listed).any()


def test_no_file_at_all(tmp_path: Path) -> None:
    assert readable_files(tmp_path, [tmp_path / "a.jpg", tmp_path]).tolist() == [False, False]
    assert readable_files(tmp_path, []).tolist() == []


@pytest.mark.parametrize("cut", [0, 2, 100, 600, 1200, 10**6])
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "bmp"])
def test_what_it_lets_pass_can_be_decoded_at_any_size(tmp_path: Path, ending: str, cut: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    file = tmp_path / f"a.{ending}"
    Image.fromarray(pixels).save(file)
    file.write_bytes(file.read_bytes()[:cut])
    for size in (8, 64):
        assert readable_files(tmp_path, [file])[0] == (not decode([file], size)[1])


@given(st.integers(1, 30), st.data())
def test_rows_kept_are_the_same_items(count: int, data: st.DataObject) -> None:
    rows = st.lists(st.integers(0, count - 1), unique=True).map(lambda r: np.array(r, dtype=np.int64))
    split = Split(data.draw(rows), data.draw(rows), data.draw(rows))
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    items = np.arange(count) * 7
    reduced = kept_rows(split, kept)
    for part in ("train", "query", "database"):
        expected = [row * 7 for row in getattr(split, part).tolist() if kept[row]]
        assert items[kept][getattr(reduced, part)].tolist() == expected
        assert getattr(reduced, part).dtype == np.int64


def test_the_note_names_a_few() -> None:
    assert left_out_note("x", ["a"], 9) == "x: 1 of 9 images is missing or unreadable and left out (a)."
    assert left_out_note("x", list("abcde"), 9).endswith("are missing or unreadable and left out (a, b, c and 2 more).")


def test_the_permission_ends_with_its_block() -> None:
    with pytest.raises(KeyError), allowing_missing(True):
        assert missing_allowed()
        with allowing_missing(False):
            assert not missing_allowed()
        raise KeyError
    assert not missing_allowed()

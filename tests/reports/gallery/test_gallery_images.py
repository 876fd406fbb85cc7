"""Images of stored cells: read one by one, of a dataset that is seen to be the same."""

import base64
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from bench.data.splits import part_split
from bench.errors import BenchError
from bench.grid.job import open_dataset
from bench.reports._gallery import images
from bench.reports._gallery.images import open_pictures
from bench.reports._gallery.thumbnails import SIDE, SMALL, thumbnail


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def image_of(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


def labels_of(stored):
    arrays = stored.arrays("query_labels", "database_labels")
    found = [arrays["query_labels"], arrays["database_labels"]]
    if stored.cell.multi_label:
        found = [np.unpackbits(part, axis=1, count=stored.cell.num_classes).astype(bool) for part in found]
    return found[0], found[1]


def opened(stored, root: Path | None):
    return open_pictures(stored, labels_of(stored), root)


def refused(stored, root: Path | None) -> str:
    with pytest.raises(BenchError) as caught:
        opened(stored, root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def table(root: Path) -> Path:
    """notes/labels.csv with three images, one of them in each part."""
    root.mkdir(parents=True)
    for i, name in enumerate("abc"):
        Image.fromarray(np.full((30, 50, 3), 60 * i + 20, np.uint8)).save(root / f"{name}.png")
    (root / "labels.csv").write_text("file,labels,split\na.png,x;y,train\nb.png,x,query\nc.png,x,database\n")
    return root


# ---- thumbnails


def test_large_pictures_become_small_ones() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    assert image_of(thumbnail(pixels)).size == (SIDE, SIDE)


@pytest.mark.parametrize("side", [1, 20, SMALL, 60, SIDE])
def test_no_picture_is_enlarged(side: int) -> None:
    assert image_of(thumbnail(np.full((side, side, 3), 9, np.uint8))).size == (side, side)


@pytest.mark.parametrize("webp", [True, False])
@pytest.mark.parametrize("grey", [True, False])
def test_small_pictures_lose_nothing(monkeypatch: pytest.MonkeyPatch, webp: bool, grey: bool) -> None:
    monkeypatch.setattr(features, "check", lambda name: webp)
    pixels = np.random.default_rng(1).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    pixels = np.repeat(pixels[..., :1], 3, axis=2) if grey else pixels
    uri = thumbnail(pixels)
    np.testing.assert_array_equal(np.asarray(image_of(uri).convert("RGB")), pixels)
    assert uri == thumbnail(pixels)
    assert uri.startswith("data:image/png" if not webp else "data:image/")


# ---- the dataset again


def test_rows_are_those_of_queries_and_database(shelved, shelf: Path) -> None:
    found = opened(shelved(), shelf.parent)
    dataset = open_dataset("image-folder", {}, "folders", shelf)
    assert found.query.tolist() == dataset.split.query.tolist()
    assert found.database.tolist() == dataset.split.database.tolist()
    assert found.note is None
    row = int(found.query[-1])
    pixels = found.read(row)
    assert pixels is not None
    np.testing.assert_array_equal(pixels, np.asarray(Image.open(dataset.files[row])))


def test_the_dataset_itself_may_be_named(shelved, shelf: Path) -> None:
    assert len(opened(shelved(), shelf).query) == 6


def test_a_validation_part_has_its_own_rows(shelved, shelf: Path) -> None:
    dataset = open_dataset("image-folder", {}, "folders", shelf)
    split = part_split(dataset.split, dataset.labels, "validation")
    found = opened(shelved(part="validation"), shelf.parent)
    assert found.query.tolist() == split.query.tolist() != dataset.split.query.tolist()


def test_only_what_is_shown_is_decoded(shelved, shelf: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    decode = images.decode
    monkeypatch.setattr(images, "decode", lambda files, side: decoded.append(len(files)) or decode(files, side))
    opened(shelved(), shelf.parent).read(3)
    assert decoded == [1]
    assert not list(own_cache.glob("images-*"))


def test_images_in_one_file(shelved, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)
    labels = {"train_labels": [0, 1, 0, 1], "query_labels": [0, 1]}
    np.savez(tmp_path / "digits.npz", train_images=pixels[:4], query_images=pixels[4:], **labels)
    stored = shelved(root=tmp_path / "digits.npz", dataset="arrays")
    for root in (tmp_path, tmp_path / "digits.npz"):
        found = opened(stored, root)
        np.testing.assert_array_equal(found.read(int(found.query[1])), pixels[5])


def test_vectors_are_no_images(shelved, tmp_path: Path) -> None:
    vectors = np.ones((4, 3), dtype=np.float32)
    np.savez(tmp_path / "v.npz", train_features=vectors, train_labels=[0, 1, 0, 1], query_features=vectors[:1],
             query_labels=[0])  # fmt: skip
    assert "are vectors" in refused(shelved(root=tmp_path / "v.npz", dataset="arrays"), tmp_path)


# ---- what is not there


def test_nobody_says_where(shelved) -> None:
    assert "--data-root DIR" in refused(shelved(), None)


def test_nothing_is_there(shelved, shelf: Path, tmp_path: Path) -> None:
    assert "there is no" in refused(shelved(), tmp_path)


def test_the_users_own_place(shelved, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DATA", str(shelf.parent))
    assert len(opened(shelved(), None).query) == 6


def test_a_name_does_not_lead_out_of_the_folder(shelved, shelf: Path) -> None:
    stored = shelved()
    for name in (str(shelf), "..", "", f"../{shelf.parent.name}/shelf"):
        changed = type(stored)(stored.cell.model_copy(update={"dataset_label": name}), stored.result, stored.path)
        assert "cannot be called" in refused(changed, shelf.parent)


def test_a_changed_dataset(shelved, shelf: Path) -> None:
    stored = shelved()
    Image.new("RGB", (9, 9)).save(shelf / "test" / "cat" / "new.png")
    assert "shelf has changed since" in refused(stored, shelf.parent)


def test_an_unknown_dataset_is_named_and_no_file_is_run(shelved, shelf: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    evil = tmp_path / "evil.py"
    evil.write_text(f"open({str(ran)!r}, 'w')\n")
    stored = shelved()
    for name in (str(evil), "gone"):
        changed = type(stored)(stored.cell.model_copy(update={"dataset": name}), stored.result, stored.path)
        assert "there is no dataset" in refused(changed, shelf.parent)
    assert not ran.exists()


def test_a_file_that_has_rotten_is_no_image(shelved, shelf: Path) -> None:
    stored, file = shelved(), shelf / "train" / "dog" / "1.png"
    before = file.stat()
    file.write_bytes(b"\0" * before.st_size)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # the digest in the cache still holds
    found = opened(stored, shelf.parent)
    files = open_dataset("image-folder", {}, "folders", shelf).files
    assert [row for row in range(len(files)) if found.read(row) is None] == [files.index(file)]


def test_files_that_are_gone_leave_the_others(shelved, tmp_path: Path) -> None:
    root = table(tmp_path / "data" / "notes")
    stored = shelved(root=root, dataset="multilabel-csv")
    (root / "c.png").unlink()
    found = opened(stored, root.parent)
    assert found.note is not None and "Files of notes have gone" in found.note
    assert found.read(int(found.database[0])) is None
    pixels = found.read(int(found.query[0]))
    assert pixels is not None and pixels.shape == (30, 30, 3) and (pixels == 80).all()


def test_files_that_are_gone_from_another_dataset_of_that_name(shelved, tmp_path: Path) -> None:
    root = table(tmp_path / "data" / "notes")
    stored = shelved(root=root, dataset="multilabel-csv")
    (root / "c.png").unlink()
    text = (root / "labels.csv").read_text()
    (root / "labels.csv").write_text(text.replace("b.png,x", "b.png,y"))
    assert "1 of 3 images are not below" in refused(stored, root.parent)


def test_images_that_were_left_out_are_left_out_again(shelved, tmp_path: Path) -> None:
    root = table(tmp_path / "data" / "notes")
    (root / "labels.csv").write_text((root / "labels.csv").read_text() + "d.png,y,database\n")
    whole = open_dataset("multilabel-csv", {}, "auto", root, allow_missing=True)
    stored = shelved(root=root, dataset="multilabel-csv", allow_missing=True, notes=whole.notes)
    found = opened(stored, root.parent)
    assert found.note is None
    assert found.database.tolist() == whole.split.database.tolist()
    assert found.read(int(found.database[0])) is not None

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import DataError
from bench.grid.job import open_dataset


def write(root: Path, counts: dict[str, int]) -> Path:
    rng = np.random.default_rng(len(counts))
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.fromarray(rng.integers(0, 256, (12, 15, 3), dtype=np.uint8)).save(root / folder / f"{i}.png")
    return root


def parts(root: Path, query: str = "query") -> Path:
    return write(root, {"train/cat": 4, "train/dog": 5, f"{query}/cat": 2, f"{query}/dog": 1})


def test_a_tree_of_classes_is_split_by_seed(tmp_path: Path) -> None:
    root = write(tmp_path / "pets", {"cat": 20, "dog": 10})
    dataset = open_dataset("image-folder", {}, "auto", root)
    assert (dataset.name, dataset.split_name, dataset.class_names) == ("pets", "stratified", ("cat", "dog"))
    assert np.bincount(dataset.labels[dataset.split.query]).tolist() == [2, 1]
    assert np.bincount(dataset.labels[dataset.split.database]).tolist() == [10, 5]
    other = open_dataset("image-folder", {"split_seed": 1}, "auto", root)
    assert dataset.fingerprint() != other.fingerprint()
    assert dataset.fingerprint() == open_dataset("image-folder", {}, "stratified", root).fingerprint()


@pytest.mark.parametrize("query", ["query", "test"])
def test_parts_in_folders(tmp_path: Path, query: str) -> None:
    dataset = open_dataset("image-folder", {}, "auto", write(parts(tmp_path, query), {"val/cat": 3}))
    assert dataset.split_name == "folders"
    assert [len(p) for p in (dataset.split.train, dataset.split.query, dataset.split.database)] == [9, 3, 9]
    assert dataset.images(8).shape == (12, 8, 8, 3)


def test_a_database_of_its_own(tmp_path: Path) -> None:
    dataset = open_dataset("image-folder", {}, "auto", write(parts(tmp_path), {"database/dog": 6}))
    assert len(dataset.split.database) == 6
    assert set(dataset.labels[dataset.split.database]) == {1}


def test_images_are_those_of_the_labels(tmp_path: Path) -> None:
    root = tmp_path / "colours"
    for name, colour in (("black", 0), ("white", 255)):
        for i in range(4):
            path = root / name / "deeper" / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((9, 9, 3), colour, np.uint8)).save(path)
    dataset = open_dataset("image-folder", {}, "auto", root)
    assert (dataset.images(5).mean((1, 2, 3)) == 255 * dataset.labels).all()


def test_fingerprint_follows_content_and_not_the_place(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a" / "pets", {"cat": 3, "dog": 3}), write(tmp_path / "b" / "pets", {"cat": 3, "dog": 3})
    before = open_dataset("image-folder", {}, "auto", a).fingerprint()
    assert before == open_dataset("image-folder", {}, "auto", b).fingerprint()
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(b / "cat" / "0.png")
    assert before != open_dataset("image-folder", {}, "auto", b).fingerprint()


@pytest.mark.parametrize(
    "tree",
    [
        {"animals": {"cat": {}, "dog": None}},
        {"cat": ["animals"], "dog": ["animals"]},
        {"fine": ["dog", "cat"], "coarse": ["animals"], "fine_to_coarse": [0, 0]},
    ],
)
def test_three_forms_of_a_class_tree(tmp_path: Path, tree: dict) -> None:
    root = write(tmp_path, {"cat": 3, "dog": 3})
    (root / "hierarchy.json").write_text(json.dumps(tree))
    dataset = open_dataset("image-folder", {}, "auto", root)
    assert dataset.hierarchy.paths == (("animals", "cat"), ("animals", "dog"))


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is no class tree"), ('{"cat": []}', "lacks 1 of 2 classes .dog."), ("[]", "is no class tree"),
     ('{"a": {"cat": 3}}', "is no class tree")],
)  # fmt: skip
def test_a_bad_class_tree_is_explained(tmp_path: Path, text: str, message: str) -> None:
    root = write(tmp_path, {"cat": 3, "dog": 3})
    (root / "hierarchy.json").write_text(text)
    with pytest.raises(DataError, match=message):
        open_dataset("image-folder", {}, "auto", root)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"cat": 3, "dog": 0}, "class folder .*dog has no images"),
        ({"cat": 5}, "has 1 class; hashing by class needs at least 2"),
        ({"cat": 5, "dog": 2}, "at least 3"),
        ({"train/cat": 2, "train/dog": 2}, "no folder 'query'"),
        ({"train/cat": 2, "train/dog": 2, "query/cow": 1}, "1 classes without training images .cow."),
    ],
)
def test_bad_folders_end_in_one_sentence(tmp_path: Path, counts: dict[str, int], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        open_dataset("image-folder", {}, "auto", write(tmp_path, counts))
    assert "\n" not in str(caught.value)


def test_a_folder_without_folders_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no class folders"):
        open_dataset("image-folder", {}, "auto", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is not a folder"):
        open_dataset("image-folder", {}, "auto", tmp_path / "file")


def test_hidden_files_are_no_images(tmp_path: Path) -> None:
    root = write(tmp_path, {"cat": 3, "dog": 3})
    (root / "cat" / "._0.png").write_text("")
    (root / "cat" / "notes.txt").write_text("")
    (root / ".git").mkdir()
    assert len(open_dataset("image-folder", {}, "auto", root).labels) == 6


def test_links_that_lead_out_of_the_folder(tmp_path: Path) -> None:
    root = write(tmp_path / "pets", {"cat": 3, "dog": 3})
    outside = root / "cat" / "0.png"
    outside.rename(tmp_path / "0.png")
    outside.symlink_to(tmp_path / "0.png")
    with pytest.raises(DataError, match=r"pets: 1 images lie outside .*pets .*cat/0.png.: put them below it"):
        open_dataset("image-folder", {}, "auto", root)
    (tmp_path / "0.png").unlink()  # it leads nowhere now, and is not passed over
    with pytest.raises(DataError, match="1 images lie outside"):
        open_dataset("image-folder", {}, "auto", root)
    outside.unlink()
    outside.symlink_to("1.png")
    (tmp_path / "link").symlink_to(root)
    assert len(open_dataset("image-folder", {}, "auto", tmp_path / "link").labels) == 6


def test_the_real_photographs(real_data: Path) -> None:
    dataset = open_dataset("image-folder", {}, "auto", real_data / "grocery")
    assert (dataset.num_classes, len(dataset.split.train), len(dataset.split.query)) == (81, 2640, 2485)

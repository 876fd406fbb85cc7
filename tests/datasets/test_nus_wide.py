import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import DataError
from bench.grid.job import open_dataset

CONCEPTS = [f"thing{c:02d}" for c in range(81)]
RARITY = np.random.default_rng(3).permutation(81)  # concept c is on every (6 + RARITY[c])-th image or so
COUNT = 420
SMALL = {"query_per_class": 2, "train_per_class": 3, "query": 30, "train": 300}


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 9), "blue").save(buffer, "jpeg")
    return buffer.getvalue()


def labels() -> np.ndarray:
    table = np.random.default_rng(0).random((COUNT, 81)) < 1 / (6 + RARITY / 2)
    table[::20] = False
    return table


def write(root: Path) -> Path:
    """The official archives: label files by concept, a list with backslashes, images by search word."""
    folder = root / "NUS-WIDE"
    for name in ("Groundtruth/AllLabels", "ImageList", "Flickr/actor", "Flickr/zoo"):
        (folder / name).mkdir(parents=True)
    for name, column in zip(CONCEPTS, labels().astype(int).T.tolist(), strict=True):
        (folder / f"Groundtruth/AllLabels/Labels_{name}.txt").write_text("".join(f"{x}\n" for x in column))
    names = [f"{'actor' if i % 2 else 'zoo'}\\{i:04d}_{i * 7}.jpg" for i in range(COUNT)]
    (folder / "ImageList/Imagelist.txt").write_bytes("\r\n".join(names).encode())
    for name in names:
        (folder / "Flickr" / name.replace("\\", "/")).write_bytes(jpeg())
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("built"))


@pytest.fixture
def root(tmp_path: Path, built: Path) -> Path:
    """A tree to spoil: images are links to those built once, the rest are copies."""
    shutil.copytree(
        built / "NUS-WIDE", tmp_path / "NUS-WIDE",
        copy_function=lambda a, b: (os.link if ".jpg" in a else shutil.copy)(a, b),
    )  # fmt: skip
    return tmp_path


def test_81_concepts(root: Path) -> None:
    dataset = open_dataset("nus_wide", SMALL, "seeded-81", root)
    table = labels()
    kept = np.flatnonzero(table.any(axis=1))
    assert len(kept) < COUNT
    assert dataset.class_names == tuple(CONCEPTS)
    assert np.array_equal(dataset.labels, table[kept])
    assert [int(file.name[:4]) for file in dataset.files] == kept.tolist()
    assert (len(dataset.split.query), len(dataset.split.train)) == (30, 300)
    assert len(dataset.split.database) == len(kept) - 30
    assert dataset.images(8).shape == (len(kept), 8, 8, 3)


def test_the_21_commonest_concepts(root: Path) -> None:
    dataset = open_dataset("nus_wide", SMALL, "seeded-21", root / "NUS-WIDE")
    counts = labels().sum(axis=0)
    assert list(dataset.class_names) == sorted(dataset.class_names)
    left_out = [c for c, name in enumerate(CONCEPTS) if name not in dataset.class_names]
    chosen = [CONCEPTS.index(name) for name in dataset.class_names]
    assert len(chosen) == 21
    assert counts[chosen].min() >= counts[left_out].max()
    rows = labels()[:, chosen]
    assert np.array_equal(dataset.labels, rows[rows.any(axis=1)])
    assert (len(dataset.split.query), len(dataset.split.train)) == (42, 63)
    assert np.isin(dataset.split.train, dataset.split.database).all()


@pytest.mark.parametrize("split", ["seeded-21", "seeded-81"])
def test_splits_follow_the_seed(root: Path, split: str) -> None:
    first, again, other = (open_dataset("nus_wide", SMALL | {"split_seed": s}, split, root) for s in (0, 0, 1))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
    assert not np.array_equal(first.split.query, other.split.query)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("Groundtruth/AllLabels/Labels_thing07.txt", "0\n1\n2\n", r"Labels_thing07.txt, line 3: a label is neither"),
        ("Groundtruth/AllLabels/Labels_thing07.txt", "0\n11\n", r"Labels_thing07.txt, line 2: a label is neither"),
        ("Groundtruth/AllLabels/Labels_thing07.txt", "0\n1\n", r"has 2 labels, Labels_thing00.txt has 420"),
        ("Groundtruth/AllLabels/Labels_thing07.txt", None, r"has 80 files Labels_\*.txt, not 81"),
        ("ImageList/Imagelist.txt", "a.jpg\nb.jpg\n", r"names 2 images for 420 labels"),
        ("ImageList/Imagelist.txt", "a.jpg\n" * COUNT, r"names 419 images twice"),
        ("ImageList/Imagelist.txt", None, r"Imagelist.txt cannot be read"),
        ("Flickr/actor/0001_7.jpg", None, r"1 of \d+ images are not below .*Flickr .actor/0001_7.jpg"),
    ],
)
def test_bad_files_end_in_one_sentence(root: Path, file: str, content: str | None, message: str) -> None:
    path = root / "NUS-WIDE" / file
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        open_dataset("nus_wide", SMALL, "seeded-81", root)
    assert "\n" not in str(caught.value)


def test_a_list_that_leaves_the_folder(root: Path) -> None:
    path = root / "NUS-WIDE/ImageList/Imagelist.txt"
    path.write_text(path.read_text().replace("actor\\0001", "..\\..\\0001"))
    with pytest.raises(DataError, match=r"1 images lie outside"):
        open_dataset("nus_wide", SMALL, "seeded-81", root)


def test_missing_folders_and_too_few_images(tmp_path: Path, root: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"there is no Groundtruth/AllLabels in"):
        open_dataset("nus_wide", {}, "seeded-21", tmp_path / "empty")
    with pytest.raises(DataError, match=r"too few for 100 queries .*: lower nus_wide.query_per_class"):
        open_dataset("nus_wide", {}, "seeded-21", root)
    with pytest.raises(DataError, match=r"fewer than the 5000 queries and 10000 training images"):
        open_dataset("nus_wide", {}, "seeded-81", root)


def write_lists(folder: Path, columns: int) -> Path:
    """Twice as many training images as concepts, each with one; a query with all and one with none."""
    (folder / "images").mkdir()
    rows = {f"images/{i}_m.jpg": np.arange(columns) == i % columns for i in range(2 * columns)}
    rows |= {"images/all_m.jpg": np.ones(columns, bool), "images/none_m.jpg": np.zeros(columns, bool)}
    lines = [" ".join([name, *map(str, row.astype(int).tolist())]) + "\n" for name, row in rows.items()]
    for name, part in (("train", lines[:-2]), ("test", lines[-2:]), ("database", lines[:-2])):
        (folder / f"{name}.txt").write_text("".join(part))
    for name in rows:
        (folder / name).write_bytes(jpeg())
    return folder


@pytest.mark.parametrize("columns", [21, 81])
def test_published_lists(tmp_path: Path, columns: int) -> None:
    dataset = open_dataset("nus_wide", {}, "lists", write_lists(tmp_path, columns))
    assert dataset.num_classes == columns
    assert dataset.class_names[0] == "concept 0"
    assert dataset.labels[dataset.split.query].sum(axis=1).tolist() == [columns, 0]
    assert (dataset.labels[dataset.split.train].sum(axis=0) == 2).all()


def test_bad_lists(tmp_path: Path) -> None:
    write_lists(tmp_path, 20)
    with pytest.raises(DataError, match=r"train.txt, line 1: 20 labels after the path where 21 or 81 belong"):
        open_dataset("nus_wide", {}, "lists", tmp_path)
    (tmp_path / "other").mkdir()
    write_lists(tmp_path / "other", 21)
    queries = (tmp_path / "other/test.txt").read_text()
    with (tmp_path / "other/database.txt").open("a") as file:
        file.write(queries)
    with pytest.raises(DataError, match=r"2 of 2 queries .* also in database.txt: set nus_wide.drop_overlap=true"):
        open_dataset("nus_wide", {}, "lists", tmp_path / "other")
    dataset = open_dataset("nus_wide", {"drop_overlap": True}, "lists", tmp_path / "other")
    assert len(dataset.split.database) == 42


def test_a_concept_without_training_images(tmp_path: Path) -> None:
    write_lists(tmp_path, 21)
    lines = (tmp_path / "train.txt").read_text().splitlines(keepends=True)
    (tmp_path / "train.txt").write_text("".join(line for i, line in enumerate(lines) if i % 21 != 4))
    with pytest.raises(DataError, match=r"1 of 21 classes have no training image .concept 4."):
        open_dataset("nus_wide", {}, "lists", tmp_path)

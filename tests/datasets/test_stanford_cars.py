import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat

from bench.errors import DataError
from bench.grid.job import open_dataset
from bench.plugins import registry

NAMES = ["AM General Hummer SUV 2000", "Acura Integra Type R 2001", "Ford Ranger SuperCab 2011"]
# Class number (from 1) of each image; the devkit's own order, training images first.
TRAIN, TEST = [3, 1, 2, 1, 2, 3, 1, 2], [1, 2, 3, 3, 2]
BOX = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")


def structs(rows: list[dict[str, Any]]) -> np.ndarray:
    """A 1 x n struct array, as the devkit's."""
    table = np.zeros((1, len(rows)), dtype=[(field, object) for field in rows[0]])
    for i, row in enumerate(rows):
        table[0, i] = tuple(row.values())
    return table


def annotate(path: Path, names: list[str], **columns: list[Any]) -> None:
    """Annotations as MATLAB's struct array; columns class, test, ..."""
    key = "relative_im_path" if "test" in columns else "fname"
    box = dict.fromkeys(BOX, np.uint16(300))
    rows = [
        box | {field: np.uint8(column[i]) for field, column in columns.items()} | {key: name}
        for i, name in enumerate(names)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"annotations": structs(rows)}, do_compression=True)


def name_classes(path: Path, names: list[str] = NAMES) -> None:
    savemat(path, {"class_names": np.array(names, dtype=object)[None]})


def draw(file: Path, shade: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (10, 8), (shade, shade, shade)).save(file)


def numbered(count: int) -> list[str]:
    return [f"{i + 1:05d}.jpg" for i in range(count)]


def devkit(root: Path, beside: bool = False) -> Path:
    """The three archives and the labelled test annotations, in devkit/ or beside it."""
    for part, labels in (("train", TRAIN), ("test", TEST)):
        for name, label in zip(numbered(len(labels)), labels, strict=True):
            draw(root / f"cars_{part}" / name, 60 * label)
    annotate(root / "devkit" / "cars_train_annos.mat", numbered(len(TRAIN)), **{"class": TRAIN})
    annotate(root / "devkit" / "cars_test_annos.mat", numbered(len(TEST)))
    labeled = (root if beside else root / "devkit") / "cars_test_annos_withlabels.mat"
    annotate(labeled, numbered(len(TEST)), **{"class": TEST})
    name_classes(root / "devkit" / "cars_meta.mat")
    return root


def joined(root: Path) -> Path:
    """car_ims/ and cars_annos.mat, sorted by class."""
    rows = sorted([(c, 0) for c in TRAIN] + [(c, 1) for c in TEST])
    names = [f"car_ims/{i + 1:06d}.jpg" for i in range(len(rows))]
    for name, (label, _) in zip(names, rows, strict=True):
        draw(root / name, 60 * label)
    path = root / "cars_annos.mat"
    annotate(path, names, **{"class": [c for c, _ in rows], "test": [t for _, t in rows]})
    savemat(path, {"annotations": loadmat(path)["annotations"], "class_names": np.array(NAMES, dtype=object)[None]})
    return root


def cars(root: Path, split: str = "official", **config: int):
    return open_dataset("stanford_cars", config, split, root)


def test_the_official_split_of_the_devkit(tmp_path: Path) -> None:
    dataset = cars(devkit(tmp_path))
    assert dataset.class_names == tuple(NAMES)
    assert dataset.labels.tolist() == [c - 1 for c in TRAIN + TEST]
    assert dataset.split.train.tolist() == dataset.split.database.tolist() == list(range(8))
    assert dataset.split.query.tolist() == list(range(8, 13))
    images = dataset.images(4)
    assert images.shape == (13, 4, 4, 3)
    assert np.abs(images[:, 2, 2, 0] - 60.0 * (dataset.labels + 1)).max() <= 2  # each image is its label's


def test_the_joined_annotations(tmp_path: Path) -> None:
    dataset = cars(joined(tmp_path))
    assert (dataset.class_names, len(dataset.split.train), len(dataset.split.query)) == (tuple(NAMES), 8, 5)
    assert np.bincount(dataset.labels[dataset.split.query]).tolist() == [1, 2, 2]
    assert np.abs(dataset.images(4)[:, 2, 2, 0] - 60.0 * (dataset.labels + 1)).max() <= 2


def test_where_the_files_lie_changes_nothing(tmp_path: Path) -> None:
    places = [
        devkit(tmp_path / "a"),
        devkit(tmp_path / "b", beside=True),
        devkit(tmp_path / "c" / "stanford_cars").parent,
    ]
    renamed = devkit(tmp_path / "d")
    kit = renamed / "devkit"
    (kit / "cars_test_annos_withlabels.mat").replace(kit / "cars_test_annos.mat")  # some copies name it so
    assert len({cars(place).fingerprint() for place in [*places, renamed]}) == 1


def test_body_and_make_come_from_the_names(tmp_path: Path) -> None:
    assert cars(devkit(tmp_path)).hierarchy.paths == (
        ("SUV", "AM General", NAMES[0]),
        ("other", "Acura", NAMES[1]),
        ("Cab", "Ford", NAMES[2]),
    )


@pytest.mark.parametrize(
    ("name", "body", "make"),
    [
        ("Audi S4 Sedan 2012", "Sedan", "Audi"), ("Land Rover LR2 SUV 2012", "SUV", "Land Rover"),
        ("Infiniti G Coupe IPL 2012", "other", "Infiniti"), ("Ram C/V Cargo Van Minivan 2012", "Minivan", "Ram"),
        ("smart fortwo Convertible 2012", "Convertible", "smart"), ("Trabant 601 Sedan 1970", "Sedan", "other"),
        ("Fordson Van", "other", "other"), ("", "other", "other"),
    ],
)  # fmt: skip
def test_a_name_that_tells_and_one_that_does_not(name: str, body: str, make: str) -> None:
    assert helper("_car_names").car_path(name) == (body, make, name)


def helper(name: str) -> Any:
    module = registry("dataset").load("stanford_cars").__module__
    return sys.modules[module.replace("stanford_cars", name)]


def test_the_real_names(real_data: Path) -> None:
    path = real_data / "hierarchies" / "stanford_cars196.json"
    if not path.is_file():
        pytest.skip("$BENCH_TEST_DATA has no hierarchies/stanford_cars196.json")
    classes = json.loads(path.read_text())["classes"]
    for c in classes:
        assert helper("_car_names").car_path(c["name"]) == (c["body"] or "other", c["make"], c["name"])


def full_size() -> tuple[np.ndarray, np.ndarray]:
    """Labels and training flags of as many images as there are, 24 to 68 of a class training."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.repeat(np.arange(196), 24), rng.integers(0, 196, 16_185 - 196 * 24)])
    return labels, np.arange(16_185) < 8_144


def test_the_papers_sizes() -> None:
    labels, training = full_size()
    split = helper("stanford_cars")._split
    official, b, again, other = (
        split(*x) for x in (("official", labels, training, 0), *(("shc-b", labels, training, s) for s in (0, 0, 1)))
    )
    assert (len(official.train), len(official.query), len(official.database)) == (8_144, 8_041, 8_144)
    assert (len(b.train), len(b.query), len(b.database)) == (5_880, 1_958, 8_347)
    b.check("shc-b")
    assert len(np.intersect1d(b.train, b.database)) == 0
    for part in ("train", "query", "database"):
        assert np.array_equal(getattr(b, part), getattr(again, part))
        assert not np.array_equal(getattr(b, part), getattr(other, part))


def test_the_seeded_split_is_the_same_on_rebuild(tmp_path: Path) -> None:
    root = devkit(tmp_path)
    first, again, other = (cars(root, "shc-b", split_seed=seed) for seed in (0, 0, 3))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
    parts = [first.split.train, first.split.query, first.split.database]
    assert sorted(np.concatenate(parts)) == list(range(13))
    assert [len(p) for p in parts] == [5, 1, 7]  # 13 images in the ratio 5,880 : 1,958 : 8,347


def unlabeled(root: Path) -> None:
    (root / "devkit" / "cars_test_annos_withlabels.mat").unlink()


def train_annos(names: list[str], classes: list[int] = TRAIN) -> Any:
    return lambda root: annotate(root / "devkit" / "cars_train_annos.mat", names, **{"class": classes})


def replace(name: str, **variables: Any) -> Any:
    return lambda root: savemat(root / "devkit" / name, variables)


def cut(root: Path) -> None:
    path = root / "devkit" / "cars_train_annos.mat"
    path.write_bytes(path.read_bytes()[:-40])


GOOD = numbered(8)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (unlabeled, "has no labels of the test images: cars_test_annos_withlabels.mat is needed"),
        (cut, r"cars_train_annos.mat cannot be read as a MATLAB file"),
        (lambda root: shutil.rmtree(root / "devkit"), r"neither devkit/ .* nor cars_annos.mat"),
        (lambda root: shutil.rmtree(root / "cars_test"), "5 of 13 images are not below"),
        (lambda root: (root / "cars_train" / "00002.jpg").unlink(), r"1 of 13 images .*cars_train/00002.jpg"),
        (lambda root: (root / "devkit" / "cars_meta.mat").unlink(), "cars_meta.mat cannot be read.*No such file"),
        (train_annos(GOOD, [197, *TRAIN[1:]]), r"give cars_train/00001.jpg the class 197, which is out of range"),
        (train_annos(GOOD, [0, *TRAIN[1:]]), "the class 0, which is out of range: there are 1 to 3"),
        (train_annos([*GOOD[:7], "../../evil.jpg"]), "1 images lie outside"),
        (train_annos([*GOOD[:7], "/etc/passwd"]), r"1 of 13 images .*cars_train//etc/passwd"),
        (train_annos([*GOOD[:7], GOOD[0]]), "list an image twice"),
        (train_annos(GOOD, [1, 1, 2, 1, 2, 1, 1, 2]), r"1 of 3 classes have no training image \(Ford Ranger"),
        (replace("cars_train_annos.mat", annos=[1]), "has no variable 'annotations'"),
        (replace("cars_train_annos.mat", annotations=[1, 2]), "its annotations are no struct array"),
        (replace("cars_train_annos.mat", annotations=structs([{"class": 1}])), "have no field fname"),
        (replace("cars_train_annos.mat", annotations=structs([{"fname": "a.jpg", "class": 1.5}])), "no whole number"),
        (replace("cars_train_annos.mat", annotations=structs([{"fname": "a.jpg", "class": np.inf}])), "whole number"),
        (replace("cars_train_annos.mat", annotations=structs([{"fname": "a.jpg", "class": "x"}])), "no whole number"),
        (replace("cars_train_annos.mat", annotations=structs([{"fname": 3.0, "class": 1}])), "names no image"),
        (replace("cars_meta.mat", class_names=[1, 2]), "its class_names are no list of names"),
    ],
)  # fmt: skip
def test_bad_input_ends_in_one_sentence(tmp_path: Path, spoil: Any, message: str) -> None:
    root = devkit(tmp_path / "data")
    spoil(root)
    with pytest.raises(DataError, match=message) as caught:
        cars(root)
    assert "\n" not in str(caught.value)


def test_links_out_of_the_tree_are_refused(tmp_path: Path) -> None:
    root = devkit(tmp_path / "data")
    draw(tmp_path / "elsewhere.jpg", 0)
    image = root / "cars_test" / "00001.jpg"
    image.unlink()
    image.symlink_to(tmp_path / "elsewhere.jpg")
    with pytest.raises(DataError, match=r"1 images lie outside .*cars_test/00001.jpg"):
        cars(root)
    (root / "cars_train").rename(tmp_path / "cars_train")
    (root / "cars_train").symlink_to(tmp_path / "cars_train")
    with pytest.raises(DataError, match="9 images lie outside"):
        cars(root)


def test_a_missing_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"unpack the archives there\.$"):
        cars(tmp_path / "nowhere")


@pytest.mark.slow
def test_the_whole_size_opens(tmp_path: Path) -> None:
    labels, training = full_size()
    for part, rows in (("train", labels[training]), ("test", labels[~training])):
        names = numbered(len(rows))
        (tmp_path / f"cars_{part}").mkdir()
        for name in names:
            (tmp_path / f"cars_{part}" / name).touch()
        suffix = "_withlabels" if part == "test" else ""
        annotate(tmp_path / "devkit" / f"cars_{part}_annos{suffix}.mat", names, **{"class": (rows + 1).tolist()})
    name_classes(tmp_path / "devkit" / "cars_meta.mat", [f"Ford Model {i} Sedan 1908" for i in range(196)])
    sizes = {split: cars(tmp_path, split).split for split in ("official", "shc-b")}
    assert [len(p) for p in vars(sizes["official"]).values()] == [8_144, 8_041, 8_144]
    assert [len(p) for p in vars(sizes["shc-b"]).values()] == [5_880, 1_958, 8_347]

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.datasets._coco_annotations import CLASS_NAMES, read_instances
from bench.errors import DataError
from bench.grid.job import open_dataset

IDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 27, 28, 31, 32, 33, 34,
       35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
       64, 65, 67, 70, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 84, 85, 86, 87, 88, 89, 90]  # fmt: skip
SMALL = {"query": 20, "train": 150}
PER_PART = 120


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 8), "red").save(buffer, "jpeg")
    return buffer.getvalue()


def classes_of(image_id: int) -> set[int]:
    """Columns of an image; every seventh has none."""
    return set() if image_id % 7 == 0 else set(np.random.default_rng(image_id).permutation(80)[:8].tolist())


def instances(image_ids: list[int], form: str, classes: Any = classes_of) -> dict[str, Any]:
    """An instances file as COCO's own: a box and polygons for each object, several of one class."""
    objects = [(i, c) for i in image_ids for c in sorted(classes(i)) for _ in range(1 + c % 2)]
    return {
        "info": {"year": 2014}, "licenses": [{"id": 1, "name": "x", "url": "y"}],
        "images": [{"license": 1, "file_name": form.format(i), "height": 8, "width": 9, "id": i} for i in image_ids],
        "annotations": [
            {"segmentation": [[1.5, 2.5, 3.5, 4.5]], "area": 4.2, "iscrowd": n % 2, "image_id": i, "id": n,
             "bbox": [0.5, 1, 2, 3], "category_id": IDS[c]} for n, (i, c) in enumerate(objects)
        ],
        "categories": [
            {"supercategory": "s", "id": number, "name": name}
            for number, name in reversed(list(zip(IDS, CLASS_NAMES, strict=True)))
        ],
    }  # fmt: skip


def write(root: Path, year: str = "2014") -> Path:
    ids = np.random.default_rng(0).permutation(10 * np.arange(2 * PER_PART) + np.arange(2 * PER_PART) % 9 + 1)
    (root / "annotations").mkdir(parents=True)
    for part, chosen in (("train", ids[:PER_PART]), ("val", ids[PER_PART:])):
        form = f"COCO_{part}2014_{{:012d}}.jpg" if year == "2014" else "{:012d}.jpg"
        (root / f"{part}{year}").mkdir()
        for i in chosen.tolist():
            (root / f"{part}{year}" / form.format(i)).write_bytes(jpeg())
        content = json.dumps(instances(chosen.tolist(), form))
        (root / "annotations" / f"instances_{part}{year}.json").write_text(content)
    return root


def number(file: Path) -> int:
    return int(file.stem.split("_")[-1])


def change(root: Path, edit: Any) -> None:
    path = root / "annotations" / "instances_val2014.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("built") / "coco")


@pytest.fixture
def root(tmp_path: Path, built: Path) -> Path:
    """A tree to spoil: images are links to those built once, annotations are copies."""
    shutil.copytree(
        built, tmp_path / "coco", copy_function=lambda a, b: (shutil.copy if ".json" in a else os.link)(a, b)
    )
    return tmp_path / "coco"


def test_labels_are_those_of_the_objects(root: Path) -> None:
    dataset = open_dataset("coco", SMALL, "hashnet", root)
    assert dataset.class_names == CLASS_NAMES
    assert [number(file) for file in dataset.files] == sorted(i for i in map(number, dataset.files) if i % 7)
    for file, row in zip(dataset.files, dataset.labels, strict=True):
        assert set(np.flatnonzero(row)) == classes_of(number(file))
        assert file.parent.name == file.name.split("_")[1]
    assert dataset.images(8).shape == (len(dataset.labels), 8, 8, 3)
    assert (dataset.images(8)[:, 4, 4, 0] > 200).all()


def test_the_classes_are_cocos() -> None:
    assert len(set(CLASS_NAMES)) == len(IDS) == 80
    known = {1: "person", 13: "stop sign", 27: "backpack", 44: "bottle", 62: "chair", 72: "tv", 90: "toothbrush"}
    assert {number: CLASS_NAMES[IDS.index(number)] for number in known} == known


def test_the_supercategories_are_its_tree(root: Path) -> None:
    paths = open_dataset("coco", SMALL, "hashnet", root).hierarchy.paths
    assert [path[-1] for path in paths] == list(CLASS_NAMES)
    assert len({path[0] for path in paths}) == 12
    assert {("vehicle", "car"), ("person", "person"), ("indoor", "toothbrush")} <= set(paths)


def test_both_years_and_both_places_give_one_split(tmp_path: Path, root: Path) -> None:
    newer = write(tmp_path / "newer" / "coco", "2017")
    datasets = [open_dataset("coco", SMALL, "hashnet", place) for place in (root, root.parent, newer)]
    for dataset in datasets[1:]:
        assert np.array_equal(dataset.labels, datasets[0].labels)
        assert [number(f) for f in dataset.files] == [number(f) for f in datasets[0].files]
        for part in ("train", "query", "database"):
            assert np.array_equal(getattr(dataset.split, part), getattr(datasets[0].split, part))
    assert datasets[0].fingerprint() == datasets[1].fingerprint()


def test_the_split_follows_the_seed(root: Path) -> None:
    first, again, other = (open_dataset("coco", SMALL | {"split_seed": s}, "hashnet", root).split for s in (0, 0, 1))
    assert (len(first.query), len(first.train)) == (20, 150)
    assert np.isin(first.train, first.database).all()
    assert np.array_equal(first.query, again.query)
    assert not np.array_equal(first.query, other.query)


@pytest.mark.slow
def test_the_official_sizes_on_labels_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "annotations").mkdir()
    for part, first, count, empty in (("train", 0, 82_783, 702), ("val", 200_000, 40_504, 367)):
        content = instances(
            list(range(first, first + count)), "{}.jpg", lambda i, e=first + empty: {i % 80} if i >= e else set()
        )
        (tmp_path / "annotations" / f"instances_{part}2014.json").write_text(json.dumps(content))
    monkeypatch.setattr(Path, "is_file", lambda self: True)
    dataset = open_dataset("coco", {}, "hashnet", tmp_path)
    assert len(dataset.labels) == 122_218
    split = dataset.split
    assert (len(split.query), len(split.database), len(split.train)) == (5000, 117_218, 10_000)


def test_parsed_labels_are_kept_and_follow_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "annotations" / "instances_train2014.json"
    first = read_instances(path)
    monkeypatch.setattr(json, "load", lambda *_, **__: pytest.fail("parsed again"))
    assert np.array_equal(read_instances(path), first)
    monkeypatch.undo()
    path.write_text(json.dumps(instances([5, 9], "{}.jpg")))
    assert read_instances(path)["file"].tolist() == ["5.jpg", "9.jpg"]


def drop(content: dict[str, Any], key: str, inner: str | None = None) -> None:
    if inner is None:
        del content[key]
    else:
        del content[key][3][inner]


def put(content: dict[str, Any], key: str, inner: str, value: Any) -> None:
    content[key][3][inner] = value


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: drop(c, "categories"), "instances_val2014.json is not a whole COCO instances file .no 'categories'"),
        (lambda c: drop(c, "annotations", "category_id"), "is not a whole COCO instances file .no 'category_id'"),
        (lambda c: drop(c, "images", "file_name"), "is not a whole COCO instances file .no 'file_name'"),
        (lambda c: put(c, "annotations", "image_id", "seven"), "is not a whole COCO instances file"),
        (lambda c: put(c, "annotations", "image_id", None), "is not a whole COCO instances file"),
        (lambda c: put(c, "annotations", "image_id", 10**30), "is not a whole COCO instances file"),
        (lambda c: put(c, "annotations", "image_id", float("inf")), "is not a whole COCO instances file"),
        (lambda c: put(c, "images", "file_name", "x" * 300), "a file name is longer than any can be"),
        (lambda c: c.update(images=None), "is not a whole COCO instances file"),
        (lambda c: put(c, "annotations", "image_id", 999_999), "1 annotations of images that it does not list .id 99"),
        (lambda c: put(c, "annotations", "category_id", 12), "1 annotations of categories that it does not list"),
        (lambda c: put(c, "categories", "name", "unicorn"), "80 categories that are not COCO's 80"),
        (lambda c: c.update(categories=c["categories"][-1:]), "1 categories that are not COCO's 80"),  # keypoints
        (lambda c: put(c, "images", "id", c["images"][0]["id"]), "lists an image twice"),
        (lambda c: put(c, "images", "file_name", c["images"][0]["file_name"]), "lists an image twice"),
        (lambda c: put(c, "images", "file_name", "../../x.jpg"), "lie outside"),
        (lambda c: put(c, "images", "file_name", "gone.jpg"), "1 of 2.. images are not below .*val2014/gone.jpg"),
    ],
)  # fmt: skip
def test_bad_annotations_end_in_one_sentence(root: Path, edit: Any, message: str) -> None:
    def annotated_fourth(
        content: dict[str, Any],
    ) -> None:  # an image without objects is left out, whatever it is called
        content["images"].sort(key=lambda image: image["id"] % 7 == 0)
        edit(content)

    change(root, annotated_fourth)
    with pytest.raises(DataError, match=message) as caught:
        open_dataset("coco", SMALL, "hashnet", root)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"3", b'{"images": [', b"\xff\xfe", b"[" * 100_000])
def test_a_cut_file_is_explained(root: Path, content: bytes) -> None:
    path = root / "annotations" / "instances_val2014.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"instances_val2014.json is not a whole COCO instances file.*unpack it again"):
        open_dataset("coco", SMALL, "hashnet", root)
    path.write_text(json.dumps(instances([5], "{}.jpg"))[:-40])
    with pytest.raises(DataError, match=r"is not a whole COCO instances file"):
        open_dataset("coco", SMALL, "hashnet", root)


def test_one_image_in_both_files(root: Path) -> None:
    train = json.loads((root / "annotations" / "instances_train2014.json").read_text())
    (root / "annotations" / "instances_val2014.json").write_text(json.dumps(train))
    with pytest.raises(DataError, match=r"images are in both instances files"):
        open_dataset("coco", SMALL, "hashnet", root)


def test_missing_folders_and_files(tmp_path: Path, root: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"there is no annotations in .*unpack its archive there"):
        open_dataset("coco", SMALL, "hashnet", tmp_path / "empty")
    with pytest.raises(DataError, match=r"there is no train.txt"):
        open_dataset("coco", SMALL, "lists", root)
    with pytest.raises(DataError, match=r"fewer than the 5000 queries and 10000 training images"):
        open_dataset("coco", {}, "hashnet", root)
    (root / "annotations" / "instances_val2014.json").unlink()
    with pytest.raises(DataError, match=r"lacks instances_train2014.json or instances_val2014.json"):
        open_dataset("coco", SMALL, "hashnet", root)


def test_a_class_without_training_images(root: Path) -> None:
    with pytest.raises(DataError, match=r"classes have no training image"):
        open_dataset("coco", SMALL | {"train": 10}, "hashnet", root)


ALPHABETICAL = sorted(CLASS_NAMES)


def line(name: str, classes: list[str], order: list[str]) -> str:
    return " ".join([name, *("1" if c in classes else "0" for c in order)]) + "\n"


def write_lists(folder: Path, order: list[str] = ALPHABETICAL, people: int = 0) -> Path:
    """Each class on one training image; further images of people in the database; one query without a label."""
    train = [line(f"train2014/{i}.jpg", [name], order) for i, name in enumerate(CLASS_NAMES)]
    crowd = [line(f"train2014/p{i}.jpg", ["person"], order) for i in range(people)]
    query = [line("val2014/q.jpg", ["zebra", "person"], order), line("val2014/none.jpg", [], order)]
    for name, lines in (("train", train), ("test", query), ("database", train + crowd)):
        (folder / f"{name}.txt").write_text("".join(lines))
    for text in (*query, *train, *crowd):
        (folder / text.split()[0]).parent.mkdir(exist_ok=True)
        (folder / text.split()[0]).write_bytes(jpeg())
    return folder


@pytest.mark.parametrize("columns", ["alphabetical", "category-id"])
def test_the_columns_of_lists_are_named(tmp_path: Path, columns: str) -> None:
    order = ALPHABETICAL if columns == "alphabetical" else list(CLASS_NAMES)
    dataset = open_dataset("coco", {"list_columns": columns}, "lists", write_lists(tmp_path, order))
    assert (dataset.labels[:80] == np.eye(80, dtype=bool)).all()
    zebra, none = dataset.labels[dataset.split.query]
    assert [CLASS_NAMES[c] for c in np.flatnonzero(zebra)] == ["person", "zebra"]
    assert not none.any()
    assert len(dataset.split.train) == len(dataset.split.database) == 80


def test_lists_in_another_order_than_said(tmp_path: Path) -> None:
    write_lists(tmp_path, list(CLASS_NAMES), people=1000)
    with pytest.raises(DataError, match=r"look category-id, not alphabetical: .*coco.list_columns=category-id"):
        open_dataset("coco", {}, "lists", tmp_path)
    open_dataset("coco", {"list_columns": "category-id"}, "lists", tmp_path)


def test_lists_in_a_folder_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "coco"
    (folder / "split").mkdir(parents=True)
    write_lists(folder)
    assert len(open_dataset("coco", {}, "lists", tmp_path).labels) == 82
    for name in ("train", "test", "database"):
        (folder / f"{name}.txt").rename(folder / "split" / f"{name}.txt")
    for place in (tmp_path, folder):
        assert len(open_dataset("coco", {"lists": "split"}, "lists", place).labels) == 82


def test_the_overlap_of_lists_is_dropped_on_demand(tmp_path: Path) -> None:
    write_lists(tmp_path)
    with (tmp_path / "database.txt").open("a") as file:
        file.write((tmp_path / "test.txt").read_text())
    with pytest.raises(DataError, match=r"2 of 2 queries .* set coco.drop_overlap=true"):
        open_dataset("coco", {}, "lists", tmp_path)
    assert len(open_dataset("coco", {"drop_overlap": True}, "lists", tmp_path).split.database) == 80


def test_lists_that_leave_the_folder(tmp_path: Path) -> None:
    write_lists(tmp_path)
    (tmp_path / "test.txt").write_text(line("../q.jpg", ["zebra"], ALPHABETICAL))
    with pytest.raises(DataError, match=r"1 images lie outside"):
        open_dataset("coco", {}, "lists", tmp_path)


def test_the_published_lists(tmp_path: Path, real_data: Path) -> None:
    """Labels of the lists that HashNet and CSQ use, of which the database's is not at hand."""
    path = real_data / "coco80_labels.npz"
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    with np.load(path) as file:
        content = dict(file)
    assert content["class_names"].tolist() == ALPHABETICAL
    (tmp_path / "val2014").mkdir()
    for part in ("train", "test"):
        labels = np.unpackbits(content[f"{part}_labels"], axis=1)[:, :80]
        names = [f"val2014/{i}.jpg" for i in content[f"{part}_image_id"]]
        for name in names:
            (tmp_path / name).touch()
        lines = [" ".join([name, *map(str, row)]) for name, row in zip(names, labels.tolist(), strict=True)]
        (tmp_path / f"{part}.txt").write_text("\n".join(lines))
    (tmp_path / "database.txt").write_text((tmp_path / "train.txt").read_text())
    dataset = open_dataset("coco", {}, "lists", tmp_path)
    assert (len(dataset.split.train), len(dataset.split.query)) == (10_000, 5000)
    share = dataset.labels.mean(axis=0)
    assert CLASS_NAMES[share.argmax()] == "person"
    assert share.max() == pytest.approx(0.54, abs=0.01)
    tops = dict(zip(content["class_names"].tolist(), content["supercategory"].tolist(), strict=True))
    assert dataset.hierarchy.paths == tuple((tops[name], name) for name in CLASS_NAMES)
    with pytest.raises(DataError, match=r"set coco.list_columns=alphabetical"):
        open_dataset("coco", {"list_columns": "category-id"}, "lists", tmp_path)

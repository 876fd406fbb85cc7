import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.errors import DataError
from bench.grid.job import open_dataset
from bench.plugins import registry

# Node: (name, parent). Classes 5, 7 and 9 have images; 5 is one step below the root's child, the others two.
NODES = {
    0: ("Birds", None), 1: ("Ducks, Geese, and Swans", 0), 2: ("Loons", 0), 5: ("Common Loon", 2),
    6: ("Wood Duck", 1), 7: ("Wood Duck (Breeding male)", 6), 9: ("Wood Duck (Female/Eclipse male)", 6),
}  # fmt: skip
IMAGES = [(9, 1), (5, 1), (7, 1), (5, 0), (9, 0), (7, 1), (7, 0), (9, 1), (5, 1), (5, 0)]  # class id, trains
PATHS = (
    ("Loons", "Common Loon"),
    ("Ducks, Geese, and Swans", "Wood Duck", "Wood Duck (Breeding male)"),
    ("Ducks, Geese, and Swans", "Wood Duck", "Wood Duck (Female/Eclipse male)"),
)


def write_tree(root: Path, nodes: dict[int, tuple[str, int | None]]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "classes.txt").write_text("".join(f"{i} {name}\n" for i, (name, _) in nodes.items()), encoding="utf-8")
    lines = [f"{i} {parent}\n" for i, (_, parent) in nodes.items() if parent is not None]
    (root / "hierarchy.txt").write_text("".join(lines))


def write_lists(root: Path, images: list[tuple[int, int]]) -> list[str]:
    """The lists of images; the names of the files."""
    ids = [f"{i:08x}-21dc-4d0c-bfe1-4cae3c85c829" for i in range(len(images))]
    names = [f"{c:04d}/{i.replace('-', '')}.jpg" for i, (c, _) in zip(ids, images, strict=True)]
    columns = {
        "images": names, "image_class_labels": [c for c, _ in images], "train_test_split": [t for _, t in images],
        "sizes": ["10 8"] * len(ids), "bounding_boxes": ["0 0 9 7"] * len(ids),
    }  # fmt: skip
    for name, column in columns.items():
        (root / f"{name}.txt").write_text("".join(f"{i} {v}\n" for i, v in zip(ids, column, strict=True)))
    return names


def write(root: Path, images: list[tuple[int, int]] = IMAGES) -> Path:
    write_tree(root, NODES)
    for name, (c, _) in zip(write_lists(root, images), images, strict=True):
        file = root / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (10, 8), (20 * c, 0, 0)).save(file)
    return root


def birds(root: Path, split: str = "official", **config: int):
    return open_dataset("nabirds", config, split, root)


def module() -> Any:
    return sys.modules[registry("dataset").load("nabirds").__module__]


def test_only_nodes_with_images_are_classes(tmp_path: Path) -> None:
    dataset = birds(write(tmp_path))
    assert dataset.class_names == tuple(path[-1] for path in PATHS)
    assert dataset.hierarchy.paths == PATHS
    assert dataset.labels.tolist() == [{5: 0, 7: 1, 9: 2}[c] for c, _ in IMAGES]
    images = dataset.images(4)
    assert images.shape == (10, 4, 4, 3)
    assert np.abs(images[:, 2, 2, 0] - 20.0 * np.array([c for c, _ in IMAGES])).max() <= 3


def test_the_official_split_and_the_swapped_one(tmp_path: Path) -> None:
    root = write(tmp_path)
    official, swapped = birds(root).split, birds(root, "shc-a-swapped").split
    assert official.train.tolist() == official.database.tolist() == [0, 1, 2, 5, 7, 8]
    assert official.query.tolist() == swapped.train.tolist() == swapped.database.tolist() == [3, 4, 6, 9]
    assert np.array_equal(swapped.query, official.train)


def test_boxes_and_sizes_are_not_needed_and_the_place_changes_nothing(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a"), write(tmp_path / "b" / "nabirds")
    (b / "sizes.txt").unlink()
    (b / "bounding_boxes.txt").unlink()
    assert birds(a).fingerprint() == birds(b).fingerprint() == birds(b.parent).fingerprint()


def test_the_seeded_split_is_the_same_on_rebuild(tmp_path: Path) -> None:
    root = write(tmp_path, IMAGES * 2)
    first, again, other = (birds(root, "shc-b", split_seed=seed) for seed in (0, 0, 1))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
    parts = [first.split.train, first.split.query, first.split.database]
    assert sorted(np.concatenate(parts)) == list(range(20))
    assert [len(p) for p in parts] == [7, 3, 10]  # twenty images in the ratio 16,384 : 8,171 : 25,612


def full_size() -> tuple[np.ndarray, np.ndarray]:
    """Labels and training flags of as many images as there are, 13 of the smallest class."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.concatenate([np.repeat(np.arange(555), 13), rng.integers(1, 555, 48_562 - 555 * 13)]))
    return labels, np.arange(48_562) < 23_929


def test_the_papers_sizes() -> None:
    labels, training = full_size()
    split = module()._split
    official, swapped, b, again = (
        split(name, labels, training, 0) for name in ("official", "shc-a-swapped", "shc-b", "shc-b")
    )
    sizes = [[len(p) for p in vars(s).values()] for s in (official, swapped, b)]
    assert sizes == [[23_929, 24_633, 23_929], [24_633, 23_929, 24_633], [15_860, 7_909, 24_793]]
    b.check("shc-b")
    assert len(np.intersect1d(b.train, b.database)) == 0
    for part, size in zip((b.train, b.query, b.database), sizes[2], strict=True):
        share = np.bincount(labels) * size / len(labels)
        assert (np.abs(np.bincount(labels[part], minlength=555) - share) < 1).all()
    assert all(np.array_equal(p, q) for p, q in zip(vars(b).values(), vars(again).values(), strict=True))


def test_the_real_tree(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "hierarchies" / "nabirds.json"
    if not source.is_file():
        pytest.skip("$BENCH_TEST_DATA has no hierarchies/nabirds.json")
    nodes = json.loads(source.read_text(encoding="utf-8"))["nodes"]
    write_tree(tmp_path, {n["id"]: (n["name"], n["parent"]) for n in nodes})
    used = [n for n in nodes if n["n_train"] + n["n_test"]]
    names = {n["id"]: n["name"] for n in nodes}
    paths = module().read_paths(tmp_path / "hierarchy.txt", names, [n["id"] for n in used])
    assert len(set(paths)) == len(used) == 555
    assert sorted({len(path) for path in paths}) == [3, 4]
    assert [path[-1] for path in paths] == [n["name"] for n in used]
    labels = np.concatenate([np.repeat(np.arange(555), [n[part] for n in used]) for part in ("n_train", "n_test")])
    training = np.arange(len(labels)) < sum(n["n_train"] for n in used)
    for name, sizes in (
        ("official", (23_929, 24_633)),
        ("shc-a-swapped", (24_633, 23_929)),
        ("shc-b", (15_860, 7_909)),
    ):
        split = module()._split(name, labels, training, 0)
        assert (len(split.train), len(split.query)) == sizes
        assert np.bincount(labels[split.train], minlength=555).min() >= 4


def put(name: str, text: str) -> Any:
    return lambda root: (root / name).write_text(text)


def line(name: str, number: int, old: str, new: str) -> Any:
    """Change text in one line of a list."""

    def spoil(root: Path) -> None:
        lines = (root / name).read_text().splitlines()
        assert old in lines[number]
        lines[number] = lines[number].replace(old, new)
        (root / name).write_text("\n".join(lines))

    return spoil


def drop(name: str) -> Any:
    return lambda root: (root / name).unlink()


SPOILS = [
    (drop("images.txt"), r"there is no images.txt in .*: unpack its archive there"),
    (drop("classes.txt"), "classes.txt cannot be read.*unpack the whole archive"),
    (drop("hierarchy.txt"), "hierarchy.txt cannot be read"),
    (drop("train_test_split.txt"), "train_test_split.txt cannot be read"),
    (put("images.txt", ""), "does not list the images of images.txt"),
    (put("classes.txt", "0 Birds\n0 Bird\n"), r"classes.txt, line 2 \('0 Bird'\) repeats an id"),
    (put("classes.txt", "0 Birds\n1\n"), r"line 2 \('1'\) has no value after its id"),
    (put("classes.txt", "x Birds\n"), "classes.txt has no whole number in 'x x'"),
    (lambda root: (root / "classes.txt").write_bytes(b"\xff\xfe"), "classes.txt cannot be read"),
    (put("hierarchy.txt", "5 2\n2 x\n"), "hierarchy.txt has no whole number in '2 x'"),
    (put("hierarchy.txt", "y 2\n"), "hierarchy.txt has no whole number in 'y y'"),
    (line("hierarchy.txt", 2, "5 2", "5 77"), "hierarchy.txt has the class 77, which classes.txt does not name"),
    (line("hierarchy.txt", 2, "5 2", "6 1"), "line 4 .* repeats an id"),
    (line("hierarchy.txt", 2, "5 2", "0 7"), "hierarchy.txt has no parent for class 5"),
    (put("hierarchy.txt", "5 2\n2 5\n7 6\n6 1\n1 0\n9 6\n"), "is no tree: class 5 .Common Loon. is above itself"),
    (line("image_class_labels.txt", 1, " 5", " 1011"), "classes.txt has no class 1011, the label of 0005/.*range"),
    (line("image_class_labels.txt", 1, " 5", " five"), "image_class_labels.txt has no whole number in"),
    (line("image_class_labels.txt", 1, " 5", " " + "9" * 30), "image_class_labels.txt has no whole number in"),
    (line("train_test_split.txt", 1, " 1", " 2"), "other values than 0 .test. and 1 .train."),
    (line("train_test_split.txt", 1, "00000001", "11111111"), "does not list the images .*2 are in one only"),
    (line("images.txt", 1, " 0005/", " 0006/"), r"1 of 10 images are not below .*0006/"),
    (line("images.txt", 1, " 0005/", " ../../"), "1 images lie outside"),
    (line("images.txt", 1, " 0005/", " /"), "1 images lie outside"),
    (line("images.txt", 1, "0005/", "\0"), "images.txt cannot be read .it is no text"),
    (line("images.txt", 1, "0005/000000012", "0005/000000032"), "images.txt lists a file twice"),
    (lambda root: shutil.rmtree(root / "images"), "10 of 10 images are not below"),
    (line("train_test_split.txt", 2, " 1", " 0"), None),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), SPOILS)
def test_bad_input_ends_in_one_sentence(tmp_path: Path, spoil: Any, message: str | None) -> None:
    root = write(tmp_path / "data")
    spoil(root)
    if message is None:  # the class keeps another training image; without that one it has none
        line("train_test_split.txt", 5, " 1", " 0")(root)
        message = r"1 of 3 classes have no training image \(Wood Duck \(Breeding male\)"
    with pytest.raises(DataError, match=message) as caught:
        birds(root)
    assert "\n" not in str(caught.value)


def test_links_out_of_the_tree_are_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "data")
    (root / "images" / "0009").rename(tmp_path / "0009")
    (root / "images" / "0009").symlink_to(tmp_path / "0009")
    with pytest.raises(DataError, match=r"3 images lie outside .*images/0009"):
        birds(root)


def test_a_missing_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nabirds: there is no images.txt in .*nowhere"):
        birds(tmp_path / "nowhere")


@pytest.mark.slow
def test_the_whole_size_opens(tmp_path: Path) -> None:
    labels, training = full_size()
    nodes: dict[int, tuple[str, int | None]] = {0: ("Birds", None)}
    nodes |= {i: (f"Family {i}", 0) for i in range(1, 30)}
    nodes |= {100 + c: (f"Species {c}", 1 + c % 29) for c in range(555)}
    write_tree(tmp_path, nodes)
    images = [(100 + int(c), int(t)) for c, t in zip(labels, training, strict=True)]
    for name in write_lists(tmp_path, images):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / name).touch()
    dataset = birds(tmp_path, "shc-b")
    assert dataset.num_classes == 555
    assert [len(p) for p in vars(dataset.split).values()] == [15_860, 7_909, 24_793]

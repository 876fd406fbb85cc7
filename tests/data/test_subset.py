import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.subset import choose_subset, write_subset
from bench.errors import ConfigError, DataError, StoreError
from bench.grid.job import open_dataset

PARTS = ("train", "query", "database")


def glyphs(**changes: int):
    config = {"classes": 9, "train": 8, "query": 6, "database": 9, "size": 16, **changes}
    return open_dataset("glyphs", config, "default", None)


def test_a_subset_reads_back_as_what_it_was_taken_from(tmp_path: Path) -> None:
    dataset = glyphs()
    subset = choose_subset(dataset, 4, 10, seed=0)
    assert write_subset(dataset, subset, tmp_path / "small") == 40
    again = open_dataset("image-folder", {}, "auto", tmp_path / "small")
    assert set(again.class_names) == {dataset.class_names[c] for c in subset.classes}
    for part, count in zip(PARTS, (4, 2, 4), strict=True):
        assert np.bincount(again.labels[getattr(again.split, part)]).tolist() == [count] * 4
        assert np.isin(subset.rows[part], getattr(dataset.split, part)).all()
    trees = {path[-1]: path for path in dataset.hierarchy.paths}
    assert again.hierarchy.paths == tuple(trees[name] for name in again.class_names)
    images, pixels = dataset.images(16), again.images(16)
    for row, file in enumerate(again.files):
        number = int(file.stem)
        assert np.array_equal(pixels[row], images[number])
        assert again.class_names[again.labels[row]] == dataset.class_names[dataset.labels[number]]


def test_the_seed_chooses_classes_and_images() -> None:
    dataset = glyphs()
    subsets = [choose_subset(dataset, 4, 10, seed) for seed in (0, 0, 1)]
    drawn = [[s.classes.tolist(), *(s.rows[part].tolist() for part in PARTS)] for s in subsets]
    assert drawn[0] == drawn[1] != drawn[2]


def folders(root: Path, names: list[str]) -> Path:
    for part, count in (("train", 6), ("query", 3)):
        for c, name in enumerate(names):
            (root / part / name).mkdir(parents=True)
            for i in range(count):
                pixels = np.random.default_rng(100 * c + i).integers(0, 256, (20, 30, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{part}{i}.png")
    return root


def test_without_a_database_of_its_own_and_with_odd_names(tmp_path: Path) -> None:
    dataset = open_dataset(
        "image-folder", {}, "auto", folders(tmp_path / "big", ["a|b", "a;b", "A_b", ".."[:1] + "x y"])
    )
    assert dataset.class_names == ("A_b", "a;b", "a|b")  # a hidden folder is no class
    write_subset(dataset, choose_subset(dataset, 3, 8, 0), tmp_path / "small", 12)
    again = open_dataset("image-folder", {}, "auto", tmp_path / "small")
    assert again.class_names == ("A_b", "a_b 2", "a_b 3")
    assert [len(getattr(again.split, part)) for part in PARTS] == [18, 6, 18]
    assert not (tmp_path / "small" / "database").exists()
    assert Image.open(again.files[0]).size == (12, 12)


def test_several_labels_become_a_table(tmp_path: Path) -> None:
    config = {"classes": 8, "train": 80, "query": 40, "database": 80, "size": 32}
    dataset = open_dataset("glyph-scenes", config, "default", None)
    subset = choose_subset(dataset, 3, 8, 0)
    count = write_subset(dataset, subset, tmp_path / "small")
    names = [dataset.class_names[c] for c in subset.classes]
    lines = (tmp_path / "small" / "labels.csv").read_text().splitlines()
    assert lines[0] == "file,labels,split"
    assert len(lines) == count + 1
    images = dataset.images(32)
    for line in lines[1:]:
        file, labels, part = line.split(",")
        row = int(Path(file).stem)
        assert row in getattr(dataset.split, part)
        assert labels.split("|") == [n for n, c in zip(names, subset.classes, strict=True) if dataset.labels[row, c]]
        assert np.array_equal(np.asarray(Image.open(tmp_path / "small" / file)), images[row])
    for part, least in zip(PARTS, (3, 2, 3), strict=True):
        assert dataset.labels[subset.rows[part]][:, subset.classes].sum(axis=0).min() >= least
    assert set(json.loads((tmp_path / "small" / "hierarchy.json").read_text())) == set(names)


@pytest.mark.parametrize(
    ("classes", "images", "error", "message"),
    [
        (1, 8, ConfigError, "a subset of 1 classes with 8 images is too small"),
        (4, 1, ConfigError, "too small"),
        (4, 2, ConfigError, "too small"),
        (10, 8, DataError, "9 of its 9 classes have enough images .3 train, 2 query, 3 database.; ask for fewer"),
        (4, 40, DataError, "0 of its 9 classes"),
    ],
)
def test_what_cannot_be_drawn(classes: int, images: int, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        choose_subset(glyphs(), classes, images, 0)


def test_nothing_is_overwritten_or_left_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = glyphs()
    subset = choose_subset(dataset, 2, 4, 0)
    (tmp_path / "out").mkdir()
    write_subset(dataset, subset, tmp_path / "out")
    with pytest.raises(StoreError, match="is there already and not empty"):
        write_subset(dataset, subset, tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_subset(dataset, subset, tmp_path / "file" / "out")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(StoreError, match="No space left on device"):
        write_subset(dataset, subset, tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out"]

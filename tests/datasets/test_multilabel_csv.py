import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.draws import random_split
from bench.errors import DataError
from bench.grid.job import open_dataset
from bench.randomness import stream

TAGS = """file,labels,split,comment
a.png,cat|dog,train,"one, two"
b.png,,train,
sub/c.png,dog;bird,train|database,
d.png, cat ; bird ,query,
e.png,,test,
f.png,dog,database,
g.png,fish,val,
"""
COLUMNS = "file,cat,dog\na.png,1,0\nb.png,0,1\nsub/c.png,1,1\nd.png,0,0\ne.png,1,0\nf.png,0,1\n"


def write(root: Path, table: str = TAGS, name: str = "labels.csv") -> Path:
    (root / "sub").mkdir(parents=True, exist_ok=True)
    for i, file in enumerate(("a", "b", "sub/c", "d", "e", "f", "g")):
        Image.fromarray(np.full((9, 10, 3), 10 * i, np.uint8)).save(root / f"{file}.png")
    (root / name).write_text(table, encoding="utf-8")
    return root


def names(dataset: object, part: str) -> list[str]:
    return [dataset.files[row].name for row in getattr(dataset.split, part)]


@pytest.mark.parametrize("column", ["labels", "tags"])
@pytest.mark.parametrize("by_file", [False, True])
def test_a_column_of_labels_and_one_of_parts(tmp_path: Path, column: str, by_file: bool) -> None:
    root = write(tmp_path / "pets", TAGS.replace("labels", column))
    dataset = open_dataset("multilabel-csv", {}, "auto", root / "labels.csv" if by_file else root)
    assert (dataset.name, dataset.split_name) == ("labels" if by_file else "pets", "column")
    assert dataset.class_names == ("bird", "cat", "dog")  # fish is on an image of val only
    found = {file.name: [dataset.class_names[c] for c in np.flatnonzero(row)]
             for file, row in zip(dataset.files, dataset.labels, strict=True)}  # fmt: skip
    assert found == {
        "a.png": ["cat", "dog"], "b.png": [], "c.png": ["bird", "dog"], "d.png": ["bird", "cat"], "e.png": [],
        "f.png": ["dog"],
    }  # fmt: skip
    assert names(dataset, "train") == ["a.png", "b.png", "c.png"]
    assert names(dataset, "query") == ["d.png", "e.png"]
    assert names(dataset, "database") == ["c.png", "f.png"]
    assert dataset.images(8)[:, 0, 0, 0].tolist() == [0, 10, 20, 30, 40, 50]


def test_without_a_database_the_training_images_are_it(tmp_path: Path) -> None:
    table = "file,cat,dog,split\nd.png,1,0,test\na.png,1,0,train\nb.png,0,1,train\ng.png,1,1,val\n"
    dataset = open_dataset("multilabel-csv", {}, "column", write(tmp_path, table))
    assert [names(dataset, part) for part in ("query", "train", "database")] == [
        ["d.png"], ["a.png", "b.png"], ["a.png", "b.png"],
    ]  # fmt: skip
    assert dataset.labels.tolist() == [[True, False], [True, False], [False, True]]


def test_a_column_for_each_class_and_a_seeded_split(tmp_path: Path) -> None:
    root = write(tmp_path, "\ufeff" + COLUMNS)
    dataset = open_dataset("multilabel-csv", {"query": 0.2}, "auto", root)
    assert dataset.split_name == "random"
    assert dataset.class_names == ("cat", "dog")
    expected = [[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 1]]
    assert dataset.labels.astype(int).tolist() == expected
    split = random_split(np.array(expected, bool), stream(0, "multilabel-csv", "split"), 0.2, 0.5)
    assert np.array_equal(dataset.split.query, split.query)
    assert sorted(np.concatenate([split.train, split.query, split.database])) == list(range(6))
    seeds = {
        open_dataset("multilabel-csv", {"query": 0.2, "split_seed": s}, "auto", root).fingerprint() for s in "0012"
    }
    assert len(seeds) == 3


def test_a_class_tree_beside_the_table(tmp_path: Path) -> None:
    (write(tmp_path) / "hierarchy.json").write_text(json.dumps({"pet": {"cat": {}, "dog": {}}, "wild": {"bird": {}}}))
    dataset = open_dataset("multilabel-csv", {}, "auto", tmp_path)
    assert dataset.hierarchy.paths == (("wild", "bird"), ("pet", "cat"), ("pet", "dog"))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", r"needs a first line of distinct column names with file, .* it has none"),
        ("name,labels\na.png,cat\n", r"it has name, labels"),
        ("file,cat,cat\na.png,1,0\n", r"distinct column names"),
        ("file,labels\n", r"has no rows"),
        ("file,labels\na.png,cat,dog\n", r"labels.csv, row 1: 3 fields for 2 columns"),
        ("file,labels,tags\na.png,cat,dog\n", r"both a column labels and a column tags"),
        ('file,labels\na.png,"cat\n', r"is not a readable .csv"),
        (COLUMNS.replace("1,1", "1,2"), r"row 3: dog is '2', neither 0 nor 1"),
        (COLUMNS.replace("b.png,0,1", "b.png,,1"), r"row 2: cat is '', neither 0 nor 1"),
        (COLUMNS.replace("sub/c.png", "sub/../a.png"), r"row 3: a.png is already in row 1"),
        (COLUMNS.replace("a.png", "../a.png"), r"1 images lie outside"),
        (COLUMNS.replace("a.png", "/a.png"), r"1 images lie outside"),
        (COLUMNS.replace("a.png", "gone.png"), r"1 of 6 images are not below .*gone.png"),
        (TAGS.replace("test,", "tset,"), r"row 5: the split 'tset' is none of train, query, test, database, val"),
        (TAGS.replace("test,", ","), r"row 5: an empty split is none of"),
        (TAGS.replace("query", "val").replace("test", "val"), r"its query split is empty"),
        (TAGS.replace("test,", "test|database,"), r"1 queries are also in its database split"),
        (TAGS.replace("dog;bird", "dog"), r"1 of 3 classes have no training image .bird."),
        ("file,cat\na.png,1\nb.png,1\nd.png,1\n", r"has 1 class; hashing by class needs at least 2"),
        ("file,labels,split\na.png,,train\nb.png,,query\n", r"has 0 class"),
    ],
)
def test_bad_tables_end_in_one_sentence(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        open_dataset("multilabel-csv", {}, "auto", write(tmp_path, table))
    assert "\n" not in str(caught.value)


def test_a_link_that_leads_out_of_the_folder(tmp_path: Path) -> None:
    root = write(tmp_path / "pets")
    (root / "sub" / "c.png").rename(tmp_path / "c.png")
    (root / "sub" / "c.png").symlink_to(tmp_path / "c.png")
    with pytest.raises(DataError, match=r"pets: 1 images lie outside .*sub/c.png"):
        open_dataset("multilabel-csv", {}, "auto", root)


def test_no_table_no_text_and_no_split(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no .*labels.csv: put a table"):
        open_dataset("multilabel-csv", {}, "auto", tmp_path)
    write(tmp_path, COLUMNS)
    with pytest.raises(DataError, match=r"has no column split: add it, or choose the split random"):
        open_dataset("multilabel-csv", {}, "column", tmp_path)
    with pytest.raises(DataError, match=r"must leave some to train on"):
        open_dataset("multilabel-csv", {"query": 0.5, "database": 0.5}, "random", tmp_path)
    (tmp_path / "labels.csv").write_bytes(b"file,labels\n\xff.png,cat\n")
    with pytest.raises(DataError, match=r"is not a readable .csv .*save it as UTF-8"):
        open_dataset("multilabel-csv", {}, "auto", tmp_path)

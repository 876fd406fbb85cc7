"""Stanford Cars and NABirds in their official layouts and full number of images, all made here: verify, prepare, train.

The images are tiny and repeat, but no two files are alike: each says its number in a comment.
"""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat
from typer.testing import CliRunner

from bench.cli.app import app
from bench.data import images
from bench.grid.job import open_dataset

PICTURES = 1024
SIDE = 16  # of prepared images
RUN = (
    "--methods", "csq", "--bits", "16", "--regime", "quick", "--backbone", "small-cnn", "--set", "train.epochs=1",
    "--set", f"train.image_size={SIDE}",
)  # fmt: skip


def pictures() -> list[bytes]:
    """JPEGs of 24 px that look different: their difference hashes have 6 bits or more between them."""
    rng = np.random.default_rng(0)
    bodies = []
    for _ in range(PICTURES):
        buffer = io.BytesIO()
        small = Image.fromarray(rng.integers(0, 256, (8, 9, 3), dtype=np.uint8))
        small.resize((27, 24), Image.Resampling.NEAREST).save(buffer, "jpeg", quality=90)
        bodies.append(buffer.getvalue())
    return bodies


def write_images(folder: Path, names: list[str]) -> NDArray[np.int64]:
    """A file for each name; the picture that each shows."""
    bodies = pictures()
    for parent in {(folder / name).parent for name in names}:
        parent.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        comment = name.encode()
        start, rest = b"\xff\xd8\xff\xfe" + (2 + len(comment)).to_bytes(2, "big"), bodies[number % PICTURES][2:]
        (folder / name).write_bytes(start + comment + rest)
    return np.arange(len(names)) % PICTURES


def class_labels(count: int, classes: int, least: int, seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    often = np.repeat(np.arange(classes), least)
    return rng.permutation(np.concatenate([often, rng.integers(0, classes, count - len(often))]))


def struct_array(**columns: list[Any]) -> NDArray[Any]:
    table = np.zeros((1, len(columns["fname"])), dtype=[(field, object) for field in columns])
    for field, column in columns.items():
        table[field][0] = np.array(column, dtype=object)
    return table


def write_cars(root: Path) -> NDArray[np.int64]:
    """The three archives and the labelled test annotations of Stanford Cars."""
    (root / "devkit").mkdir(parents=True)
    names = []
    for part, count, suffix in (("train", 8_144, ""), ("test", 8_041, "_withlabels")):
        files = [f"{i + 1:05d}.jpg" for i in range(count)]
        classes = [np.uint8(c + 1) for c in class_labels(count, 196, 24, count)]
        box = {side: [np.uint16(9)] * count for side in ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")}
        table = struct_array(**box, **{"class": classes}, fname=files)
        savemat(root / "devkit" / f"cars_{part}_annos{suffix}.mat", {"annotations": table}, do_compression=True)
        names += [f"cars_{part}/{file}" for file in files]
    cars = np.array([f"Ford Model {i} Sedan 1908" for i in range(196)], dtype=object)
    savemat(root / "devkit" / "cars_meta.mat", {"class_names": cars[None]})
    return write_images(root, names)


def write_birds(root: Path) -> NDArray[np.int64]:
    """NABirds' images and lists; a tree of 1,011 nodes, of which 555 have images, at depths 3 and 4."""
    root.mkdir(parents=True)
    parents = dict.fromkeys(range(1, 23), 0) | {i: 1 + i % 22 for i in range(23, 400)}
    parents |= {i: 23 + i % 377 for i in range(400, 456)} | {i: 23 + i % 433 for i in range(456, 1011)}
    (root / "classes.txt").write_text("".join(f"{i} Bird {i}\n" for i in range(1011)))
    (root / "hierarchy.txt").write_text("".join(f"{child} {parent}\n" for child, parent in parents.items()))
    classes = 456 + np.concatenate([class_labels(23_929, 555, 4, 1), class_labels(24_633, 555, 4, 2)])
    order = np.random.default_rng(3).permutation(48_562)
    ids = [f"{i * 2654435761 % 2**32:08x}-21dc-4d0c-bfe1-4cae3c85c829" for i in range(48_562)]
    names = [f"{c:04d}/{i.replace('-', '')}.jpg" for i, c in zip(ids, classes[order], strict=True)]
    columns = {
        "images": names, "image_class_labels": classes[order], "train_test_split": (order < 23_929).astype(int),
        "sizes": ["27 24"] * len(ids), "bounding_boxes": ["0 0 27 24"] * len(ids),
    }  # fmt: skip
    for name, column in columns.items():
        (root / f"{name}.txt").write_text("".join(f"{i} {v}\n" for i, v in zip(ids, column, strict=True)))
    return write_images(root / "images", names)


def command(*arguments: object) -> str:
    """What `bench ...` prints, run in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def alike(shown: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    """Pairs of items that show the same picture."""
    counts = [np.bincount(shown[rows], minlength=PICTURES) for rows in (left, right)]
    return int((counts[0] * counts[1]).sum())


def assert_verified(name: str, root: Path, shown: NDArray[np.int64]) -> None:
    """All is well, but for pictures that are both queries and searched."""
    split = open_dataset(name, {}, "official", root).split
    found = json.loads(command("data", "verify", name, "--data-root", root, "--json"))
    assert {part: facts["items"] for part, facts in found["parts"].items()} == {
        part: len(getattr(split, part)) for part in ("train", "query", "database")
    }
    assert [(f["check"], f["wrong"]) for f in found["findings"]] == [("near-duplicates", False)]
    pairs = alike(shown, split.query, split.train)
    assert found["findings"][0]["text"].startswith(f"{pairs:,} pairs of a query and a train or database item")


def no_decoding(*_: object) -> None:
    raise AssertionError("decoded again")


def walk_through(
    name: str, root: Path, shown: NDArray[np.int64], splits: dict[str, tuple[int, int, int]], trained: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Counts of each split; verify; prepare, twice; an epoch of training on the split `trained`."""
    monkeypatch.setenv("BENCH_CACHE", str(root.parent / "cache"))
    monkeypatch.chdir(root.parent)
    for split, sizes in splits.items():
        parts = open_dataset(name, {}, split, root).split
        assert (len(parts.train), len(parts.query), len(parts.database)) == sizes
    where = ("--data-root", root)
    assert_verified(name, root, shown)
    assert f"{len(shown):,} images of {SIDE} px" in command("data", "prepare", name, *where, "--size", SIDE)
    monkeypatch.setattr(images, "decode", no_decoding)
    assert f"{len(shown):,} images of {SIDE} px" in command("data", "prepare", name, *where, "--size", SIDE)
    assert "csq" in command("run", "--datasets", f"{name}@{trained}", *where, *RUN)
    (row,) = (root.parent / "results" / "results.csv").read_text().splitlines()[1:]
    assert ",ok," in row


@pytest.mark.slow
def test_stanford_cars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = write_cars(tmp_path / "stanford_cars")
    splits = {"official": (8_144, 8_041, 8_144), "shc-b": (5_880, 1_958, 8_347)}
    walk_through("stanford_cars", tmp_path / "stanford_cars", shown, splits, "official", monkeypatch)
    assert_verified("stanford_cars", tmp_path / "stanford_cars", shown)  # nothing that was kept changes it


@pytest.mark.slow
def test_nabirds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = write_birds(tmp_path / "nabirds")
    splits = {
        "official": (23_929, 24_633, 23_929), "shc-a-swapped": (24_633, 23_929, 24_633),
        "shc-b": (15_860, 7_909, 24_793),
    }  # fmt: skip
    walk_through("nabirds", tmp_path / "nabirds", shown, splits, "shc-b", monkeypatch)

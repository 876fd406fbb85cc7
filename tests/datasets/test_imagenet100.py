from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import DataError
from bench.grid.job import open_dataset
from bench.plugins import registry

WNIDS = [f"n{1440764 + 17 * i:08d}" for i in range(100)]
SMALL = {"train_per_class": 2}


def fill(folder: Path, wnid: str, count: int, start: int) -> None:
    folder.mkdir(parents=True)
    for i in range(count):
        image = Image.new("RGB", (9, 8), ((start + i) % 256, int(wnid[-3:]) % 256, 9))
        image.save(folder / f"{wnid}_{start + i}.JPEG", quality=95)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The 100 classes: 3 training and 1 validation image each; the last has 4."""
    for wnid in WNIDS:
        fill(tmp_path / "imagenet100" / "train" / wnid, wnid, 4 if wnid == WNIDS[-1] else 3, 1)
        fill(tmp_path / "imagenet100" / "val" / wnid, wnid, 1, 50)
    return tmp_path


def test_the_hashnet_split(root: Path) -> None:
    dataset = open_dataset("imagenet100", SMALL, "hashnet", root)
    split, labels = dataset.split, dataset.labels
    assert dataset.class_names == tuple(WNIDS)
    assert np.bincount(labels[split.train]).tolist() == [2] * 100
    assert np.bincount(labels[split.query]).tolist() == [1] * 100
    assert np.bincount(labels[split.database]).tolist() == [3] * 99 + [4]
    assert np.isin(split.train, split.database).all()
    assert {dataset.files[row].parts[-3] for row in split.query} == {"val"}
    assert {dataset.files[row].parts[-3] for row in split.database} == {"train"}
    assert all(file.parent.name == WNIDS[label] for file, label in zip(dataset.files, labels, strict=True))
    again = open_dataset("imagenet100", SMALL, "hashnet", root / "imagenet100")
    other = open_dataset("imagenet100", {**SMALL, "split_seed": 1}, "hashnet", root)
    assert dataset.fingerprint() == again.fingerprint() != other.fingerprint()


def test_the_plain_split_trains_on_all(root: Path) -> None:
    split = open_dataset("imagenet100", {}, "plain", root).split
    assert split.train.tolist() == split.database.tolist() == list(range(301))
    assert split.query.tolist() == list(range(301, 401))


def test_the_published_counts_of_labels() -> None:
    module = __import__(registry("dataset").entry("imagenet100").module, fromlist=["_drawn"])
    labels = np.repeat(np.arange(100), 1300)
    rows = module._drawn(labels, module.ImageNet100Config(), WNIDS)
    assert len(rows) == 10000 == len(np.unique(rows))
    assert np.bincount(labels[rows]).tolist() == [100] * 100
    fewer = module._drawn(labels[1300:] - 1, module.ImageNet100Config(), WNIDS[1:])
    assert np.array_equal(fewer, rows[100:] - 1300)  # a class's draw depends on no other class


def test_a_list_chooses_names_and_orders_the_classes(root: Path) -> None:
    wnid = "n99999999"
    fill(root / "imagenet100" / "train" / wnid, wnid, 3, 1)
    with pytest.raises(DataError, match="has 101 class folders, not 100: list the 100 WNIDs"):
        open_dataset("imagenet100", SMALL, "hashnet", root)
    lines = [f"{w} name {i}" if i < 2 else w for i, w in enumerate(reversed(WNIDS))]
    (root / "imagenet100" / "classes.txt").write_text("\n".join(lines) + "\n\n")
    dataset = open_dataset("imagenet100", SMALL, "hashnet", root)
    assert dataset.class_names[:3] == ("name 0", "name 1", WNIDS[-3])
    assert dataset.files[0].parent.name == WNIDS[-1]
    assert len(dataset.labels) == 401


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n".join(WNIDS[:99]), "has 99 lines with 99 WNIDs"),
        ("\n".join([*WNIDS[:99], WNIDS[0]]), "has 100 lines with 99 WNIDs"),
        ("\n".join([*WNIDS[:98], f"{WNIDS[98]} crane", f"{WNIDS[99]} crane"]), "100 WNIDs and 99 names"),
        ("\n".join([*WNIDS[:99], "n00000001"]), r"there is no folder .*train/n00000001: unpack the class there"),
    ],
)
def test_a_bad_list_is_explained(root: Path, text: str, message: str) -> None:
    (root / "imagenet100" / "classes.txt").write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        open_dataset("imagenet100", SMALL, "hashnet", root)
    assert "\n" not in str(caught.value)


def test_bad_folders_are_explained(root: Path) -> None:
    with pytest.raises(DataError, match=rf"class {WNIDS[0]} has 3 training images; 100 are drawn"):
        open_dataset("imagenet100", {}, "hashnet", root)
    folder = root / "imagenet100"
    next((folder / "val" / WNIDS[5]).iterdir()).rename(folder / "val" / "ILSVRC2012_val_00000001.JPEG")
    with pytest.raises(DataError, match=rf"{WNIDS[5]} has no images"):
        open_dataset("imagenet100", SMALL, "hashnet", root)
    (folder / "val" / WNIDS[5]).rmdir()
    with pytest.raises(DataError, match="sort the validation images into a folder for each class"):
        open_dataset("imagenet100", SMALL, "hashnet", root)
    with pytest.raises(DataError, match="there is no train in"):
        open_dataset("imagenet100", SMALL, "hashnet", folder / "val")

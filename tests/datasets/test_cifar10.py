import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from bench.errors import DataError
from bench.grid.job import open_dataset

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
BATCHES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def batch(seed: int, count: int, text: bool) -> dict:
    labels = np.random.default_rng(seed).permutation(np.arange(count) % 10)
    data = np.zeros((count, 3072), np.uint8)
    data[:, 1024:2048] = labels[:, None]  # green plane says the class
    data[:, :1024] = seed  # red the file
    content = {"data": data, "labels": labels.tolist(), "batch_label": f"batch {seed}"}
    return content if text else {k.encode(): v for k, v in content.items()}


def write(root: Path, count: int = 1000, text: bool = False) -> Path:
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for number, name in enumerate(BATCHES):
        (folder / name).write_bytes(pickle.dumps(batch(number, count, text), protocol=2))
    meta = {"label_names": NAMES} if text else {b"label_names": [name.encode() for name in NAMES]}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
    return root


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 12,000 images, 2,000 for each batch."""
    return write(tmp_path_factory.mktemp("cifar10"), 2000)


def test_the_drawn_split(archive: Path) -> None:
    dataset = open_dataset("cifar10", {}, "hashnet-like", archive)
    split, labels = dataset.split, dataset.labels
    assert np.bincount(labels[split.query]).tolist() == [100] * 10
    assert np.bincount(labels[split.train]).tolist() == [500] * 10
    assert len(split.database) == 12000 - 1000
    assert np.isin(split.train, split.database).all()
    assert not np.isin(split.query, split.database).any()
    assert np.isin(split.query, np.arange(10000, 12000)).any()  # queries are drawn from all, not from the test batch
    again = open_dataset("cifar10", {}, "hashnet-like", archive).split
    assert all(np.array_equal(getattr(split, p), getattr(again, p)) for p in ("train", "query", "database"))
    other = open_dataset("cifar10", {"split_seed": 1}, "hashnet-like", archive).split
    assert not np.array_equal(split.query, other.query)


def test_checksums_are_of_every_file_that_is_read(archive: Path) -> None:
    folder = archive / "cifar-10-batches-py"
    found = open_dataset("cifar10", {}, "plain", archive).published_checksums()
    assert set(found) == {folder / name for name in [*BATCHES, "batches.meta"]}
    assert found[folder / "data_batch_5"] == "md5:482c414d41f54cd18b22e5b47cb7c3cb"
    assert found[folder / "batches.meta"] == "md5:5ff9c542aee3614f3951f8cda6e48888"


@pytest.mark.slow
def test_the_published_counts(tmp_path: Path) -> None:
    root = write(tmp_path, 10000)
    for split, counts in (("hashnet-like", (5000, 1000, 59000)), ("plain", (50000, 10000, 50000))):
        parts = open_dataset("cifar10", {}, split, root).split
        assert (len(parts.train), len(parts.query), len(parts.database)) == counts


@pytest.mark.parametrize("text", [False, True])
def test_the_plain_split_follows_the_batches(tmp_path: Path, text: bool) -> None:
    dataset = open_dataset("cifar10", {}, "plain", write(tmp_path, 20, text))
    assert dataset.split.train.tolist() == dataset.split.database.tolist() == list(range(100))
    assert dataset.split.query.tolist() == list(range(100, 120))
    assert dataset.class_names == tuple(NAMES)
    images = dataset.images(32)
    assert images.shape == (120, 32, 32, 3)
    assert (images[:, 9, 3, 1] == dataset.labels).all()  # planes are channels
    assert images[:, 0, 0, 0].tolist() == np.repeat(range(6), 20).tolist()  # batches in order


def test_folder_and_archive_are_the_same_dataset(tmp_path: Path) -> None:
    root = write(tmp_path / "unpacked", 20)
    (tmp_path / "packed").mkdir()
    with tarfile.open(tmp_path / "packed" / "cifar-10-python.tar.gz", "w:gz") as packed:
        packed.add(root / "cifar-10-batches-py", "cifar-10-batches-py")
    places = [root, root / "cifar-10-batches-py", tmp_path / "packed", tmp_path / "packed" / "cifar-10-python.tar.gz"]
    assert len({open_dataset("cifar10", {}, "plain", place).fingerprint() for place in places}) == 1


class Hostile:
    def __reduce__(self) -> tuple:
        return (os.system, ("exit 3",))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data_batch_3", b"\x80\x02}q\x00", "data_batch_3 is refused"),
        ("test_batch", pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}), "not a part of CIFAR-10 "),
        ("test_batch", pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": [10]}), "outside its 10 class"),
        ("batches.meta", pickle.dumps({"fine_label_names": NAMES}), "has no label_names"),
        ("batches.meta", pickle.dumps(Hostile()), r"is refused: it asks for \w+\.system"),
    ],
)
def test_a_broken_archive_is_explained(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (write(tmp_path, 20) / "cifar-10-batches-py" / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        open_dataset("cifar10", {}, "plain", tmp_path)
    assert "\n" not in str(caught.value)


def test_too_small_missing_and_cut_archives_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"download cifar-10-python\.tar\.gz from https://www\.cs"):
        open_dataset("cifar10", {}, "plain", tmp_path)
    root = write(tmp_path, 20)
    with pytest.raises(DataError, match="has 12 items; the split needs 600"):
        open_dataset("cifar10", {}, "hashnet-like", root)
    (root / "cifar-10-batches-py" / "data_batch_5").unlink()
    with pytest.raises(DataError, match="it must hold data_batch_1"):
        open_dataset("cifar10", {}, "plain", root)
    cut = tmp_path / "cut" / "cifar-10-python.tar.gz"
    cut.parent.mkdir()
    cut.write_bytes(b"\x1f\x8b\x08\x00cut")
    with pytest.raises(DataError, match="cannot be read"):
        open_dataset("cifar10", {}, "plain", cut.parent)

import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from bench.errors import DataError
from bench.grid.job import open_dataset

FINE, COARSE = [f"fine{i}" for i in range(4)], ["top0", "top1"]


def part(per_class: int, seed: int, text: bool) -> dict:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(4), per_class))
    data = np.zeros((len(labels), 3072), np.uint8)
    data[:, :1024] = labels[:, None]  # red plane says the class
    data[:, 2048:] = np.arange(len(labels))[:, None] % 256
    content = {"data": data, "fine_labels": labels.tolist(), "coarse_labels": (labels // 2).tolist()}
    return content if text else {k.encode(): v for k, v in content.items()}


def write(root: Path, protocol: int = 2, text: bool = False) -> Path:
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    meta = {"fine_label_names": FINE, "coarse_label_names": COARSE}
    if not text:
        meta = {k.encode(): [name.encode() for name in v] for k, v in meta.items()}
    for name, content in (("train", part(500, 0, text)), ("test", part(100, 1, text)), ("meta", meta)):
        (folder / name).write_bytes(pickle.dumps(content, protocol=protocol))
    return root


@pytest.mark.parametrize(("protocol", "text"), [(2, False), (4, True), (5, True)])
def test_the_shc_split(tmp_path: Path, protocol: int, text: bool) -> None:
    dataset = open_dataset("cifar100", {}, "shc", write(tmp_path, protocol, text))
    labels = dataset.labels
    for rows, count in ((dataset.split.train, 100), (dataset.split.query, 50), (dataset.split.database, 450)):
        assert np.bincount(labels[rows]).tolist() == [count] * 4
    assert dataset.class_names == tuple(FINE)
    assert dataset.hierarchy.paths == tuple((f"top{c // 2}", f"fine{c}") for c in range(4))
    images = dataset.images(32)
    assert images.shape == (2400, 32, 32, 3)
    assert (images[:, 5, 5, 0] == labels).all()  # planes are channels


def test_the_plain_split_keeps_the_official_test_images_as_queries(tmp_path: Path) -> None:
    dataset = open_dataset("cifar100", {}, "plain", write(tmp_path))
    assert dataset.split.train.tolist() == dataset.split.database.tolist() == list(range(2000))
    assert dataset.split.query.tolist() == list(range(2000, 2400))


def test_checksums_are_torchvisions(tmp_path: Path) -> None:
    folder = write(tmp_path) / "cifar-100-python"
    found = open_dataset("cifar100", {}, "shc", tmp_path).published_checksums()
    assert found == {
        folder / "train": "md5:16019d7e3df5f24257cddd939b257f8d",
        folder / "test": "md5:f0ef6b0ae62326f3e7ffdfab6717acfc",
        folder / "meta": "md5:7973b15100ade9c7d40fb424638fde48",
    }
    for name, mode in (("cifar-100-python.tar.gz", "w:gz"), ("plain.tar", "w")):
        with tarfile.open(tmp_path / name, mode) as archive:
            archive.add(folder, "cifar-100-python")
    packed = open_dataset("cifar100", {}, "shc", tmp_path / "cifar-100-python.tar.gz").published_checksums()
    assert packed == {tmp_path / "cifar-100-python.tar.gz": "md5:eb9058c3a382ffc7106e4002c42a8d85"}
    assert open_dataset("cifar100", {}, "shc", tmp_path / "plain.tar").published_checksums() == {}


def test_folder_parent_and_archive_are_the_same_dataset(tmp_path: Path) -> None:
    root = write(tmp_path / "unpacked")
    packed = tmp_path / "packed"
    packed.mkdir()
    with tarfile.open(packed / "cifar-100-python.tar.gz", "w:gz") as archive:
        archive.add(root / "cifar-100-python", "cifar-100-python")
    places = [root, root / "cifar-100-python", packed, packed / "cifar-100-python.tar.gz"]
    assert len({open_dataset("cifar100", {}, "shc", place).fingerprint() for place in places}) == 1


def test_fingerprint_follows_split_and_seed(tmp_path: Path) -> None:
    root = write(tmp_path)
    kinds = [("shc", {}), ("shc", {"split_seed": 1}), ("plain", {})]
    assert len({open_dataset("cifar100", config, split, root).fingerprint() for split, config in kinds}) == 3


def test_a_hostile_pickle_runs_nothing(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple:
            return (os.system, (f"touch {tmp_path / 'ran'}",))

    root = write(tmp_path)
    (root / "cifar-100-python" / "meta").write_bytes(pickle.dumps({"fine_label_names": Hostile()}))
    with pytest.raises(DataError, match=r"meta is refused: it asks for \w+\.system"):
        open_dataset("cifar100", {}, "shc", root)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train", b"\x80\x02}q\x00", "train is refused"),
        ("train", pickle.dumps({b"data": [1, 2]}), "not a part of CIFAR-100"),
        ("train", pickle.dumps([1]), "not a part of CIFAR-100"),
        ("train", pickle.dumps(np.zeros((2, 3072), np.uint8)), r"not a part of CIFAR-100 \(it is no dict\)"),
        ("meta", pickle.dumps(np.array(["fine_label_names"])), "has no fine_label_names"),
        ("meta", pickle.dumps({}), "has no fine_label_names"),
        ("meta", pickle.dumps({"fine_label_names": ["a"], "coarse_label_names": ["b"]}), "labels outside its 1 class"),
    ],
)
def test_a_broken_archive_is_explained(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    root = write(tmp_path)
    (root / "cifar-100-python" / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        open_dataset("cifar100", {}, "shc", root)


def test_a_cut_archive_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "cifar-100-python.tar.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00cut")
    with pytest.raises(DataError, match="cannot be read"):
        open_dataset("cifar100", {}, "shc", path)


def test_a_missing_part_and_a_missing_archive_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"download cifar-100-python\.tar\.gz from https://www\.cs"):
        open_dataset("cifar100", {}, "shc", tmp_path)
    root = write(tmp_path)
    (root / "cifar-100-python" / "test").unlink()
    with pytest.raises(DataError, match="it must hold train, test, meta"):
        open_dataset("cifar100", {}, "shc", root)


def test_the_real_archive(real_data: Path) -> None:
    dataset = open_dataset("cifar100", {}, "shc", real_data)
    assert [len(p) for p in (dataset.split.train, dataset.split.query, dataset.split.database)] == [10000, 5000, 45000]
    assert len({path[0] for path in dataset.hierarchy.paths}) == 20

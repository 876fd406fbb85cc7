"""Readers of datasets: annotations as MATLAB, JSON, text and CSV files, archives, pickles, images."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

from bench.data import archives, hierarchy, signatures
from bench.data.images import decode
from bench.data.lists import read_list
from bench.datasets import _cifar_archive, _coco_annotations, stanford_cars
from bench.datasets.imagenet100 import _classes as imagenet_classes
from bench.datasets.mirflickr25k import _column as mirflickr_column
from bench.datasets.nus_wide import _column as nus_wide_column
from bench.errors import DataError
from bench.grid.job import open_dataset
from tests.datasets import test_coco, test_nabirds
from tests.fuzz.containers import zip_form
from tests.fuzz.mutation import bytes_form, json_bytes, json_form
from tests.fuzz.target import FAST, SLOW, Target

NAMES = ("cat", "dog", "oak")
TREES = (
    {"animals": {"cat": {}, "dog": None}, "oak": {}}, {"cat": ["animals", "pets"], "dog": ["animals"], "oak": []},
    {"fine": list(NAMES), "coarse": ["animals", "plants"], "fine_to_coarse": [0, 0, 1], "top": ["life"],
     "fine_to_top": [0] * 3},
)  # fmt: skip
TABLES = (
    b"file,labels,split\na.png,cat|dog,train\nb.png,dog,query\nc.png,cat;dog,database|val\n",
    b"file,split,cat,dog\na.png,train,1,0\nb.png,query,0,1\nc.png,train,1,1\n",
)
LISTS = (b"a.png 0 1 0\nb/c.png 1 1 0\n./d.png 0 0 0\n",)
ROWS = {"class": 3, "fname": "00001.jpg", "bbox_x1": 30}


def targets(folder: Path) -> list[Target]:
    """All of these readers."""
    folder.mkdir(parents=True, exist_ok=True)
    return [*_annotations(folder), *_tables(folder), *_cifar(folder), *_pixels(folder)]


def _file(folder: Path, name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name

    def written(content: bytes) -> object:
        path.write_bytes(content)
        return read(path)

    return written


def _annotations(folder: Path) -> list[Target]:
    coco = test_coco.instances([1, 2, 7], "COCO_{:012d}.jpg")

    def tree(path: Path) -> None:
        found = hierarchy.read_hierarchy(path, NAMES)
        assert all(isinstance(name, str) for names in found.paths for name in names)

    def cars(path: Path) -> None:
        stanford_cars._rows(path, train=True)
        stanford_cars._class_names(path)

    mats = tuple(mat(compress) for compress in (False, True))
    return [
        Target("mat/annotations.mat", _file(folder, "a.mat", cars), bytes_form(mats), mats[:1], share=FAST),
        Target("coco/instances.json", _file(folder, "coco.json", _coco_annotations._parse), json_form([coco]),
               (json_bytes(coco),)),
        Target("tree/hierarchy.json", _file(folder, "tree.json", tree), json_form(TREES),
               tuple(map(json_bytes, TREES))),
    ]  # fmt: skip


def mat(compress: bool) -> bytes:
    """Of Stanford Cars' form."""
    table = np.zeros((1, 3), dtype=[(name, object) for name in ROWS])
    for row in range(3):
        table[0, row] = tuple(np.uint8(value) if isinstance(value, int) else value for value in ROWS.values())
    target = io.BytesIO()
    names = np.array(["AM General", "Škoda"], dtype=object)
    savemat(target, {"n": np.arange(3.0), "annotations": table, "class_names": names}, do_compression=compress)
    return target.getvalue()


def _tables(folder: Path) -> list[Target]:
    """Text files; those that name images are read to the point where these are looked for."""
    csv, birds = folder / "csv", test_nabirds.write(folder / "nabirds")
    csv.mkdir()
    for name in "abc":
        Image.new("RGB", (2, 2)).save(csv / f"{name}.png")

    def bird(name: str) -> Target:
        seed = (birds / name).read_bytes()

        def read(content: bytes) -> None:
            (birds / name).write_bytes(content)
            try:
                open_dataset("nabirds", {}, "official", birds)
            finally:
                (birds / name).write_bytes(seed)

        return Target(f"nabirds/{name}", read, bytes_form([seed], (b"0 1\n", b"5 5\n", b"-")), (seed,), share=SLOW)

    def listed(path: Path) -> None:
        read_list(path, (3, 21), "lists")

    def wnid_list(path: Path) -> None:
        imagenet_classes(path.parent)

    numbers, column = (b"1\n3\n17\n",), (b"0\n1\n1\n0\n",)
    wnids = ("".join(f"n{number:08d} name {number}\n" for number in range(100)).encode(),)
    csvs = _file(csv, "labels.csv", lambda path: open_dataset("multilabel-csv", {}, "auto", csv))
    return [
        Target("csv/labels.csv", csvs, bytes_form(TABLES, (b"|", b";", b"train", b"file", b"a.png", b'"')),
               TABLES),
        *map(bird, ("images.txt", "image_class_labels.txt", "train_test_split.txt", "classes.txt", "hierarchy.txt")),
        Target("lists/train.txt", _file(folder, "train.txt", listed), bytes_form(LISTS, (b" 0", b" 1", b"a.png")),
               LISTS, share=FAST),
        Target("nus_wide/Labels_sky.txt", _file(folder, "sky.txt", nus_wide_column), bytes_form(column),
               column),
        Target("mirflickr/sky.txt", _file(folder, "sky_r1.txt", lambda path: mirflickr_column(path, np.arange(1, 26))),
               bytes_form(numbers), numbers),
        Target("imagenet100/classes.txt", _file(folder / "in", "classes.txt", wnid_list),
               bytes_form(wnids), wnids),
    ]  # fmt: skip


def _cifar(folder: Path) -> list[Target]:
    layout = _cifar_archive.Layout("CIFAR", "c", ("c.tar.gz",), ("train",), ("test",), "meta", "CIFAR100")
    part = {b"data": np.zeros((2, 3072), np.uint8), b"fine_labels": [0, 1], b"filenames": [b"a", b"b"]}
    meta = {b"fine_label_names": [b"apple", b"bear"], b"number": np.float64(3)}
    short = {**part, b"data": np.zeros((2, 4), np.uint8)}
    pickles = [pickle.dumps(value, protocol) for value in (short, meta) for protocol in (2, 4)]

    def read(content: bytes) -> None:
        found = archives.unpickle_data(content, "train")
        if b"label_names" in content:
            _cifar_archive._names(found, "fine_label_names", "meta")
        else:
            _cifar_archive._part(found, ["fine_labels"], "train", "CIFAR")

    def tar(path: Path) -> None:
        found = _cifar_archive.read_archive(path, layout, "x", {"fine_labels": "fine_label_names"})
        assert found.images.shape == (len(found.labels["fine_labels"]), 32, 32, 3)

    packed = []
    for mode in ("w", "w:gz"):
        target = io.BytesIO()
        with tarfile.open(fileobj=target, mode=mode) as archive:
            for name, value in (("train", part), ("test", part), ("meta", meta)):
                content = pickle.dumps(value, 2)
                info = tarfile.TarInfo(f"c/{name}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        packed.append(target.getvalue())
    words = (b"c_codecs\nencode\n", b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"cos\nsystem\n", b"R.", b"b.", b"}",
             b"(", b"t", b"\x8c\x03hex", b"\x8a\x08" + b"\xff" * 8, b"q\x00h\x00", b"r\xff\xff\xff\x07", b"\x82\x01",
             b"Pid\n", b"2", b"0", b"\x81")  # fmt: skip
    return [
        Target("cifar/train", read, bytes_form(pickles, words),
               (pickle.dumps(part, 2), pickle.dumps(meta, 2)), share=FAST),
        Target("cifar/c.tar.gz", _file(folder, "c.tar", tar), bytes_form(packed, (b"c/train", b"00000000000\0")),
               tuple(packed), share=SLOW),
    ]  # fmt: skip


def _pixels(folder: Path) -> list[Target]:
    pictures: list[bytes] = []
    for kind in ("png", "jpeg", "gif", "bmp", "webp", "tiff", "ppm"):
        target = io.BytesIO()
        Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(target, kind)
        pictures.append(target.getvalue())
    archive = io.BytesIO()
    features, labels = np.eye(6, dtype=np.float32), np.array([0, 1, 2, 0, 1, 2])
    np.savez(archive, train_features=features, train_labels=labels, query_features=features, query_labels=labels,
             class_names=np.array(NAMES))  # fmt: skip

    def picture(path: Path) -> None:
        seen = signatures._of_file(path)
        broken = decode([path], 8)[1]
        if isinstance(seen, str) and broken:
            raise DataError(f"{seen}: {broken[0]}")

    return [
        Target("images/picture", _file(folder, "picture", picture), bytes_form(pictures), tuple(pictures), seconds=20,
               memory=2048, share=SLOW),
        Target("arrays/file.npz", _file(folder, "file.npz", lambda path: open_dataset("arrays", {}, "auto", path)),
               zip_form([archive.getvalue()]), (archive.getvalue(),), share=SLOW),
    ]  # fmt: skip

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.errors import DataError
from bench.grid.job import open_dataset

FOLDERS = ["001.Black_footed_Albatross", "002.Laysan_Albatross"]
IMAGES = [(1, 0), (1, 1), (1, 1), (2, 1), (2, 0)]  # class id, trains


def write(root: Path, images: list[tuple[int, int]] = IMAGES, folders: list[str] = FOLDERS, drawn: bool = True) -> Path:
    """CUB_200_2011 in `root`; without drawing, empty files."""
    base = root / "CUB_200_2011"
    base.mkdir(parents=True)
    names = [f"{folders[c - 1]}/{folders[c - 1][4:]}_{i:04d}_{7 * i}.jpg" for i, (c, _) in enumerate(images)]
    columns = {
        "images": names, "image_class_labels": [c for c, _ in images], "train_test_split": [t for _, t in images],
        "classes": folders, "bounding_boxes": ["0.0 0.0 9.0 7.0"] * len(images),
    }  # fmt: skip
    for name, column in columns.items():
        (base / f"{name}.txt").write_text("".join(f"{i} {v}\n" for i, v in enumerate(column, start=1)))
    for folder in folders:
        (base / "images" / folder).mkdir(parents=True)
    for name, (c, _) in zip(names, images, strict=True):
        if drawn:
            Image.new("RGB", (10, 8), (0, 90 * c, 0)).save(base / "images" / name)
        else:
            (base / "images" / name).touch()
    return root


def cub(root: Path):
    return open_dataset("cub200", {}, "official", root)


def test_the_archive_is_looked_for_beside_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path / "CUB_200_2011")
    for root in (tmp_path, tmp_path / "CUB_200_2011", Path()):
        assert list(cub(root).published_checksums()) == [tmp_path / "CUB_200_2011.tgz"]


def test_the_official_layout(tmp_path: Path) -> None:
    dataset = cub(write(tmp_path))
    assert dataset.class_names == ("Black footed Albatross", "Laysan Albatross")
    assert dataset.hierarchy is None
    assert dataset.labels.tolist() == [0, 0, 0, 1, 1]
    assert dataset.split.train.tolist() == dataset.split.database.tolist() == [1, 2, 3]
    assert dataset.split.query.tolist() == [0, 4]
    images = dataset.images(4)
    assert np.abs(images[:, 2, 2, 1] - 90.0 * (dataset.labels + 1)).max() <= 3
    assert dataset.fingerprint() == cub(tmp_path / "CUB_200_2011").fingerprint()


def test_the_order_of_the_other_lists_is_free(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a"), write(tmp_path / "b")
    for name in ("image_class_labels.txt", "train_test_split.txt", "classes.txt"):
        path = b / "CUB_200_2011" / name
        path.write_text("\n".join(reversed(path.read_text().splitlines())) + "\n\n")
    assert cub(a).fingerprint() == cub(b).fingerprint()


def put(name: str, text: str) -> Any:
    return lambda base: (base / name).write_text(text)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda base: [(base / "lists").mkdir(), (base / "images.txt").rename(base / "lists" / "files.txt")],
         "there is no images.txt in"),  # CUB-200 of 2010 has lists/files.txt
        (shutil.rmtree, r"there is no images.txt in .*CUB_200_2011 or .*unpack its archive there"),
        (put("image_class_labels.txt", "1 1\n2 1\n3 1\n4 2\n5 3\n"), "classes.txt has no class 3, the label of 002"),
        (put("image_class_labels.txt", "1 1\n2 1\n3 1\n4 0\n5 2\n"), "has no class 0, .*out of range"),
        (put("image_class_labels.txt", "1 1\n2 1\n"), "does not list the images .*3 are in one only, such as 3"),
        (put("train_test_split.txt", "1 1\n2 1\n3 1\n4 0\n5 0\n"), r"1 of 2 classes have no training image \(Laysan"),
        (put("train_test_split.txt", "1 1\n2 1\n3 1\n4 1\n5 1\n"), "its query split is empty"),
        (put("classes.txt", "1 a\n2 b\n3 c\n"), r"1 of 3 classes have no training image \(c\)"),
        (put("images.txt", "1 a/../../../x.jpg\n2 b\n3 c\n4 d\n5 e\n"), "1 images lie outside"),
        (put("images.txt", "1 a.jpg\n2 b\n3 c\n4 d\n5 e\n"), "5 of 5 images are not below .*a.jpg, b, c, ..."),
        (lambda base: [put(n, "")(base) for n in ("images.txt", "image_class_labels.txt", "train_test_split.txt")],
         "images.txt is empty"),
    ],
)  # fmt: skip
def test_bad_input_ends_in_one_sentence(tmp_path: Path, spoil: Any, message: str) -> None:
    spoil(write(tmp_path) / "CUB_200_2011")
    with pytest.raises(DataError, match=message) as caught:
        cub(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_whole_size_opens(tmp_path: Path) -> None:
    images = [(1 + i % 200, int(i < 5_994)) for i in range(11_788)]
    split = cub(write(tmp_path, images, [f"{c:03d}.Bird_{c}" for c in range(1, 201)], drawn=False)).split
    assert [len(p) for p in vars(split).values()] == [5_994, 5_794, 5_994]

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import DataError
from bench.grid.job import open_dataset

CONCEPTS = ["animals", "baby", "bird", "car", "clouds", "dog", "female", "flower", "food", "indoor", "lake", "male",
            "night", "people", "plant_life", "portrait", "river", "sea", "sky", "structures", "sunset", "transport",
            "tree", "water"]  # fmt: skip
SALIENT = ["baby", "bird", "car", "clouds", "dog", "female", "flower", "male", "night", "people", "portrait", "river",
           "sea", "tree"]  # fmt: skip
COUNT = 120
SMALL = {"query": 20, "train": 80}


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 8), "green").save(buffer, "jpeg")
    return buffer.getvalue()


def has(number: int, concept: int) -> bool:
    return number % 10 != 0 and (number + concept) % 6 == 0


def write(root: Path, annotations: str = "annotations") -> Path:
    """Both archives unpacked: image numbers by concept, ascending; the annotations have a README."""
    (root / "mirflickr" / "doc").mkdir(parents=True)
    (root / annotations).mkdir()
    for number in range(1, COUNT + 1):
        (root / "mirflickr" / f"im{number}.jpg").write_bytes(jpeg())
    for c, name in enumerate(CONCEPTS):
        found = [number for number in range(1, COUNT + 1) if has(number, c)]
        (root / annotations / f"{name}.txt").write_text("".join(f"{number}\n" for number in found))
        if name in SALIENT:
            (root / annotations / f"{name}_r1.txt").write_text("".join(f"{number}\n" for number in found[::2]))
    (root / annotations / "README.txt").write_text("These are the annotations.\n")
    return root


@pytest.mark.parametrize("annotations", ["annotations", "mirflickr25k_annotations_v080", "mirflickr/annotations"])
def test_labels_are_those_of_the_numbers(tmp_path: Path, annotations: str) -> None:
    dataset = open_dataset("mirflickr25k", SMALL, "seeded", write(tmp_path, annotations))
    assert dataset.class_names == tuple(CONCEPTS)
    assert [file.name for file in dataset.files] == [f"im{number}.jpg" for number in range(1, COUNT + 1)]
    expected = [[has(number, c) for c in range(24)] for number in range(1, COUNT + 1)]
    assert dataset.labels.tolist() == expected
    assert not dataset.labels[9].any()  # kept, as papers speak of all images
    assert dataset.images(8).shape == (COUNT, 8, 8, 3)


def test_the_split(tmp_path: Path) -> None:
    root = write(tmp_path / "mirflickr25k")
    first, again, other = (
        open_dataset("mirflickr25k", SMALL | {"split_seed": seed}, "seeded", place)
        for seed, place in ((0, root), (0, tmp_path), (1, root))
    )
    assert [len(p) for p in (first.split.query, first.split.train, first.split.database)] == [20, 80, 100]
    assert np.isin(first.split.train, first.split.database).all()
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()


def test_salient_concepts_are_further_classes(tmp_path: Path) -> None:
    dataset = open_dataset("mirflickr25k", SMALL | {"relevant": True}, "seeded", write(tmp_path))
    assert dataset.num_classes == 38
    names = list(dataset.class_names)
    assert names[1:3] == ["baby", "baby_r1"]
    assert (dataset.labels[:, 2] <= dataset.labels[:, 1]).all()
    assert 2 * dataset.labels[:, 2].sum() == dataset.labels[:, 1].sum() + dataset.labels[:, 1].sum() % 2


def test_images_without_a_concept_can_be_left_out(tmp_path: Path) -> None:
    dataset = open_dataset("mirflickr25k", SMALL | {"unlabelled": False}, "seeded", write(tmp_path))
    assert len(dataset.labels) == COUNT * 9 // 10
    assert dataset.labels.any(axis=1).all()
    assert "im10.jpg" not in [file.name for file in dataset.files]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("annotations/sky.txt", "1\n121\n", r"sky.txt names 1 images that are not there .im121.jpg"),
        ("annotations/sky.txt", "0\n", r"names 1 images that are not there .im0.jpg"),
        ("annotations/sky.txt", "1\n../im2\n", r"sky.txt is not a list of image numbers"),
        ("annotations/sky.txt", "9" * 30, r"sky.txt is not a list of image numbers"),
        ("annotations/sky.txt", "1\n2\n1\n", r"sky.txt names an image twice"),
        ("annotations/sky.txt", None, r"annotations has 23 concepts, not 24"),
        ("annotations/sky2.txt", "1\n", r"annotations has 25 concepts, not 24"),
        ("annotations/sky.txt", "", r"1 of 24 classes have no training image .sky."),
        ("mirflickr/im7.jpg", None, r"has 119 of the images im1.jpg to im120.jpg"),
    ],
)
def test_bad_files_end_in_one_sentence(tmp_path: Path, file: str, content: str | None, message: str) -> None:
    path = write(tmp_path) / file
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        open_dataset("mirflickr25k", SMALL, "seeded", tmp_path)
    assert "\n" not in str(caught.value)


def test_missing_folders_and_too_few_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no mirflickr in"):
        open_dataset("mirflickr25k", SMALL, "seeded", tmp_path)
    (tmp_path / "mirflickr").mkdir()
    with pytest.raises(DataError, match=r"there is no .*annotations: unpack mirflickr25k_annotations_v080.zip"):
        open_dataset("mirflickr25k", SMALL, "seeded", tmp_path)
    with pytest.raises(DataError, match=r"has 120 images, fewer than the 2000 queries and 5000 training images"):
        open_dataset("mirflickr25k", {}, "seeded", write(tmp_path / "more"))
    for file in (tmp_path / "more" / "mirflickr").glob("*.jpg"):
        file.unlink()
    with pytest.raises(DataError, match=r"has 0 of the images im1.jpg to im25000.jpg"):
        open_dataset("mirflickr25k", SMALL, "seeded", tmp_path / "more")

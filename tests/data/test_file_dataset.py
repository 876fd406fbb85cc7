"""What every dataset of image files refuses, whatever its annotations look like."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data.file_dataset import FileDataset, find_folder
from bench.data.fingerprint import files_digest
from bench.errors import DataError
from bench.plugins.dataset import Split

NAMES = ["a/0.jpg", "a/1.jpg", "b/2.jpg", "b/3.jpg"]
LABELS = np.array([0, 1, 1, 0])
SPLIT = Split(np.array([0, 1]), np.array([2]), np.array([3]))


class Pets(FileDataset):
    name = "pets"

    def __init__(self, folder: Path, names: list[str] = NAMES, labels: Any = LABELS) -> None:
        self.hold(folder, names, labels, ["cat", "dog"], SPLIT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pets" / name).write_text(name)
    return tmp_path / "pets"


def refused(message: str, *arguments: Any) -> None:
    with pytest.raises(DataError, match=message) as caught:
        Pets(*arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("labels", [[0, 1, 2, 0], [0, -1, 1, 0]])
def test_a_label_outside_the_classes(folder: Path, labels: list[int]) -> None:
    refused(r"pets: labels run from -?\d to \d; 2 classes have 0 to 1", folder, NAMES, np.array(labels))


def test_another_number_of_labels(folder: Path) -> None:
    refused("pets: 4 images but 3 labels", folder, NAMES, LABELS[:3])


def test_files_that_are_not_there_are_counted(folder: Path) -> None:
    names = [*NAMES[:2], *(f"c/{i}.jpg" for i in range(5))]
    labels = np.zeros(7, dtype=np.int64)
    refused(r"pets: 5 of 7 images are not below .*pets .c/0.jpg, c/1.jpg, c/2.jpg, \.\.\.", folder, names, labels)
    refused("1 of 4 images are not below", folder, ["a", *NAMES[1:]])  # a folder is no image
    refused("4 of 4 images are not below", folder / "nowhere")


@pytest.mark.parametrize("name", ["../0.jpg", "a/../../0.jpg", "/etc/passwd"])
def test_a_name_that_leads_out(folder: Path, name: str) -> None:
    (folder.parent / "0.jpg").write_text("")
    refused(r"pets: 1 images lie outside .*pets .*: put them below it", folder, [name, *NAMES[1:]])


def test_links_that_lead_out(folder: Path) -> None:
    outside = folder.parent / "outside.jpg"
    outside.write_text("")
    file = folder / NAMES[0]
    file.unlink()
    file.symlink_to(outside)
    refused(r"1 images lie outside .*a/0.jpg", folder)
    outside.unlink()  # wherever it leads to
    refused(r"1 images lie outside .*a/0.jpg", folder)
    (folder / "b").rename(folder.parent / "b")
    (folder / "b").symlink_to(folder.parent / "b")
    refused("3 images lie outside", folder)


def test_links_that_stay_inside_and_a_folder_that_is_one(folder: Path) -> None:
    (folder / "a" / "0.jpg").unlink()
    (folder / "a" / "0.jpg").symlink_to(folder / "b" / "2.jpg")
    (folder.parent / "link").symlink_to(folder)
    assert len(Pets(folder.parent / "link").files) == 4
    (folder / "a" / "0.jpg").unlink()
    (folder / "a" / "0.jpg").symlink_to("0.jpg")  # round and round
    refused("1 of 4 images are not below|1 images lie outside", folder)


def test_the_folder_of_an_archive_is_looked_for(folder: Path) -> None:
    assert (
        find_folder(folder.parent, ["cats", "pets"], "a", "pets") == find_folder(folder, ["x"], "a", "pets") == folder
    )
    with pytest.raises(DataError, match=r"pets: there is no c in .*pets/cats or .*pets: unpack its archive there"):
        find_folder(folder, ["cats"], "c", "pets")


def test_a_file_that_goes_away_is_no_crash(folder: Path) -> None:
    dataset = Pets(folder)
    before = files_digest(folder, dataset.files)
    (folder / NAMES[2]).unlink()
    with pytest.raises(DataError, match=r"b/2\.jpg cannot be read \(No such file or directory\): repair or replace it"):
        files_digest(folder, dataset.files)
    (folder / NAMES[2]).write_text(NAMES[2])
    assert files_digest(folder, dataset.files) == before


def test_a_file_that_may_not_be_read() -> None:
    file = Path("/proc/self/mem")  # which no one can read from its beginning
    if not file.exists():
        pytest.skip("no /proc here")
    with pytest.raises(DataError, match=r"/proc/self cannot be read \(Input/output error\)"):
        files_digest(file.parent, [file])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x" * 5000 + ".jpg", "1 of 4 images"),
        ("y" * 5000 + "/1.jpg", "lie outside|1 of 4"),
        ("a\0/b.jpg", "lie outside"),
    ],
)
def test_names_that_no_system_takes_are_missing_files(folder: Path, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Pets(folder, [*NAMES[:3], name])

"""Each mistake ends in one sentence on stderr and exit code 2; nothing is written, no traceback is shown."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.sentences import sentence


def class_folders(root: Path, **counts: int) -> Path:
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for i in range(count):
            pixels = np.random.default_rng(i).integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.jpg")
    return root


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--bits", "0"], "grid.bits = [0] cannot be: 0 is less than 1"),
        (["--bits", "16,abc"], "--bits 16,abc is not a list of whole numbers"),
        (["--bits", ","], "--bits is empty"),
        (["--methods", "chr"], "there is no method 'chr': did you mean crh"),
        (["--datasets", "glyfs"], "there is no dataset 'glyfs': did you mean glyphs"),
        (["--set", "crh.codebook_size=9"], "crh.codebook_size = 9 is less than the 48 classes"),
        (["--set", "crh.heads=3"], "crh.heads = 3 does not divide 16 bits"),
        (["--device", "tpu"], "there is no device 'tpu'"),
        (["--device", "cuda:99"], "device cuda:99 is not there"),
        (["--executor", "locale"], "there is no executor 'locale': did you mean local"),
        (["--no-such-option"], "No such option"),
        (["none.toml"], "there is no grid file none.toml"),
    ],
)
def test_bad_options(here, tmp_path: Path, options: list[str], message: str) -> None:
    assert message in sentence(here("run", *options))
    assert not (tmp_path / "results").exists()


def test_an_output_folder_that_cannot_be_written(here, tiny_options, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = here("run", "--bits", "8", *tiny_options, "--out", "file/out")
    assert "the output folder file/out cannot be written" in sentence(done)


def test_an_empty_class_folder(here, tmp_path: Path) -> None:
    class_folders(tmp_path / "pets", cat=3, dog=0)
    assert "has no images: add some or remove the folder" in sentence(here("run", "--datasets", "./pets"))


def test_a_folder_with_one_class(here, tmp_path: Path) -> None:
    class_folders(tmp_path / "pets", cat=5)
    assert "pets has 1 class" in sentence(here("run", "--datasets", "./pets"))


def test_labels_without_positives(here, tmp_path: Path) -> None:
    rows = np.zeros((4, 3), int)
    np.savez(tmp_path / "a.npz", train_features=np.ones((4, 2)), train_labels=rows, query_features=np.ones((4, 2)),
             query_labels=rows)  # fmt: skip
    assert "no item has a label" in sentence(here("run", "--datasets", "./a.npz"))


def test_a_hostile_pickle_in_the_cifar_archive(here, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple:
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    folder = tmp_path / "data" / "cifar-100-python"
    folder.mkdir(parents=True)
    for name in ("train", "test", "meta"):
        (folder / name).write_bytes(pickle.dumps(Hostile()))
    assert "is refused: it asks for" in sentence(here("run", "--datasets", "cifar100", "--data-root", "data"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["truncated", "text"])
def test_an_image_that_cannot_be_read(here, tmp_path: Path, kind: str) -> None:
    root = class_folders(tmp_path / "pets", cat=6, dog=6, cow=6)
    if kind == "truncated":
        file = root / "cat" / "0.jpg"
        file.write_bytes(file.read_bytes()[:500])
    else:
        file = root / "cat" / "note.png"
        file.write_text("this is no image")
    done = here("run", "--datasets", "./pets", "--bits", "8", "--regime", "quick", "--set", "train.image_size=32")
    assert "pets: 1 image of" in sentence(done)
    assert str(file) in done.stderr


def test_report_of_an_empty_folder(here) -> None:
    assert "there are no results in nowhere" in sentence(here("report", "nowhere"))


def test_list_of_something_unknown(here) -> None:
    assert "did you mean crh" in sentence(here("list", "chr"))

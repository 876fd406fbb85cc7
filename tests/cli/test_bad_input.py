"""Each mistake ends in one sentence on stderr and exit code 2; nothing is written, no traceback is shown."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def class_folders(root: Path, **counts: int) -> Path:
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for i in range(count):
            pixels = np.random.default_rng(i).integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.jpg")
    return root


def assert_one_sentence(done, message: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert message in line


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
def test_bad_options(bench, tmp_path: Path, options: list[str], message: str) -> None:
    assert_one_sentence(bench("run", *options), message)
    assert not (tmp_path / "results").exists()


def test_an_output_folder_that_cannot_be_written(bench, tiny_options, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = bench("run", "--bits", "8", *tiny_options, "--out", "file/out")
    assert_one_sentence(done, "the output folder file/out cannot be written")


def test_an_empty_class_folder(bench, tmp_path: Path) -> None:
    class_folders(tmp_path / "pets", cat=3, dog=0)
    assert_one_sentence(bench("run", "--datasets", "./pets"), "has no images: add some or remove the folder")


def test_a_folder_with_one_class(bench, tmp_path: Path) -> None:
    class_folders(tmp_path / "pets", cat=5)
    assert_one_sentence(bench("run", "--datasets", "./pets"), "pets has 1 class")


def test_labels_without_positives(bench, tmp_path: Path) -> None:
    rows = np.zeros((4, 3), int)
    np.savez(tmp_path / "a.npz", train_features=np.ones((4, 2)), train_labels=rows, query_features=np.ones((4, 2)),
             query_labels=rows)  # fmt: skip
    assert_one_sentence(bench("run", "--datasets", "./a.npz"), "no item has a label")


def test_a_hostile_pickle_in_the_cifar_archive(bench, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple:
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    folder = tmp_path / "data" / "cifar-100-python"
    folder.mkdir(parents=True)
    for name in ("train", "test", "meta"):
        (folder / name).write_bytes(pickle.dumps(Hostile()))
    assert_one_sentence(bench("run", "--datasets", "cifar100", "--data-root", "data"), "is refused: it asks for")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["truncated", "text"])
def test_an_image_that_cannot_be_read(bench, tmp_path: Path, kind: str) -> None:
    root = class_folders(tmp_path / "pets", cat=6, dog=6, cow=6)
    if kind == "truncated":
        file = root / "cat" / "0.jpg"
        file.write_bytes(file.read_bytes()[:500])
    else:
        file = root / "cat" / "note.png"
        file.write_text("this is no image")
    done = bench("run", "--datasets", "./pets", "--bits", "8", "--regime", "quick", "--set", "train.image_size=32")
    assert_one_sentence(done, "pets: 1 image of")
    assert str(file) in done.stderr


def test_report_of_an_empty_folder(bench) -> None:
    assert_one_sentence(bench("report", "nowhere"), "there are no results in nowhere")


def test_list_of_something_unknown(bench) -> None:
    assert_one_sentence(bench("list", "chr"), "did you mean crh")

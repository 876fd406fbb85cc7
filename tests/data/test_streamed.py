"""A disk without room for the decoded images: they are decoded where they are read, and nothing else changes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import bench
from bench.backbones.build import Weights
from bench.data import streamed
from bench.data.filling import filled_array
from bench.data.images import prepared_images
from bench.data.streamed import StreamedImages, lacking_space
from bench.errors import BenchWarning, DataError
from bench.grid.job import open_dataset
from bench.randomness import torch_stream
from bench.training.features import frozen_features
from bench.training.inputs import ImageInputs
from bench.training.progress import Observer
from bench.training.regimes import train_config

CPU = torch.device("cpu")
WHOLE = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Says how many bytes are free on every disk, beyond what is left free."""

    def say(count: int) -> None:
        usage = shutil.disk_usage("/")._replace(free=count + streamed._LEFT_FREE)
        monkeypatch.setattr(streamed.shutil, "disk_usage", lambda place: usage)

    return say


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """24 images of two classes that differ in their mean colour."""
    rng = np.random.default_rng(0)
    for name, level in (("cat", 60), ("dog", 180)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(12):
            pixels = rng.integers(level - 50, level + 50, (20, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{i}.png")
    return tmp_path / "pets"


def both(root: Path, free: Callable[[int], None], size: int = 16) -> tuple[StreamedImages, np.ndarray]:
    free(100)
    with pytest.warns(BenchWarning, match="decoded again in every epoch"):
        without = open_dataset("image-folder", {}, "auto", root).images(size)
    free(10**9)
    kept = open_dataset("image-folder", {}, "auto", root).images(size)
    assert isinstance(without, StreamedImages)
    assert isinstance(kept, np.ndarray)
    return without, kept


def test_pixels_are_those_of_the_cache(pets: Path, free: Callable[[int], None]) -> None:
    without, kept = both(pets, free)
    assert (without.shape, without.dtype, without.nbytes, len(without)) == (kept.shape, kept.dtype, kept.nbytes, 24)
    assert np.array_equal(np.asarray(without), kept)
    assert all(np.array_equal(a, b) for a, b in zip(without, kept, strict=True))
    rows = np.array([3, 20, 3, 0])
    assert np.array_equal(without[rows], kept[rows])


@given(
    st.integers(-9, 8)
    | st.slices(9)
    | st.lists(st.integers(-9, 8)).map(lambda rows: np.array(rows, dtype=np.int64))
    | st.lists(st.booleans(), min_size=9, max_size=9).map(np.array)
)
def test_it_is_read_as_an_array(rows: int | slice | np.ndarray) -> None:
    found = StreamedImages(9, 4, lambda chosen: WHOLE[chosen])[rows]
    assert found.dtype == np.uint8
    assert np.array_equal(found, WHOLE[rows])


def test_there_is_no_row_beyond_the_last() -> None:
    with pytest.raises(IndexError):
        StreamedImages(9, 4, lambda chosen: WHOLE[chosen])[9]


def test_what_lacks_is_said(pets: Path, free: Callable[[int], None], own_cache: Path) -> None:
    free(100)
    with pytest.warns(BenchWarning) as caught:
        open_dataset("image-folder", {}, "auto", pets).images(8000)
    sentence = str(caught[0].message)
    assert sentence.startswith("pets: its images of 8000 pixels take 4,608 MB, and the disk of the cache ")
    assert f"{own_cache} lacks 4,608 MB for them" in sentence
    assert sentence.endswith("or name another cache with $BENCH_CACHE.")


def test_what_is_there_needs_no_room(free: Callable[[int], None]) -> None:
    free(10)
    assert lacking_space("a", 30) == 20

    def fill(rows: slice) -> np.ndarray:
        if rows.start:
            raise KeyboardInterrupt
        return np.zeros((16, 1), np.uint8)

    with pytest.raises(KeyboardInterrupt):
        filled_array("a", (3000, 1), np.uint8, fill, 16)
    assert lacking_space("a", 3000) < 3000 - 16 - 10  # the file has a header, too
    filled_array("a", (3000, 1), np.uint8, lambda rows: np.zeros((3000, 1), np.uint8)[rows], 1000)
    assert lacking_space("a", 3000) == 0


def test_unreadable_files_are_all_counted_before_anything_is_trained(pets: Path, free: Callable[[int], None]) -> None:
    (pets / "cat" / "3.png").write_bytes((pets / "cat" / "3.png").read_bytes()[:200])
    (pets / "dog" / "5.png").write_bytes(b"")
    free(100)
    with pytest.warns(BenchWarning), pytest.raises(DataError, match=r"2 images of 24 .*3\.png.*5\.png \(it is empty\)"):
        prepared_images(sorted(pets.rglob("*.png")), 16, "pets", "0" * 24)


def test_a_file_that_has_gone_since_is_named(pets: Path, free: Callable[[int], None]) -> None:
    without, _ = both(pets, free)
    (pets / "dog" / "5.png").unlink()
    with pytest.raises(DataError, match=r"pets: 1 image of 24 cannot be read: .*5\.png"):
        np.asarray(without)


@pytest.mark.parametrize("crop", ["random", "random-resized"])
def test_batches_are_the_same(pets: Path, free: Callable[[int], None], crop: str) -> None:
    config = train_config("finetune", None, {"image_size": 12, "store_size": 16, "crop": crop})
    rows = np.array([5, 23, 0, 7])
    a, b = (ImageInputs(images, config, Weights("scratch"), True, CPU) for images in both(pets, free))
    assert torch.equal(a.test_batch(rows), b.test_batch(rows))
    drawn = [source.train_batch(rows, torch_stream(0, "augmentation")) for source in (a, b)]
    assert torch.equal(*drawn)


@pytest.mark.filterwarnings("ignore::bench.errors.BenchWarning")
def test_features_are_the_same(pets: Path, free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    config = train_config(
        "frozen", None, {"backbone": "small-cnn", "weights": "scratch", "image_size": 16, "store_size": 16}
    )
    dataset, found = open_dataset("image-folder", {}, "auto", pets), []
    for count in (100, 10**9):
        monkeypatch.setenv("BENCH_CACHE", str(pets.parent / f"cache-{count}"))
        free(count)
        found.append(frozen_features(dataset, config, Weights("scratch"), CPU, Observer()))
    assert np.array_equal(*found)
    assert not list((pets.parent / "cache-100").glob("images-*-16.npy"))
    assert list((pets.parent / "cache-1000000000").glob("images-*-16.npy"))


def test_a_run_ends_with_the_same_results(
    pets: Path, free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = []
    for count in (100, 10**9):
        monkeypatch.setenv("BENCH_CACHE", str(tmp_path / f"cache-{count}"))
        free(count)
        results = bench.run(
            methods=["csq"], datasets=["image-folder"], bits=[16], regime="quick", data_root=pets,
            out=tmp_path / f"out-{count}", reports=False,
            set={"train": {"epochs": 2, "batch_size": 8, "image_size": 16}},
        )  # fmt: skip
        found.append(results)
    stored = [next(iter((tmp_path / f"out-{count}").rglob("result.json"))).read_text() for count in (100, 10**9)]
    assert [("decoded again in every epoch" in text) for text in stored] == [True, False]
    assert list(found[0].frame["status"]) == ["ok"]
    assert found[0].frame["map"][0] == found[1].frame["map"][0]

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import DataError
from bench.grid.job import open_dataset

RNG = np.random.default_rng(0)


def images(count: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def parts(**changes: np.ndarray | None) -> dict[str, np.ndarray]:
    arrays = {
        "train_images": images(8), "train_labels": np.arange(8) % 3, "query_images": images(3),
        "query_labels": np.arange(3), **changes,
    }  # fmt: skip
    return {k: v for k, v in arrays.items() if v is not None}


def opened(tmp_path: Path, arrays: dict[str, np.ndarray], split: str = "auto", **config: object):
    np.savez(tmp_path / "mine.npz", **arrays)
    return open_dataset("arrays", config, split, tmp_path / "mine.npz")


def test_parts(tmp_path: Path) -> None:
    arrays = parts()
    dataset = opened(tmp_path, arrays)
    assert (dataset.name, dataset.split_name, dataset.class_names) == (
        "mine",
        "parts",
        ("class 0", "class 1", "class 2"),
    )
    assert np.array_equal(dataset.images(99)[dataset.split.query], arrays["query_images"])
    assert np.array_equal(dataset.split.database, dataset.split.train)
    assert dataset.native_size == 8


def test_a_database_and_names(tmp_path: Path) -> None:
    names = np.array(["a", "b", "c"])
    more = {"database_images": images(5), "database_labels": np.zeros(5, int), "class_names": names}
    dataset = opened(tmp_path, parts(**more))
    assert dataset.class_names == ("a", "b", "c")
    assert len(dataset.split.database) == 5


def test_grey_images_become_rgb(tmp_path: Path) -> None:
    dataset = opened(tmp_path, parts(train_images=images(8)[..., 0], query_images=images(3)[..., 0]))
    assert dataset.images(8).shape == (11, 8, 8, 3)


def test_features_multi_label(tmp_path: Path) -> None:
    rows = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    arrays = {
        "train_features": RNG.normal(size=(4, 6)), "train_labels": rows, "query_features": RNG.normal(size=(2, 6)),
        "query_labels": rows[:2],
    }  # fmt: skip
    dataset = opened(tmp_path, arrays)
    assert not dataset.has_images
    assert dataset.multi_label
    assert dataset.features().dtype == np.float32
    with pytest.raises(DataError, match="only features"):
        dataset.images(8)


def test_one_table_is_split_by_seed(tmp_path: Path) -> None:
    arrays = {"images": images(30), "labels": np.arange(30) % 3}
    a, b = opened(tmp_path, arrays), opened(tmp_path, arrays, split_seed=1)
    assert a.split_name == "stratified"
    assert a.fingerprint() != b.fingerprint()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (parts(train_images=None), "neither train_images nor train_features"),
        (parts(query_labels=None), "has no query_labels"),
        (parts(train_images=images(7)), "7 train_images but 8 train_labels"),
        (parts(train_images=RNG.normal(size=(8, 8, 8, 3))), "must be uint8"),
        (parts(train_images=images(8)[:, :, :5]), "must be uint8 .N, S, S, 3."),
        (parts(train_labels=np.arange(8) - 1), "class numbers .N,. from 0 on"),
        (parts(train_labels=RNG.normal(size=8)), "class numbers"),
        (parts(query_labels=np.array([0, 1, 2**60])), "class numbers up to 1152921504606846976 for 11 items"),
        (parts(query_images=images(3)[:, :4, :4]), "different shapes"),
        (parts(class_names=np.array(["a"])), "1 class_names for 3 classes"),
        (parts(train_labels=np.zeros(8, int), query_labels=np.zeros(3, int)), "needs at least 2"),
        (parts(train_labels=np.zeros((8, 3), int), query_labels=np.zeros((3, 3), int)), "no item has a label"),
        (parts(train_labels=np.arange(8) % 2), "1 of 3 classes have no training image .class 2."),
        ({"images": images(4), "labels": np.eye(4, dtype=int)}, "multi-label items need parts"),
        ({"train_features": np.full((4, 2), np.nan), "train_labels": np.arange(4) % 2}, "finite floats"),
        ({"other": np.zeros(3)}, "neither images nor features; it has other"),
    ],
)
def test_bad_files_end_in_one_sentence(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        opened(tmp_path, arrays)
    assert "\n" not in str(caught.value)


def test_objects_and_other_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", train_labels=np.array([{}], dtype=object))
    (tmp_path / "b.npz").write_text("no zip")
    for name in ("a", "b"):
        with pytest.raises(DataError, match=r"not a readable \.npz"):
            open_dataset("arrays", {}, "auto", tmp_path / f"{name}.npz")
    with pytest.raises(DataError, match="No such file"):
        open_dataset("arrays", {}, "auto", tmp_path / "gone.npz")


def packed(save: Callable[..., None]) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **parts())
    return buffer.getvalue()


PACKED = [packed(np.savez), packed(np.savez_compressed)]


@given(st.sampled_from(PACKED), st.data())
def test_no_damage_ends_in_anything_but_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
    try:
        open_dataset("arrays", {}, "auto", path)
    except DataError as error:
        assert "\n" not in str(error)

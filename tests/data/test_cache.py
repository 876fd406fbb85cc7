import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bench.data.cache import arrays_given, arrays_read, cache_dir, cached_array
from bench.data.filling import filled_array


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def never() -> np.ndarray:
    raise AssertionError("made again")


def test_an_array_is_made_once(own_cache: Path) -> None:
    array = np.arange(12.0).reshape(3, 4)
    first = cached_array("a", lambda: array)
    second = cached_array("a", never)
    assert np.array_equal(first, array)
    assert np.array_equal(second, array)
    with pytest.raises(ValueError, match="read-only"):
        second[0, 0] = 1
    assert [p.name for p in own_cache.iterdir()] == ["a.npy"]


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "header", "zip", "noise"])
def test_a_damaged_file_is_made_again(own_cache: Path, damage: str) -> None:
    cached_array("a", lambda: np.arange(1000))
    content = (own_cache / "a.npy").read_bytes()
    broken = {
        "cut": content[:-8], "empty": b"", "text": b"hello", "header": content[:40], "zip": b"PK\3\4" + content,
        "noise": content[:10] + b"{[" * 59 + content[128:],
    }[damage]  # fmt: skip
    (own_cache / "a.npy").unlink()
    (own_cache / "a.npy").write_bytes(broken)
    assert np.array_equal(cached_array("a", lambda: np.arange(1000)), np.arange(1000))
    assert np.array_equal(cached_array("a", never), np.arange(1000))


def test_a_pickle_is_not_loaded(own_cache: Path) -> None:
    own_cache.mkdir()
    np.save(own_cache / "a.npy", np.array([{"x": 1}], dtype=object), allow_pickle=True)
    assert cached_array("a", lambda: np.arange(3)).tolist() == [0, 1, 2]


def test_without_a_place_to_write_the_array_is_returned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file" / "below"))
    assert cached_array("a", lambda: np.arange(3)).tolist() == [0, 1, 2]


def test_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "hash-center-bench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == Path.home() / ".cache" / "hash-center-bench"
    (tmp_path / "config.toml").write_text('cache = "~/scratch"')
    monkeypatch.setenv("BENCH_CONFIG", str(tmp_path / "config.toml"))
    assert cache_dir() == Path.home() / "scratch"


def test_of_two_that_want_an_array_one_makes_it(own_cache: Path) -> None:
    made: list[int] = []

    def make() -> np.ndarray:
        made.append(1)
        time.sleep(0.2)
        return np.arange(3)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: cached_array("twice", make), range(2)))
    assert len(made) == 1
    assert [array.tolist() for array in found] == [[0, 1, 2]] * 2
    assert [path.name for path in own_cache.iterdir()] == ["twice.npy"]


def test_what_another_machine_gives_is_not_made(own_cache: Path) -> None:
    cached_array("here", lambda: np.arange(3))
    with arrays_read() as read:
        cached_array("here", never)
        cached_array("new", lambda: np.arange(4))
    assert {key: array.tolist() for key, array in read.items()} == {"here": [0, 1, 2], "new": [0, 1, 2, 3]}
    given = {key: np.array(array) + 1 for key, array in read.items()}
    (own_cache / "new.npy").unlink()
    with arrays_given(given):
        assert cached_array("new", never).tolist() == [1, 2, 3, 4]
        assert cached_array("here", never).tolist() == [0, 1, 2]  # its own comes first
        assert filled_array("new", (4,), given["new"].dtype, lambda rows: never(), 2) is given["new"]
    assert cached_array("new", lambda: np.arange(5)).tolist() == [0, 1, 2, 3, 4]

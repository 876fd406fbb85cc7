import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.filling import Unfilled, filled_array, watched
from bench.errors import StoreError

SHAPE = (10, 3)
WHOLE = np.arange(30).reshape(SHAPE)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Fill:
    """Rows of WHOLE; raises at the rows given."""

    def __init__(self, fails_at: int | None = None, error: Exception | None = None) -> None:
        self.fails_at, self.error, self.made = fails_at, error or KeyboardInterrupt(), []

    def __call__(self, rows: slice) -> np.ndarray:
        if rows.start == self.fails_at:
            raise self.error
        self.made.append(rows.start)
        return WHOLE[rows]


def fill(maker: Fill, block: int = 3) -> np.ndarray | None:
    return filled_array("a", SHAPE, np.int64, maker, block)


def test_it_is_filled_once_and_nothing_is_left_over(own_cache: Path) -> None:
    maker = Fill()
    assert np.array_equal(fill(maker), WHOLE)
    assert maker.made == [0, 3, 6, 9]
    assert np.array_equal(fill(Fill(0)), WHOLE)
    assert [p.name for p in own_cache.iterdir()] == ["a.npy"]


def test_what_was_done_before_an_interruption_is_kept(own_cache: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fill(Fill(6))
    assert not (own_cache / "a.npy").exists()
    again = Fill()
    assert np.array_equal(fill(again), WHOLE)
    assert again.made == [6, 9]


@pytest.mark.parametrize("damage", ["cut", "empty", "other type", "garbage"])
def test_a_damaged_array_is_filled_again(own_cache: Path, damage: str) -> None:
    fill(Fill())
    path = own_cache / "a.npy"
    content = path.read_bytes()
    path.unlink()  # as the first array may be mapped still
    other = content.replace(b"<i8", b"<f8")
    assert other != content
    path.write_bytes({"cut": content[:-1], "empty": b"", "other type": other, "garbage": content[::-1]}[damage])
    assert np.array_equal(fill(Fill()), WHOLE)
    assert np.array_equal(fill(Fill(0)), WHOLE)


@pytest.mark.parametrize("damage", ["half a line", "no ledger", "other shape", "no array", "cut array", "numbers"])
def test_what_is_doubtful_is_made_again(own_cache: Path, damage: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        fill(Fill(6))
    ledger, part = own_cache / ".a.blocks", own_cache / ".a.filling"
    if damage == "half a line":
        ledger.write_text("0\n1")
    elif damage == "no ledger":
        ledger.unlink()
    elif damage == "no array":
        part.unlink()
    elif damage == "cut array":
        os.truncate(part, part.stat().st_size - 1)
    elif damage == "numbers":
        ledger.write_text("0\n1\n99999999999999999999\n")
    else:
        filled = filled_array("a", (4, 3), np.int64, lambda rows: WHOLE[rows], 3)
        assert np.array_equal(filled, WHOLE[:4])
    again = Fill()
    assert np.array_equal(fill(again), WHOLE)
    assert again.made == ([3, 6, 9] if damage == "half a line" else [0, 3, 6, 9])


def test_a_block_that_cannot_be_made_stops_no_other(own_cache: Path) -> None:
    maker = Fill(3, Unfilled())
    assert fill(maker) is None
    assert maker.made == [0, 6, 9]
    again = Fill()
    assert np.array_equal(fill(again), WHOLE)
    assert again.made == [3]


def test_a_full_disk_is_said_and_loses_nothing(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = os.fsync
    calls: list[int] = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        synced(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"is full: free some space .* what is prepared is kept"):
        fill(Fill())
    monkeypatch.setattr(os, "fsync", synced)
    again = Fill()
    assert np.array_equal(fill(again), WHOLE)
    assert again.made == [6, 9]


FILLED_TWICE = """
import numpy as np, os, resource, subprocess
from bench.data.filling import filled_array
from bench.errors import StoreError

def fill_all():
    def fill(rows):
        made.append(rows.start)
        return np.arange(3000).reshape(10, 300)[rows]
    made = []
    try:
        filled_array('b', (10, 300), np.int64, fill, 2)
    except StoreError as error:
        print(error)
    print(*made)

{before}
fill_all()
{between}
fill_all()
assert (np.load(os.environ['BENCH_CACHE'] + '/b.npy') == np.arange(3000).reshape(10, 300)).all()
"""


def fill_twice(before: str, between: str, prefix: tuple[str, ...] = ()) -> list[str]:
    """Five blocks of 4.8 kB, in a process of its own."""
    command = [*prefix, sys.executable, "-c", FILLED_TWICE.format(before=before, between=between)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_file_that_may_not_grow_further_loses_nothing() -> None:
    said, first, second = fill_twice(
        "resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, resource.RLIM_INFINITY))",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)",
    )
    assert "cannot be written (File too large): free some space or name another with $BENCH_CACHE" in said
    assert (first, second) == ("0 2 4", "4 6 8")


def test_a_disk_that_is_full_loses_nothing(own_cache: Path) -> None:
    own_cache.mkdir()
    mount = 'mount -t tmpfs -o size=20k none "$BENCH_CACHE" && exec "$@"'
    own = ("unshare", "--mount", "--map-root-user", "sh", "-c", mount, "sh")  # seen by this process only
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    grow = "subprocess.run(['mount', '-o', 'remount,size=1m', os.environ['BENCH_CACHE']], check=True)"
    said, first, second = fill_twice("", grow, own)
    assert "is full: free some space or name another with $BENCH_CACHE; what is prepared is kept" in said
    assert first.split()[-1] == second.split()[0]  # the block that had no room
    assert sorted({*first.split(), *second.split()}) == ["0", "2", "4", "6", "8"]


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    with watched(lambda done, total: told.append((done, total))):
        fill(Fill())
    assert told == [(3, 10), (6, 10), (9, 10), (10, 10)]


@given(st.integers(1, 12), st.integers(0, 9))
def test_any_block_and_any_interruption(block: int, at: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        import tempfile

        patch.setenv("BENCH_CACHE", tempfile.mkdtemp())
        start = at // block * block
        with pytest.raises(KeyboardInterrupt):
            fill(Fill(start), block)
        again = Fill()
        assert np.array_equal(fill(again, block), WHOLE)
        assert again.made == list(range(start, 10, block))


def test_killed_at_once_it_goes_on(own_cache: Path) -> None:
    code = (
        "import os, signal, numpy as np\n"
        "from bench.data.filling import filled_array\n"
        "def fill(rows):\n"
        "    if rows.start == 6: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return np.arange(30).reshape(10, 3)[rows]\n"
        "filled_array('a', (10, 3), np.int64, fill, 3)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    again = Fill()
    assert np.array_equal(fill(again), WHOLE)
    assert again.made == [6, 9]

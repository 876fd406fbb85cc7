"""One process at a time runs a cell, as far as the system has locks; `test_local` has two runs on one folder."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bench.errors import StoreError
from bench.grid import claims
from bench.grid.claims import claimed, claimed_ids
from tests.grid.test_store import CELL


def test_a_claim_is_had_by_one_and_goes_with_its_block(tmp_path: Path) -> None:
    with claimed(tmp_path, CELL) as mine:
        assert mine
        assert claimed_ids(tmp_path) == {CELL.id}
        with claimed(tmp_path, CELL) as again:  # another handle, as in another process
            assert not again
        assert claimed_ids(tmp_path) == {CELL.id}
    assert claimed_ids(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []


def test_a_file_whose_holder_removes_it_meanwhile_is_not_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, removed = claims._lock, []

    def after_its_removal(handle: int) -> bool:
        if not removed:
            removed.append(tmp_path / ".claims" / CELL.id)
            removed[0].unlink()
        return lock(handle)

    monkeypatch.setattr(claims, "_lock", after_its_removal)
    with claimed(tmp_path, CELL) as mine:
        assert mine
        assert claimed_ids(tmp_path) == {CELL.id}  # of the file that is there


@pytest.mark.parametrize("system", ["no locks at all", "a folder without locks"])
def test_where_there_are_no_locks_every_cell_is_everyones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    if system == "no locks at all":  # Windows
        monkeypatch.setattr(claims, "fcntl", None)
    else:
        monkeypatch.setattr(claims.fcntl, "flock", refuse)
    with claimed(tmp_path, CELL) as mine, claimed(tmp_path, CELL) as again:
        assert mine
        assert again
        assert claimed_ids(tmp_path) == set()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / ".claims").write_text("")
    with (
        pytest.raises(StoreError, match=r"cannot be written .* free some space or use another --out"),
        claimed(tmp_path, CELL),
    ):
        pass

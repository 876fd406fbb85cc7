"""One process at a time runs a cell, as far as the system has locks; `test_local` has two runs on one folder."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bench.errors import StoreError
from bench.grid.plan import make_plan
from bench.grid.run import run_plan
from bench.grid.spec import grid_spec
from bench.storage import claims
from bench.storage.claims import claimed, claimed_ids, clear_claims
from tests.storage.test_store import CELL


def test_a_claim_is_had_by_one_and_goes_with_its_block(tmp_path: Path) -> None:
    with claimed(tmp_path, CELL) as mine:
        assert mine
        assert claimed_ids(tmp_path) == {CELL.id}
        with claimed(tmp_path, CELL) as again:  # another handle, as in another process
            assert not again
        assert claimed_ids(tmp_path) == {CELL.id}
    assert claimed_ids(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []


def test_files_of_processes_that_were_killed_are_removed_and_claims_that_are_held_stay(tmp_path: Path) -> None:
    left = tmp_path / ".claims" / "0123456789abcdef"
    with claimed(tmp_path, CELL):
        left.touch()
        clear_claims(tmp_path)
        assert claimed_ids(tmp_path) == {CELL.id}
        assert not left.exists()
    left.parent.mkdir()
    left.touch()
    clear_claims(tmp_path)
    assert list(tmp_path.iterdir()) == []
    clear_claims(tmp_path / "nowhere")


def test_a_run_clears_them(tmp_path: Path, tiny_set: dict) -> None:
    """A cell that is done is not claimed again, so nobody else would."""
    plan = make_plan(grid_spec(options={"methods": ["csq"], "bits": [4], "set": tiny_set, "out": tmp_path}))
    run_plan(plan)
    (tmp_path / "cells" / ".claims").mkdir()
    (tmp_path / "cells" / ".claims" / plan.cells[0].job.cell.id).touch()
    run_plan(make_plan(plan.spec))
    assert not (tmp_path / "cells" / ".claims").exists()


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


def test_a_folder_that_goes_while_it_is_made_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run's last claim takes the folder with it, at any moment."""
    folder, is_dir = tmp_path / ".claims", Path.is_dir

    def gone(self: Path) -> bool:
        if self == folder and folder.exists():
            folder.rmdir()
        return is_dir(self)

    folder.mkdir()
    monkeypatch.setattr(Path, "is_dir", gone)
    with claimed(tmp_path, CELL) as mine:
        assert mine

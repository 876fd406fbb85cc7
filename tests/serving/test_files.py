from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.serving.files import read_plain, served_files


def test_tables_and_figures_and_nothing_else(folder: Path, served: list[str]) -> None:
    found = served_files(folder)
    assert list(found) == served
    assert {path: read_plain(file) for path, file in found.items()} == {
        path: (folder / path[1:]).read_bytes() for path in served
    }


def test_a_folder_of_figures_that_is_a_link(folder: Path, tmp_path: Path) -> None:
    (folder / "figures").rename(tmp_path / "elsewhere")
    (folder / "figures").symlink_to(tmp_path / "elsewhere")
    assert list(served_files(folder)) == ["/results.md", "/results.csv", "/results.tex"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert served_files(tmp_path / "nowhere") == {}


def test_what_is_no_plain_file_any_more(folder: Path, tmp_path: Path) -> None:
    path = served_files(folder)["/figures/a.svg"]
    path.unlink()
    assert read_plain(path) is None
    path.symlink_to(tmp_path / "secret.svg")
    assert read_plain(path) is None
    path.unlink()
    path.mkdir()
    assert read_plain(path) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    pipe = folder / "figures" / "pipe.svg"
    os.mkfifo(pipe)
    assert "/figures/pipe.svg" not in served_files(folder)
    assert read_plain(pipe) is None

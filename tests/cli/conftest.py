from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.plugins.registry import registry

Bench = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Run the command in a process of its own, in an empty folder."""

    def run(*arguments: str, cwd: Path = tmp_path, check: int | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bench", *arguments]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
        if check is not None:
            assert done.returncode == check, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def tiny_options(tiny: list[str]) -> list[str]:
    return [part for text in tiny for part in ("--set", text)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    """The command in this process, in an empty folder: starting one takes seconds."""
    known = registry("method")
    monkeypatch.setattr(known, "_entries", dict(known.entries()))  # files are registered for one test
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, check: int | None = None) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        done = subprocess.CompletedProcess(arguments, int(ended.value.code or 0), *capsys.readouterr())
        assert check in (None, done.returncode), done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def cell(here: Bench, tiny_options: list[str], tmp_path: Path) -> Path:
    """Folder of a stored cell."""
    here("run", "--methods", "csq", "--bits", "8", *tiny_options, check=0)
    (folder,) = (tmp_path / "results" / "cells").glob("glyphs.*")
    return folder

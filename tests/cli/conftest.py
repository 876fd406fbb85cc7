from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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

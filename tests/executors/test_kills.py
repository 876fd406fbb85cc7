"""A grid that is killed at a random moment and run again ends in the same tables; finished cells are not run again."""

from __future__ import annotations

import contextlib
import csv
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

KILLS = int(os.environ.get("BENCH_TEST_KILLS", "2"))  # moments to try
_TABLES = ["results.md", "results.tex", "figures/map_vs_bits.svg"]
_SETS = [
    "glyphs.classes=8", "glyphs.train=24", "glyphs.query=3", "glyphs.database=8", "glyphs.size=16", "train.epochs=6",
    "train.batch_size=16",
]  # fmt: skip


@pytest.fixture(scope="module")
def grid(write_clouds: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A command: images trained one by one, and heads trained together."""
    folder = tmp_path_factory.mktemp("grid")
    clouds = write_clouds(folder / "clouds.npz", classes=6, train=180, query=120)
    sets = [part for text in _SETS for part in ("--set", text)]
    return [
        sys.executable, "-m", "bench", "run", "--methods", "crh,csq,mds", "--bits", "8,16", "--seeds", "0,1",
        "--datasets", f"glyphs,{clouds}", "--workers", "2", *sets,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def whole(grid: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Tables of the run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    subprocess.run([*grid, "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return tables(folder)


def tables(out: Path) -> dict[str, bytes]:
    found = {name: (out / name).read_bytes() for name in _TABLES}
    with (out / "results.csv").open() as file:
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    return {**found, "rows": repr(rows).encode()}


def workers_of(parent: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def a_moment(out: Path, draw: random.Random) -> Callable[[], bool]:
    """Whether it has come: when so many cells are stored, while one is written, or before one of a pass is stored."""
    kind = draw.choice(["cells", "cells", "writing", "trained"])
    cells = out / "cells"
    if kind == "writing":
        return lambda: any(cells.glob(".writing-*"))
    if kind == "trained":
        return lambda: any(cells.glob(".pass-*"))
    count = draw.randint(0, 22)
    return lambda: len(list(cells.glob("[!.]*/result.json"))) >= count


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(KILLS))
def test_killed_and_run_again(grid: list[str], whole: dict[str, bytes], tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    cells = tmp_path / "cells"
    process = subprocess.Popen([*grid, "--out", str(tmp_path)], stdout=subprocess.DEVNULL)
    moment = a_moment(tmp_path, draw)
    while process.poll() is None and not moment():
        time.sleep(0.001)
    victim = draw.choice(["parent", "worker"])
    running = workers_of(process.pid)
    pid = process.pid if victim == "parent" or not running else draw.choice(running)
    finished = {p.parent: p.stat().st_mtime_ns for p in cells.glob("[!.]*/result.json")}
    with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
        os.kill(pid, signal.SIGKILL)
    process.wait()
    again = subprocess.run([*grid, "--out", str(tmp_path)], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    print(f"seed {seed}: {victim} killed, {len(finished)} of 24 cells were finished")
    assert {p: (p / "result.json").stat().st_mtime_ns for p in finished} == finished
    assert tables(tmp_path) == whole
    assert {p.name for p in cells.glob(".*")} <= {".claims"}

"""The command from outside: a whole grid, and a kill in the middle of it."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

GRID = ["run", "--methods", "crh,csq", "--bits", "8,16"]
FILES = ["results.md", "results.tex", "results.csv", *(f"figures/map_vs_bits.{form}" for form in ("pdf", "svg", "png"))]


def written(folder: Path, without_times: bool = False) -> dict[str, bytes]:
    found = {name: (folder / name).read_bytes() for name in FILES if not (without_times and name == "results.csv")}
    if without_times:
        with (folder / "results.csv").open() as file:
            rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
        found["rows"] = repr(rows).encode()
    return found


def test_a_grid_ends_in_tables_and_figures_and_is_not_run_twice(bench, tiny_options, tmp_path: Path) -> None:
    first = bench(*GRID, *tiny_options, check=0)
    assert "4 cells: 4 to run" in first.stdout
    assert "[4/4] glyphs@default csq 16 bits seed 0: mAP 0." in first.stdout
    assert "real-valued" not in first.stdout.split("wrote")[0].split("[4/4]")[0]
    before = written(tmp_path / "results")
    again = bench(*GRID, *tiny_options, check=0)
    assert "4 cells: 4 done, 0 to run" in again.stdout
    assert "[1/" not in again.stdout
    assert written(tmp_path / "results") == before
    more = bench("run", "--methods", "crh", "--bits", "8,16,32", *tiny_options, check=0)
    assert "3 cells: 2 done, 1 to run" in more.stdout


def test_plan_shows_what_is_done_and_how_long_the_rest_takes(here, tiny_options) -> None:
    options = [*GRID[1:], *tiny_options]
    assert "4 cells: 4 to run, time not known yet" in here("plan", *options, check=0).stdout
    here("run", "--methods", "crh", "--bits", "8", *tiny_options, check=0)
    planned = here("plan", *options, check=0).stdout
    assert "4 cells: 1 done, 3 to run, about " in planned
    assert planned.count("missing") == 3


def test_report_makes_the_same_files_again(here, tiny_options, tmp_path: Path) -> None:
    here(*GRID, *tiny_options, check=0)
    before = written(tmp_path / "results")
    for name in FILES:
        (tmp_path / "results" / name).unlink()
    here("report", "results", check=0)
    assert written(tmp_path / "results") == before


def test_killed_in_the_middle_and_run_again_it_ends_the_same(bench, tiny_options, tmp_path: Path) -> None:
    bench(*GRID, *tiny_options, "--out", "whole", check=0)
    command = [sys.executable, "-m", "bench", *GRID, *tiny_options, "--out", "killed"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    cells = tmp_path / "killed" / "cells"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list(cells.glob("glyphs.*"))) < 2:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished = {p: (p / "result.json").stat().st_mtime_ns for p in cells.glob("glyphs.*")}
    assert 2 <= len(finished) < 4
    bench(*GRID, *tiny_options, "--out", "killed", check=0)
    assert all((p / "result.json").stat().st_mtime_ns == stamp for p, stamp in finished.items())
    assert written(tmp_path / "killed", True) == written(tmp_path / "whole", True)
    assert not list(cells.glob(".*"))


def test_a_half_written_cell_is_run_again(here, tiny_options, tmp_path: Path) -> None:
    options = ["run", "--methods", "csq", "--bits", "8", *tiny_options]
    here(*options, check=0)
    before = written(tmp_path / "results", True)
    (cell,) = (tmp_path / "results" / "cells").iterdir()
    (cell / "arrays.npz").unlink()
    shutil.copytree(cell, cell.with_name(".writing-" + cell.name))
    assert "1 to run" in here(*options, check=0).stdout
    assert written(tmp_path / "results", True) == before


def test_a_failed_cell_is_recorded_and_the_grid_goes_on(here, tiny_options, tmp_path: Path) -> None:
    failing = tmp_path / "failing.py"
    failing.write_text(
        "import torch\nfrom bench.plugins import PluginInfo\nfrom bench.plugins.method import Method\n"
        'INFO = PluginInfo(name="failing", summary="fails")\n'
        "class Failing(Method):\n"
        "    def make_centers(self):\n        return torch.ones(self.task.num_classes, self.task.bits)\n"
        "    def loss(self, relaxed, targets):\n        raise RuntimeError('out of luck')\n"
    )
    options = ["run", "--methods", "./failing.py,csq", "--bits", "8", *tiny_options]
    done = here(*options, check=1)
    assert "failing 8 bits seed 0: failed after" in done.stdout
    assert "1 of 2 cells failed" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "RuntimeError: out of luck" in (tmp_path / "results" / "results.md").read_text()
    (stored,) = (tmp_path / "results" / "cells").glob("glyphs.failing*/result.json")
    assert "Traceback" in stored.read_text()
    assert "2 cells: 1 done, 1 failed, 1 to run" in here("plan", *options[1:], check=0).stdout
    assert here(*options, "--overwrite", "never").returncode == 1


def test_a_method_in_a_file_is_listed_and_runs(here, tiny_options, tmp_path: Path) -> None:
    (tmp_path / "my_method.py").write_text(
        "import torch\nfrom bench.losses import central_bce\nfrom bench.plugins import PluginInfo\n"
        "from bench.plugins.method import Method\n"
        'INFO = PluginInfo(name="mine", summary="my own", citation="me", licence="MIT")\n'
        "class Mine(Method):\n"
        "    def make_centers(self):\n"
        "        g = torch.Generator().manual_seed(self.task.seed)\n"
        "        return torch.randint(0, 2, (self.task.num_classes, self.task.bits), generator=g).float() * 2 - 1\n"
        "    def loss(self, relaxed, targets):\n"
        "        return central_bce(relaxed, self.centers[targets])\n"
    )
    assert "my own" in here("list", "methods", "--methods", "./my_method.py", check=0).stdout
    done = here("run", "--methods", "csq,./my_method.py", "--bits", "8", *tiny_options, check=0)
    assert "glyphs@default mine 8 bits seed 0: mAP" in done.stdout


def test_a_grid_file(here, tiny_options, tmp_path: Path) -> None:
    (tmp_path / "grid.toml").write_text('methods = ["csq"]\nbits = [8]\nout = "there"\n[set.csq]\ntries = 3\n')
    assert "csq[tries=3] 8 bits" in here("run", "grid.toml", *tiny_options, check=0).stdout
    assert (tmp_path / "there" / "results.md").exists()


def test_multi_label_scenes_with_both_methods(here) -> None:
    small = ["classes=8", "train=60", "query=12", "database=60", "size=32"]
    sets = [part for s in [*(f"glyph-scenes.{s}" for s in small), "train.epochs=2"] for part in ("--set", s)]
    done = here("run", "--datasets", "glyph-scenes", "--bits", "8", *sets, check=0)
    assert "glyph-scenes@default crh 8 bits seed 0: mAP" in done.stdout
    assert "glyph-scenes@default csq 8 bits seed 0: mAP" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.5, 2.0, 3.0, 4.0, 5.5])
def test_killed_at_any_moment(here, tiny_options, tmp_path: Path, after: float) -> None:
    here(*GRID, *tiny_options, "--out", "whole", check=0)
    command = [sys.executable, "-m", "bench", *GRID, *tiny_options, "--out", "killed"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after)
    process.kill()
    process.wait()
    here(*GRID, *tiny_options, "--out", "killed", check=0)
    assert written(tmp_path / "killed", True) == written(tmp_path / "whole", True)

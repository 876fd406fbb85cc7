"""What the harness costs beside the work: of a cell that does almost nothing, and of a plan of a thousand cells.

Nothing is asserted of the times; pytest-benchmark shows them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.cli.plan import show
from bench.grid.plan import Plan, make_plan
from bench.grid.run import run_plan
from bench.grid.spec import grid_spec
from bench.storage.store import Store

CELLS = 40
METHODS, BITS, SEEDS = ["crh", "csq", "orthohash", "mds", "shc"], [16, 24, 32, 48, 64], list(range(40))
SMALL = {
    "glyphs": {"classes": 4, "train": 2, "query": 1, "database": 2, "size": 16},
    "train": {"epochs": 1, "batch_size": 8},
}

pytestmark = pytest.mark.benchmark


def tiny(out: Path, seeds: list[int], **options: Any) -> Plan:
    return make_plan(
        grid_spec(
            options={"methods": ["csq"], "bits": [8], "seeds": seeds, "set": SMALL, "out": out, "workers": 0, **options}
        )
    )


@pytest.mark.parametrize("tracking", [[], ["tensorboard"]], ids=["plain", "tensorboard"])
def test_a_cell(benchmark: Any, tmp_path: Path, tracking: list[str]) -> None:
    """Wall time of a run less the seconds of its cells' phases."""
    run_plan(tiny(tmp_path / "warm", [0, 1], tracking=tracking))
    overheads: list[float] = []

    def once() -> None:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        plan = tiny(tmp_path / "out", list(range(CELLS)), tracking=tracking)
        start = time.perf_counter()
        results = run_plan(plan)
        wall = time.perf_counter() - start
        assert all(stored.ok for stored in results.cells)
        overheads.append((wall - sum(stored.result["seconds"]["total"] for stored in results.cells)) / CELLS)

    benchmark.pedantic(once, rounds=3)
    benchmark.extra_info |= {"cells": CELLS, "overhead of a cell, ms": round(min(overheads) * 1e3, 1)}


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An output folder with a thousand cells, all with the result of one that was run."""
    folder = tmp_path_factory.mktemp("thousand")
    (one,) = run_plan(tiny(folder / "one", [0])).cells
    for planned in big(folder / "full").cells:
        Store(folder / "full").write(planned.job.cell, one.result, one.arrays())
    yield folder / "full"
    shutil.rmtree(folder)


def big(out: Path) -> Plan:
    return make_plan(grid_spec(options={"methods": METHODS, "bits": BITS, "seeds": SEEDS, "out": out}))


@pytest.mark.parametrize("stored", ["none stored", "all stored"])
def test_a_plan_of_a_thousand_cells(benchmark: Any, tmp_path: Path, thousand: Path, stored: str) -> None:
    """In this process, where libraries are loaded; and the command with its start, once."""
    from rich.console import Console

    out = thousand if stored == "all stored" else tmp_path
    with (tmp_path / "shown").open("w") as file:
        benchmark.pedantic(lambda: show(big(out), Console(file=file, width=320)), rounds=5, warmup_rounds=1)
    words = ["plan", "--methods", ",".join(METHODS), "--bits", ",".join(map(str, BITS))]
    command = [sys.executable, "-m", "bench", *words, "--seeds", ",".join(map(str, SEEDS)), "--out", str(out)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "1000 cells: " in done.stdout
    benchmark.extra_info |= {"the command from its start, s": round(time.perf_counter() - start, 2)}

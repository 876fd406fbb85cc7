"""Cells in processes of their own: what goes wrong in one stays there, and two runs share the work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.executors.local import Local
from bench.grid.plan import make_plan
from bench.grid.run import run_plan
from bench.grid.spec import grid_spec
from bench.plugins.executor import ExecutorConfig
from bench.storage.results import Results
from bench.training.progress import Observer

Trouble = Callable[[str], str]


def codes(results: Results) -> dict[str, list[bytes]]:
    return {s.cell.id: [a.tobytes() for a in s.arrays().values()] for s in results.cells}


@pytest.mark.slow
def test_processes_give_the_same_bits_as_this_one(tmp_path: Path, tiny_set: dict, features: str) -> None:
    grid: dict[str, Any] = {"methods": ["crh", "csq", "mds"], "bits": [8, 16], "reports": False}
    for name, dataset, settings in (
        ("images", "glyphs", tiny_set),
        ("heads", features, {"train": {"epochs": 3, "batch_size": 32}}),
    ):
        here, there = (
            bench.run(**grid, datasets=[dataset], set=settings, out=tmp_path / name / str(workers), workers=workers)
            for workers in (0, 2)
        )
        assert codes(here) == codes(there)


@pytest.mark.slow
def test_each_trouble_is_one_cells_and_has_its_reason(tmp_path: Path, tiny_set: dict, trouble: Trouble) -> None:
    names = ["raises", "not-a-number", "greedy", "loses-the-gpu", "hangs", "dies"]
    results = bench.run(
        methods=["csq", *map(trouble, names)], bits=[8], set=tiny_set, out=tmp_path / "out", workers=2, timeout=30,
    )  # fmt: skip
    found = {s.cell.method: s for s in results.cells}
    assert found["csq"].ok
    assert {n: found[n].result["failure"] for n in names} == {
        "raises": "error", "not-a-number": "not-finite", "greedy": "out-of-memory",
        "loses-the-gpu": "error", "hangs": "timeout", "dies": "killed",
    }  # fmt: skip
    reasons = {n: found[n].result["reason"] for n in names}
    assert reasons["raises"] == "ValueError: the fourth batch"
    assert "the loss is nan in epoch 1" in reasons["not-a-number"]
    assert reasons["greedy"].startswith("out of memory: ")
    assert reasons["hangs"] == "not done after 30 s: ended as --timeout says"
    assert "signal 9" in reasons["dies"]
    assert "the fourth batch" in found["raises"].result["traceback"]
    assert all(reasons[n] in (tmp_path / "out" / "results.md").read_text() for n in names)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "failure"), [("dies", "killed"), ("loses-the-gpu", "error")])
def test_what_shared_a_pass_with_a_cell_that_died_is_run_again_alone(
    tmp_path: Path, features: str, trouble: Trouble, name: str, failure: str
) -> None:
    results = bench.run(
        methods=["csq", trouble(name), "crh"], datasets=[features], bits=[8],
        set={"train": {"epochs": 3, "batch_size": 32}}, out=tmp_path / "out", workers=1, reports=False,
    )  # fmt: skip
    assert [s.result["failure"] for s in results.cells] == [None, failure, None]
    alone = bench.run(
        methods=["csq", "crh"], datasets=[features], bits=[8], set={"train": {"epochs": 3, "batch_size": 32}},
        out=tmp_path / "alone", reports=False,
    )  # fmt: skip
    assert codes(alone).items() <= codes(results).items()


def test_a_trouble_in_a_pass_leaves_the_others_alone(tmp_path: Path, features: str, trouble: Trouble) -> None:
    results = bench.run(
        methods=["csq", trouble("raises"), trouble("not-a-number"), "crh"], datasets=[features], bits=[8],
        set={"train": {"epochs": 3, "batch_size": 32}}, out=tmp_path / "out", reports=False,
    )  # fmt: skip
    assert [s.result["failure"] for s in results.cells] == [None, "error", "not-finite", None]


class Counter(Observer):
    """Which cells one run has begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def begin(self, cells: Any) -> None:
        self.begun += [cell.id for cell in cells]


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_two_runs_on_one_folder_share_the_cells(tmp_path: Path, tiny_set: dict, workers: int) -> None:
    spec = grid_spec(
        options={"methods": ["csq", "crh"], "bits": [4, 8, 12], "set": tiny_set, "out": tmp_path, "workers": workers}
    )
    plans = [make_plan(spec), make_plan(spec)]
    counters = [Counter(), Counter()]
    found: list[Results] = []
    threads = [
        threading.Thread(target=lambda p, c: found.append(run_plan(p, c)), args=pair)
        for pair in zip(plans, counters, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    begun = counters[0].begun + counters[1].begun
    assert len(begun) == len(set(begun)) == 6
    assert [len(results) for results in found] == [6, 6]
    assert not list((tmp_path / "cells").glob(".*"))


def test_workers() -> None:
    assert Local(ExecutorConfig(workers=3))._workers([], ["cpu"]) == 3
    assert Local(ExecutorConfig())._workers([], ["cpu"]) == 0  # the tests' $BENCH_WORKERS


def test_one_process_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_WORKERS")
    monkeypatch.setattr("bench.executors.local.cores", lambda: 8)
    assert Local(ExecutorConfig())._workers([], ["cpu"]) == 8
    assert Local(ExecutorConfig(threads=4))._workers([], ["cpu"]) == 2

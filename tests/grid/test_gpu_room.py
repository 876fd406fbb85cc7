"""Several cells at a time on a GPU: as many as its time and its memory leave room for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.executors import local
from bench.executors.local import Local
from bench.grid.gpu_room import GpuRoom, gpu_room
from bench.grid.plan import Plan, make_plan
from bench.grid.spec import grid_spec
from bench.plugins.executor import ExecutorConfig
from bench.storage.store import Store

GIB = 2**30
WHERE: dict[str, Any] = {"gpu": {"memory_bytes": 80 * GIB}, "gpu_busy": 0.3, "peak_gpu_memory_bytes": 4 * GIB}


def planned(out: Path, settings: dict[str, Any], *places: dict[str, Any]) -> Plan:
    """A plan of a cell more than there are places, each of which is where a cell of the same grid has run."""
    options = {"methods": ["csq"], "bits": [8], "set": settings, "out": out, "seeds": [*range(len(places) + 1)]}
    for cell, where in zip(make_plan(grid_spec(options=options)).cells, places, strict=False):
        result = {"status": "ok", "reason": None, "metrics": {}, "seconds": {"total": 1.0}, "audit": {}}
        Store(out).write(cell.job.cell, {**result, "provenance": where}, {})
    return make_plan(grid_spec(options=options))


def test_bounded_by_time() -> None:
    room = GpuRoom(0.3, 4 * GIB, 80 * GIB)
    assert room.cells == 3
    assert room.sentence() == (
        "3 cells fit on a GPU at a time: finished ones kept it busy 30% of the time and took 4.0 of its 80 GiB"
    )


@pytest.mark.parametrize(("peak", "cells"), [(20, 3), (30, 2), (79, 1), (0.1, 65)])
def test_bounded_by_what_torch_takes_and_what_a_process_holds_beside(peak: float, cells: int) -> None:
    """0.9 of 80 GiB, a cell of 20 takes 21, one of 30 takes 31, one of 0.1 takes 1.1."""
    assert GpuRoom(0.01, int(peak * GIB), 80 * GIB).cells == cells


def test_one_cell_fits_where_it_has_run() -> None:
    assert GpuRoom(1.0, 79 * GIB, 80 * GIB).sentence().startswith("1 cell fits on a GPU at a time")


def test_the_largest_cell_and_the_median_share_count(tmp_path: Path, tiny_set: dict[str, Any]) -> None:
    large = WHERE | {"peak_gpu_memory_bytes": 10 * GIB}
    room = planned(tmp_path, tiny_set, WHERE, WHERE | {"gpu_busy": 0.9}, large | {"gpu_busy": 0.2}).gpu_room
    assert room == GpuRoom(0.3, 10 * GIB, 80 * GIB)


def test_the_busiest_protocol_counts_and_each_must_be_known(tmp_path: Path, tiny_set: dict[str, Any]) -> None:
    longer = tiny_set | {"train": {"epochs": 3, "batch_size": 16}}
    one = planned(tmp_path, tiny_set, WHERE)
    other = planned(tmp_path, longer)
    cells = [one.to_run[0].cell, other.to_run[0].cell]
    assert gpu_room(cells[:1], Store(tmp_path).read_all()) == GpuRoom(0.3, 4 * GIB, 80 * GIB)
    assert gpu_room(cells, Store(tmp_path).read_all()) is None
    planned(tmp_path, longer, WHERE | {"gpu_busy": 0.5, "peak_gpu_memory_bytes": 2 * GIB})
    assert gpu_room(cells, Store(tmp_path).read_all()) == GpuRoom(0.5, 4 * GIB, 80 * GIB)


@pytest.mark.parametrize("lacks", [{"gpu": None}, {"gpu_busy": None}, {"peak_gpu_memory_bytes": None}])
def test_nothing_is_known_of_cells_that_shared_a_gpu_or_had_none(
    lacks: dict[str, Any], tmp_path: Path, tiny_set: dict[str, Any]
) -> None:
    assert planned(tmp_path, tiny_set, WHERE | lacks).gpu_room is None
    assert planned(tmp_path / "none", tiny_set).gpu_room is None


@pytest.mark.parametrize(
    ("devices", "core_count", "workers", "found"),
    [
        (["cuda:0", "cuda:1"], 16, None, 6),
        (["cuda:0", "cuda:1"], 4, None, 4),
        (["cuda:0", "cuda:1"], 1, None, 2),
        (["cuda:0"], 16, 1, 1),
        (["cpu"], 16, None, 16),
    ],
    ids=["three a GPU", "no more than cores", "no fewer than GPUs", "as told", "no GPU"],
)
def test_a_run_takes_as_many_as_fit(
    devices: list[str], core_count: int, workers: int | None, found: int, tmp_path: Path, tiny_set: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("BENCH_WORKERS", raising=False)
    monkeypatch.setattr(local, "worker_devices", lambda choice: devices)
    monkeypatch.setattr(local, "cores", lambda: core_count)
    plan = planned(tmp_path, tiny_set, WHERE)
    assert Local(ExecutorConfig(workers=workers)).at_once(plan.to_run) == found


def test_where_nothing_is_known_a_gpu_has_one(
    tmp_path: Path, tiny_set: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_WORKERS", raising=False)
    monkeypatch.setattr(local, "worker_devices", lambda choice: ["cuda:0", "cuda:1"])
    assert Local(ExecutorConfig()).at_once(planned(tmp_path, tiny_set).to_run) == 2

"""More cells at a time on a GPU: as many as its time and its memory leave room for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.grid.gpu_room import gpu_room
from bench.grid.plan import make_plan
from bench.grid.spec import grid_spec
from bench.grid.store import Store

GIB = 2**30
WHERE: dict[str, Any] = {"gpu": {"memory_bytes": 80 * GIB}, "gpu_busy": 0.3, "peak_gpu_memory_bytes": 4 * GIB}


def sentence(out: Path, tiny_set: dict, *places: dict[str, Any]) -> str | None:
    seeds = list(range(len(places)))
    plan = make_plan(grid_spec(options={"methods": ["csq"], "bits": [8], "seeds": seeds, "set": tiny_set, "out": out}))
    for planned, where in zip(plan.cells, places, strict=True):
        result = {"status": "ok", "reason": None, "metrics": {}, "seconds": {"total": 1.0}, "audit": {}}
        Store(out).write(planned.job.cell, {**result, "provenance": where}, {})
    return gpu_room(Store(out).read_all())


def test_bounded_by_time(tmp_path: Path, tiny_set: dict) -> None:
    found = sentence(tmp_path, tiny_set, WHERE)
    assert found is not None
    assert "busy 30% of the time and took 4.0 of its 80 GiB: 3 times as many --workers" in found


def test_bounded_by_memory(tmp_path: Path, tiny_set: dict) -> None:
    found = sentence(tmp_path, tiny_set, WHERE | {"gpu_busy": 0.01, "peak_gpu_memory_bytes": 30 * GIB})
    assert found is not None
    assert found.endswith("2 times as many --workers would fit")


def test_the_largest_cell_counts(tmp_path: Path, tiny_set: dict) -> None:
    assert sentence(tmp_path, tiny_set, WHERE, WHERE | {"peak_gpu_memory_bytes": 50 * GIB}) is None


@pytest.mark.parametrize(
    "where",
    [
        {"gpu": None},
        {**WHERE, "gpu_busy": None},
        {**WHERE, "gpu_busy": 0.6},
        {**WHERE, "peak_gpu_memory_bytes": None},
        {},
    ],
)
def test_nothing_is_said_where_there_is_no_room_or_none_is_known(
    where: dict[str, Any], tmp_path: Path, tiny_set: dict
) -> None:
    assert sentence(tmp_path, tiny_set, where) is None

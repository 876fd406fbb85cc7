"""Which cells are run together, and in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.grid.job import Job
from bench.grid.plan import make_plan
from bench.grid.spec import grid_spec
from bench.grid.units import classifier_of, units_of


def jobs(out: Path, tiny_set: dict, **options: Any) -> list[Job]:
    """Of networks that are trained each by itself."""
    asked = {"methods": ["csq", "shc", "mds"], "bits": [8, 12], "seeds": [0, 1], "set": tiny_set, "out": out, **options}
    return [planned.job for planned in make_plan(grid_spec(options=asked)).cells]


def names(units: list[tuple[Job, ...]]) -> list[tuple[str, int, int]]:
    return [(job.cell.method_label, job.cell.bits, job.cell.seed) for (job,) in units]


def test_one_cell_trains_a_classifier_while_those_that_need_it_wait_their_turn(tmp_path: Path, tiny_set: dict) -> None:
    found = names(units_of(jobs(tmp_path, tiny_set)))
    assert found[:2] == [("shc", 8, 0), ("shc", 8, 1)]  # one for each seed
    assert found[-2:] == [("shc", 12, 0), ("shc", 12, 1)]
    assert found[2:-2] == [(name, bits, seed) for name in ("csq", "mds") for bits in (8, 12) for seed in (0, 1)]


def test_a_classifier_of_another_form_is_another(tmp_path: Path, tiny_set: dict) -> None:
    asked = jobs(tmp_path, tiny_set, methods=["csq", "shc", "shc-code"], bits=[8], seeds=[0])
    assert names(units_of(asked)) == [("shc", 8, 0), ("shc-code", 8, 0), ("csq", 8, 0)]


def test_nothing_that_only_sounds_like_it_has_a_turn(tmp_path: Path, tiny_set: dict) -> None:
    asked = jobs(tmp_path, tiny_set, methods=["csq", "shc-hierarchy", "crh"], seeds=[0])
    assert {classifier_of(job.cell) for job in asked} == {None}
    assert units_of(asked) == [(job,) for job in asked]


def test_datasets_stay_apart(tmp_path: Path, tiny_set: dict) -> None:
    asked = jobs(tmp_path, tiny_set, methods=["csq", "shc"], datasets=["glyphs", "glyph-scenes"], seeds=[0])
    found = [(job.cell.dataset, job.cell.method, job.cell.bits) for (job,) in units_of(asked)]
    assert sorted(found, key=lambda one: one[0] != found[0][0]) == found
    for half in (found[:4], found[4:]):
        assert [one[1:] for one in half] == [("shc", 8), ("csq", 8), ("csq", 12), ("shc", 12)]

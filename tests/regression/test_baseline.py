from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import ConfigError, StoreError
from bench.grid.spec import GridSpec
from bench.regression.baseline import OWN, Baseline, kept, read_baseline, write_baseline


@pytest.fixture
def file(baseline: Baseline, tmp_path: Path) -> Path:
    write_baseline(tmp_path / "mine.json", baseline)
    return tmp_path / "mine.json"


def refused(file: Path) -> str:
    with pytest.raises(ConfigError) as error:
        read_baseline(file)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600 + len(str(file))
    return str(error.value)


def test_a_cut_file_is_refused_wherever_it_is_cut(file: Path) -> None:
    content = file.read_bytes()
    for length in range(0, len(content) - 2, max(1, len(content) // 40)):
        file.write_bytes(content[:length])
        assert "is no baseline" in refused(file)


def test_hostile_files(file: Path) -> None:
    for content in (b"[" * 200_000, b"\xff\xfe", b"null", b"[]", b'{"schema": 1}', b"1e999", b'{"schema": NaN}'):
        file.write_bytes(content)
        assert "is no baseline" in refused(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "schema"),
        ({"extra": 1}, "extra"),
        ({"seeds": [0] * 12}, "each once"),
        ({"seeds": [*range(-1, 11)]}, "numbers from 0 on"),
        ({"again": 13}, "again = 13 is more than its 12 seeds"),
        ({"again": 1}, "has not the centers of each seed"),
        ({"false_alarms": 0}, "false_alarms"),
        ({"history": []}, "history"),
        ({"cells": []}, "cells"),
        ({"grid": {"out": "/somewhere"}}, "grid cannot have out"),
    ],
)
def test_fields_that_cannot_be(file: Path, change: dict[str, Any], message: str) -> None:
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, **change}))
    assert message in refused(file)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"map": [0.1]}, "has not a value for each seed"),
        ({"map": ["x"] * 12}, "values.map.0"),
        ({"map": [float("inf")] * 12}, "values.map.0"),
        ({"speed": [0.1] * 12}, "other quantities than this version knows (speed)"),
    ],
)
def test_values_that_cannot_be(file: Path, values: dict[str, Any], message: str) -> None:
    content = json.loads(file.read_text())
    content["cells"][0]["values"] |= values
    file.write_text(json.dumps(content))
    assert message in refused(file)


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path) -> None:
    assert "there is no baseline" in refused(tmp_path / "none.json")
    with (tmp_path / "huge.json").open("wb") as huge:
        huge.truncate(2**26 + 1)
    assert "it has 67,108,865 bytes" in refused(tmp_path / "huge.json")
    assert "cannot be read" in refused(tmp_path)


def test_a_folder_that_cannot_be_written_leaves_the_old_file(file: Path, baseline: Baseline) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        write_baseline(file / "below.json", baseline)
    assert read_baseline(file) == baseline


def test_a_line_for_each_quantity_so_that_a_change_is_read_in_a_diff(file: Path, baseline: Baseline) -> None:
    lines = file.read_text().splitlines()
    assert sum(line.lstrip().startswith('"map": [') for line in lines) == len(baseline.cells)
    assert sum(line.lstrip().startswith('"centers": [') for line in lines) == len(baseline.cells)


def test_a_grid_keeps_what_decides_results(spec: GridSpec) -> None:
    elsewhere = spec.model_copy(update={"device": "cpu", "set": {**spec.set, "local": {"workers": 3}}})
    assert kept(elsewhere) == kept(spec)
    assert set(kept(spec)) == {"methods", "datasets", "bits", "set"}
    assert kept(GridSpec()) == {"methods": ["crh", "csq"], "datasets": ["glyphs"], "bits": [16, 32, 64]}


def test_choices_over_the_grid_of_a_file(baseline: Baseline) -> None:
    over = GridSpec.build("grid", {"bits": [32], "set": {"crh": {"margin": 0.5}}})
    changed = baseline.changed(over)
    assert changed.bits == (32,)
    assert changed.methods == ("crh", "csq")
    assert changed.set["crh"] == {"warmup_epochs": 1, "period": 2, "margin": 0.5}
    assert changed.set["train"] == {"epochs": 8}


def test_the_committed_baseline_covers_the_five_methods() -> None:
    own = read_baseline(OWN)
    assert len(own.seeds) == 100
    assert own.history[-1].seeds == 100
    assert {each.cell.method for each in own.cells} == {"crh", "csq", "orthohash", "mds", "shc"}
    assert {each.cell.dataset for each in own.cells} == {"glyphs", "glyph-scenes"}
    assert len(own.cells) == 5 * 2 * 2
    for each in own.cells:  # the paths of a long training are reached
        epochs, config = each.cell.train["epochs"], each.cell.method_config
        if each.cell.method == "mds":
            assert config["pair_from"] < epochs
        if each.cell.method == "crh":
            assert config["warmup_epochs"] + config["period"] < epochs

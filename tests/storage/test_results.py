"""Cells that cannot be read are counted and told, not passed over in silence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.errors import ConfigError, StoreError
from bench.grid.run import write_reports
from bench.plugins.registry import Registry
from bench.plugins.report import Report
from bench.storage.cell import Cell
from bench.storage.results import Results
from bench.storage.store import SCHEMA, Store, StoredCell


def stored(out: Path, seed: int) -> StoredCell:
    cell = Cell(
        dataset="pets", dataset_label="pets", split="folders", dataset_config={}, fingerprint="abc", num_classes=2,
        multi_label=False, counts={"train": 2, "query": 2, "database": 2}, method="crh", method_label="crh",
        method_config={}, method_version=1, bits=8, seed=seed, regime="quick", settings="matched",
        backbone="small-cnn", weights="scratch", train={},
    )  # fmt: skip
    return Store(out).write(cell, {"status": "ok", "metrics": {"map": 0.5}}, {"ap": np.ones(2)})


def of_another_version(cell: StoredCell) -> None:
    file = cell.path / "result.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "schema": SCHEMA - 1}))


def test_cells_of_another_version_are_counted(tmp_path: Path) -> None:
    cells = [stored(tmp_path, seed) for seed in range(4)]
    assert (Results.read(tmp_path).unread, Results.read(tmp_path).unread_sentence) == (0, "")
    of_another_version(cells[1])
    assert [s.cell.seed for s in Results.read(tmp_path).cells] == [0, 2, 3]
    assert Results.read(tmp_path).unread_sentence.startswith(
        "1 cell is left out: not whole, or stored by another version"
    )
    (cells[2].path / "arrays.npz").unlink()
    assert Results.read(tmp_path).unread == 2


def test_a_folder_of_nothing_else_says_why_it_has_no_results(tmp_path: Path) -> None:
    of_another_version(stored(tmp_path, 0))
    with pytest.raises(ConfigError, match=r"there are no results in .* \(1 cell is left out: .* bench run makes them"):
        write_reports(tmp_path)


class Drawing(Report):
    """One file in a folder."""

    def render(self, results: Results, out: Path) -> list[Path]:
        file = out / "figures" / "drawing.svg"
        file.parent.mkdir()
        file.write_text("<svg/>")
        return [file]


def test_reports_that_cannot_be_written_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "load", lambda own, name: Drawing)
    stored(tmp_path, 0)
    assert write_reports(tmp_path, ["drawing"]) == [tmp_path / "figures" / "drawing.svg"]
    shutil.rmtree(tmp_path / "figures")
    (tmp_path / "figures").write_text("")  # where the folder would be
    with pytest.raises(StoreError, match=r"reports cannot be written to .* choose another folder with --out"):
        write_reports(tmp_path, ["drawing"])
    assert not list(tmp_path.glob(".report-*"))

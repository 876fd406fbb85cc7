"""The codes of a stored cell, read as those of any program: what was measured when it ran comes out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bench
from bench.errors import ConfigError
from bench.evaluation.evaluate import evaluate_parts
from bench.evaluation.files import Retrieval
from bench.studies.stored_codes import StoredCodes

SCENES = {
    "glyph-scenes": {"classes": 9, "train": 30, "query": 7, "database": 31, "size": 32},
    "train": {"epochs": 1, "batch_size": 16},
}


@pytest.mark.parametrize("dataset", ["glyphs", "glyph-scenes"])
def test_the_map_is_that_of_the_cell(dataset: str, tmp_path: Path, tiny_set: dict) -> None:
    """10 bits and 9 classes: neither fills its bytes."""
    settings = tiny_set if dataset == "glyphs" else SCENES
    results = bench.run(
        methods=["csq"], datasets=[dataset], bits=[10], set=settings, out=tmp_path, reports=False, workers=0
    )
    (stored,) = results.cells
    retrieval = Retrieval([StoredCodes(stored.path)])
    found = evaluate_parts(retrieval.query, retrieval.query_labels, retrieval, retrieval.bits)
    assert found.bits == 10
    assert found.map == stored.result["metrics"]["map"]
    assert (found.ap == stored.arrays("ap")["ap"]).all()


def test_a_folder_that_is_no_cell(tmp_path: Path) -> None:
    other = tmp_path / "cells" / "mine"
    other.mkdir(parents=True)
    with pytest.raises(ConfigError, match="is not the folder of a stored cell"):
        StoredCodes(tmp_path)
    with pytest.raises(ConfigError, match=r"cell 'mine' in .* is not whole: run it again"):
        StoredCodes(other)


def test_a_cell_that_failed(tmp_path: Path, tiny_set: dict) -> None:
    settings = tiny_set | {"train": {"epochs": 1, "batch_size": 16, "lr": 1e30}}
    (stored,) = bench.run(methods=["csq"], bits=[8], set=settings, out=tmp_path, reports=False, workers=0).cells
    assert not stored.ok, json.dumps(stored.result)
    with pytest.raises(ConfigError, match="failed when it was run"):
        StoredCodes(stored.path)

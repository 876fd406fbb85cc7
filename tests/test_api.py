"""The names of the Python API, as a notebook uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import bench
from bench.errors import ConfigError, UnknownNameError

EXAMPLE = Path(__file__).parent.parent / "docs" / "examples" / "coin_flips.py"


def test_import_is_light_and_names_are_there() -> None:
    script = "import bench, sys; print(sorted({'torch', 'numpy'} & set(sys.modules)), dir(bench))"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("[]")
    for name in bench.__all__:
        assert repr(name) in shown
        assert callable(getattr(bench, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        bench.nothing  # noqa: B018


def test_a_method_in_a_training_loop_of_ones_own() -> None:
    method = bench.method("crh", num_classes=6, bits=16, seed=3, margin=0.1)
    assert method.config.margin == 0.1
    relaxed = torch.randn(12, 16, requires_grad=True)
    targets = torch.arange(12) % 6
    method.loss(relaxed, targets).backward()
    assert relaxed.grad is not None and relaxed.grad.abs().sum() > 0
    method.after_epoch(0, relaxed.detach().sign(), targets)
    assert method.centers.shape == (6, 16)
    method.centers = torch.ones(6, 16)
    assert bool((method.centers == 1).all())


@pytest.mark.filterwarnings("ignore::bench.errors.BenchWarning")
def test_hash_centers_are_int8_signs_of_the_seed() -> None:
    centers = bench.hash_centers("csq", num_classes=100, bits=16, seed=1)
    assert centers.dtype == np.int8
    assert centers.shape == (100, 16)
    assert set(np.unique(centers)) == {-1, 1}
    assert np.array_equal(centers, bench.hash_centers("csq", 100, 16, seed=1))
    assert not np.array_equal(centers, bench.hash_centers("csq", 100, 16, seed=2))


@pytest.mark.parametrize("name", ["crh", "crh-m", "csq", str(EXAMPLE)])
def test_multi_label_methods(name: str) -> None:
    method = bench.method(name, num_classes=5, bits=16, multi_label=True)
    targets = (torch.rand(8, 5) > 0.5).float()
    targets[:, 0] = 1
    assert torch.isfinite(method.loss(torch.randn(8, 16), targets))


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(UnknownNameError, match="did you mean crh"):
        bench.method("chr", 5, 16)
    with pytest.raises(ConfigError, match=r"crh has no setting 'marginn': did you mean crh\.margin"):
        bench.method("crh", 5, 16, marginn=1)
    with pytest.raises(ConfigError, match="bits = 0"):
        bench.hash_centers("csq", 5, 0)
    with pytest.raises(ConfigError, match="at least 2 classes"):
        bench.hash_centers("csq", 1, 16)


def test_run_gives_a_frame_and_writes_the_reports(tmp_path: Path, tiny_set: dict) -> None:
    options = {"methods": ["csq", str(EXAMPLE)], "bits": [8], "out": tmp_path / "out", "set": tiny_set}
    results = bench.run(**options)
    assert list(results.frame["method"]) == ["csq", "coin-flips"]
    assert results.frame["map"].between(0.05, 1).all()
    assert (results.frame["map_worst"] <= results.frame["map"]).all()
    assert (results.frame["map"] <= results.frame["map_best"]).all()
    assert (tmp_path / "out" / "results.md").exists()
    stamps = [(s.path / "result.json").stat().st_mtime_ns for s in results.cells]
    again = bench.run(**options, reports=False)
    assert [(s.path / "result.json").stat().st_mtime_ns for s in again.cells] == stamps


def test_stored_codes_give_the_stored_map(tmp_path: Path, tiny_set: dict) -> None:
    results = bench.run(methods=["crh"], bits=[8], out=tmp_path, set=tiny_set, reports=False)
    (stored,) = results.cells
    arrays, counts = stored.arrays(), stored.cell.counts
    labels = np.arange(8)  # a tiny set has 8 classes, items in the order of classes within each part
    from bench.grid.job import open_dataset

    dataset = open_dataset("glyphs", stored.cell.dataset_config, "default", None)
    query, database = dataset.labels[dataset.split.query], dataset.labels[dataset.split.database]
    assert set(query) == set(labels)
    assert arrays["query_codes"].shape == (counts["query"], 1)
    measured = bench.evaluate(arrays["query_codes"], query, arrays["database_codes"], database, bits=8)
    assert measured.map == stored.result["metrics"]["map"]
    assert np.array_equal(measured.ap, arrays["ap"])

"""Heads of a pass on the disk: back as they were, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import bench
from bench.errors import BenchWarning
from bench.training.course import Trained
from bench.training.kept import KeptPasses, head_state, restore
from bench.training.model import HashModel


def head(bits: int) -> HashModel:
    return HashModel(nn.Identity(), nn.Linear(5, bits))


def test_a_head_comes_back_as_it_was(tmp_path: Path) -> None:
    model, method = head(8), bench.method("crh", num_classes=3, bits=8)
    trained = Trained(np.ones((3, 8), np.int8), -np.ones((3, 8), np.int8), [{"loss": 0.5}])
    passes = KeptPasses(tmp_path, "key")
    passes.save({"cell": head_state(model, method, trained, 1.5, 7)})
    other, again = head(8), bench.method("crh", num_classes=3, bits=8, seed=1)
    found = restore(passes.load()["cell"], other, again)
    assert found is not None
    assert found[1:] == (1.5, 7)
    assert np.array_equal(found[0].centers_final, trained.centers_final)
    assert found[0].history == trained.history
    assert torch.equal(other.head.weight, model.head.weight)
    assert torch.equal(again.centers, method.centers)
    assert KeptPasses(tmp_path, "another").load() == {}
    passes.clear()
    assert list(tmp_path.iterdir()) == []


def test_a_head_that_does_not_fit_is_none(tmp_path: Path) -> None:
    method = bench.method("crh", num_classes=3, bits=8)
    state = head_state(head(8), method, Trained(np.ones((3, 8), np.int8), np.ones((3, 8), np.int8)), 1.0, 2)
    assert restore(state, head(16), method) is None
    assert restore({"model": {}}, head(8), method) is None


def test_a_file_that_is_cut_counts_as_none(tmp_path: Path) -> None:
    passes = KeptPasses(tmp_path, "key")
    passes.save({"cell": {"seconds": 1.0}})
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    assert passes.load() == {}


def test_where_it_cannot_be_kept_a_warning_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.warns(BenchWarning, match="trained heads cannot be kept in"):
        KeptPasses(tmp_path / "file", "key").save({"cell": {}})

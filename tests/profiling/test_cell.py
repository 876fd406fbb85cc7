from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import ConfigError, TrainingError
from bench.grid.job import Job
from bench.grid.plan import make_plan
from bench.grid.spec import grid_spec
from bench.profiling import profile_cell
from bench.profiling.window import BATCH, Steps

FAILING = """
import torch
from bench.plugins import PluginInfo
from bench.plugins.method import Method

INFO = PluginInfo(name="no-number", summary="its loss is none", citation="me", licence="MIT")


class NoNumber(Method):
    def make_centers(self):
        return torch.ones(self.task.num_classes, self.task.bits)

    def loss(self, relaxed, targets):
        return relaxed.sum() * float("nan")
"""


def job(out: Path, tiny: list[str], method: str = "csq", **options: Any) -> Job:
    spec = grid_spec(None, {"methods": [method], "bits": [8], "out": out, **options}, tiny)
    return make_plan(spec).cells[0].job


def test_a_cell_of_the_embedded_dataset(tmp_path: Path, tiny: list[str]) -> None:
    cell = job(tmp_path / "results", [*tiny, "train.epochs=5"])
    found = profile_cell(cell, epochs=3, threads=1, trace=tmp_path / "trace.json")
    assert list(tmp_path.iterdir()) == [tmp_path / "trace.json"]  # nothing is stored
    assert (found.cell, found.epochs, found.cell_epochs) == (cell.cell.id, 3, 5)
    assert (found.batch_size, found.steps_per_epoch, found.steps) == (16, 4, Steps(4, 3, 1, 4))
    assert (found.times.steps, found.times.items, len(found.times.between)) == (3, 48, 3)
    assert set(found.phases) == {"data", "centers", "training", "codes", "evaluation", "total"}
    assert found.encoded == 8 * 3 + 8 * 8
    assert 0 < found.times.batches < found.times.seconds < found.phases["training"]
    assert found.whole_training == pytest.approx(found.phases["training"] * 5 / 3)
    calls = {each.name: each.calls for each in found.operators}
    assert calls[BATCH] == calls["Optimizer.step#AdamW.step"] == 4
    assert [each.seconds for each in found.operators] == sorted((e.seconds for e in found.operators), reverse=True)
    assert found.busy is not None
    assert 0 < found.busy < 1.5  # one thread, and little else
    assert found.memory["peak_memory_bytes"] > 10**8  # type: ignore[operator]
    assert found.memory["peak_gpu_memory_bytes"] is None
    content = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert content["items_per_second"] == pytest.approx(48 / found.times.seconds)
    assert content["peak_share"] == pytest.approx(found.flops * 3 / found.times.seconds / found.peak.flops)


def test_the_trace_opens(tmp_path: Path, tiny: list[str]) -> None:
    profile_cell(job(tmp_path, tiny), trace=tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    whole = [event for event in events if event["ph"] == "X"]
    assert {BATCH, "aten::convolution_backward"} <= {event["name"] for event in whole}
    assert all(event["dur"] >= 0 for event in whole)


def test_frozen_features_and_the_operations_of_a_linear_head(tmp_path: Path, features: str) -> None:
    cell = job(tmp_path / "out", [], datasets=[features])
    found = profile_cell(cell, epochs=1)
    assert (found.items, found.steps_per_epoch, found.steps) == ("vectors", 1, Steps(0, 0, 0, 1))
    assert found.step_seconds is found.items_per_second is found.busy is found.peak_share is None
    head = 2 * 120 * 16 * 8  # 120 vectors of 16 numbers, 8 bits: once forward, once for the weights
    assert 2 * head <= found.flops < 3 * head


def test_a_cell_that_fails_says_why(tmp_path: Path, tiny: list[str]) -> None:
    (tmp_path / "no_number.py").write_text(FAILING)
    with pytest.raises(TrainingError, match="no-number 8 bits seed 0 failed: the loss is nan in epoch 1"):
        profile_cell(job(tmp_path / "out", tiny, str(tmp_path / "no_number.py")))


def test_a_trace_that_cannot_be_written(tmp_path: Path, tiny: list[str]) -> None:
    with pytest.raises(ConfigError, match="the trace cannot be written to"):
        profile_cell(job(tmp_path, tiny), trace=tmp_path / "none" / "trace.json")


@pytest.mark.gpu
def test_a_gpu(tmp_path: Path, tiny: list[str]) -> None:
    found = profile_cell(job(tmp_path / "out", tiny, device="cuda"), trace=tmp_path / "trace.json")
    assert found.on_gpu
    assert found.busy is not None
    assert 0 < found.busy <= 1
    assert sum(each.seconds for each in found.operators) > 0
    assert not any(each.name.startswith(("aten::", "ProfilerStep")) for each in found.operators)
    assert found.memory["peak_gpu_memory_bytes"] > 0  # type: ignore[operator]
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert any(event.get("cat") == "kernel" for event in events)

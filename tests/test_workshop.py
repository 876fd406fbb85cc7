"""What cells share: the digest of the weights under them, whether a network is loaded for each or none any more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import bench.workshop as module
from bench.backbones.build import build_backbone, resolve_weights, weights_digest
from bench.backbones.small_cnn import SmallCNN
from bench.grid.job import Job
from bench.grid.plan import make_plan
from bench.grid.spec import grid_spec
from bench.training.model import build_model
from bench.training.progress import Observer
from bench.training.regimes import TrainConfig
from bench.workshop import Material, Workshop

CPU = torch.device("cpu")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.pth"
    torch.save(SmallCNN().state_dict(), path)
    return path


def material(tmp_path: Path, sets: dict[str, Any], **options: Any) -> tuple[Material, TrainConfig]:
    """That of one cell, made by a workshop of its own."""
    spec = grid_spec(options={"methods": ["csq"], "bits": [8], "out": tmp_path, "set": sets, **options})
    job = make_plan(spec).cells[0].job
    config = TrainConfig.build("train", {**job.cell.train, "backbone": job.cell.backbone})
    return Workshop(Observer()).material(job, config), config


@pytest.mark.parametrize("regime", ["quick", "frozen"])
def test_the_digest_is_of_what_was_loaded(tmp_path: Path, tiny_set: dict, weights: Path, regime: str) -> None:
    sets = {**tiny_set, "train": {**tiny_set["train"], "image_size": 16, "store_size": 16}}
    loaded, _ = build_backbone("small-cnn", resolve_weights("small-cnn", str(weights)), 16)
    for _ in range(2):  # frozen: the second time features come from the cache, and no network is built
        made, config = material(tmp_path, sets, regime=regime, backbone="small-cnn", weights=str(weights))
        model = build_model(made.inputs, made.weights, config, 8, 0, CPU)
        assert made.weights_digest(model.backbone) == weights_digest(loaded)
    for parameter in model.backbone.parameters():
        torch.nn.init.zeros_(parameter)
    assert made.weights_digest(model.backbone) == weights_digest(loaded)  # not of what training makes of it


@pytest.mark.parametrize("regime", ["quick", "frozen"])
def test_random_weights_have_none(tmp_path: Path, tiny_set: dict, regime: str) -> None:
    sets = {**tiny_set, "train": {**tiny_set["train"], "image_size": 16, "store_size": 16}}
    made, config = material(tmp_path, sets, regime=regime, backbone="small-cnn", weights="scratch")
    assert made.weights_digest(build_model(made.inputs, made.weights, config, 8, 0, CPU).backbone) is None


def test_what_is_kept_on_disk_serves_every_gpu_and_no_cpu(
    tmp_path: Path, tiny_set: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(self: Workshop, job: Job, config: TrainConfig, key: str) -> Material:
        made.append(job.device)
        return Material(None, None, None, None, key)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "choose_device", torch.device)
    monkeypatch.setattr(Workshop, "_make", make)
    spec = grid_spec(options={"methods": ["csq"], "bits": [8], "out": tmp_path, "set": tiny_set})
    job, config = make_plan(spec).cells[0].job, TrainConfig()
    shop = Workshop(Observer())
    devices = ["cuda:0", "cuda:0", "cuda:1", "cpu"]
    keys = [shop.material(replace(job, device=device), config).key for device in devices]
    assert made == ["cuda:0", "cuda:1", "cpu"]  # tensors are of one device
    assert keys[0] == keys[1] == keys[2] != keys[3]

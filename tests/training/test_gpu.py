"""What a GPU does faster must come to the same: bfloat16, compiled kernels, CUDA graphs, images that do not fit."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch

import bench
from bench.backbones.build import Weights
from bench.training import inputs as inputs_module
from bench.training.compiled import CompiledNetworks
from bench.training.course import Trained
from bench.training.devices import full_precision
from bench.training.inputs import ImageInputs
from bench.training.model import HashModel, build_model
from bench.training.progress import Observer
from bench.training.regimes import train_config
from bench.training.trainer import Encoded, encode, train

pytestmark = pytest.mark.gpu

CLASSES, BITS, SIDE = 6, 32, 64
SEEDS = range(5)


def images() -> tuple[np.ndarray, np.ndarray]:
    """(240, S, S, 3) uint8 of six classes, each a color under noise, and their labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % CLASSES
    colors = rng.integers(60, 200, (CLASSES, 1, 1, 3))
    return (colors[labels] + rng.normal(0, 40, (240, SIDE, SIDE, 3))).clip(0, 255).astype(np.uint8), labels


def fit(
    seed: int, networks: CompiledNetworks | None = None, full: bool = False, method: str = "crh", resident: bool = True
) -> tuple[HashModel, Trained, Encoded]:
    """Three epochs of ResNet-18 on the GPU. With `full`, in float32 without TF32."""
    device, (pixels, labels) = torch.device("cuda"), images()
    over = {"backbone": "resnet18", "epochs": 3, "batch_size": 32, "image_size": 56, "store_size": SIDE}
    config, rows = train_config("finetune", None, over), np.arange(len(labels))
    room: AbstractContextManager[Any] = nullcontext()
    if not resident:
        room = patch.object(inputs_module, "memory_left", return_value=0)
    with room:
        source = ImageInputs(pixels, config, Weights("scratch"), True, device)
    hashing = bench.method(method, CLASSES, BITS, seed).to(device)
    model = build_model(source, Weights("scratch"), config, BITS, seed, device, networks)
    model.full_precision = full
    with full_precision() if full else nullcontext():
        trained = train(
            model, hashing, source, labels, rows, config,
            seed=seed, pretrained=False, device=device, observer=Observer(),
        )  # fmt: skip
        return model, trained, encode(model, hashing, source, rows, Observer())


def last_loss(trained: Trained) -> float:
    return trained.history[-1]["loss"]


@pytest.mark.parametrize("how", ["kernels", "graphs"])
def test_every_fast_path_on_trains_as_plain_float32_does(how: Any) -> None:
    plain = [fit(seed, full=True) for seed in SEEDS]
    networks = CompiledNetworks(how)
    fast = [fit(seed, networks) for seed in SEEDS]
    assert networks.error is None
    noise = np.std([last_loss(trained) for _, trained, _ in plain])
    differences = [last_loss(a[1]) - last_loss(b[1]) for a, b in zip(fast, plain, strict=True)]
    assert abs(np.mean(differences)) < 2 * noise + 0.02 * last_loss(plain[0][1])
    labels = images()[1]
    maps = [[bench.evaluate(e.codes, labels, e.codes, labels).map for _, _, e in some] for some in (plain, fast)]
    for name, some, found in zip(("float32", how), (plain, fast), maps, strict=True):
        losses = np.mean([[epoch["loss"] for epoch in trained.history] for _, trained, _ in some], axis=0)
        print(f"{name}: losses of the epochs {losses.round(4)}, mAP {np.mean(found):.4f}, spread {np.std(found):.4f}")
    assert abs(np.mean(maps[0]) - np.mean(maps[1])) < 2 * np.std(maps[0]) + 0.02


def test_few_bits_hang_on_bfloat16() -> None:
    model, _, low = fit(0)
    source = ImageInputs(images()[0], train_config("finetune", None, {"image_size": 56, "store_size": SIDE}),
                         Weights("scratch"), True, torch.device("cuda"))  # fmt: skip
    hashing = bench.method("crh", CLASSES, BITS).to("cuda")
    model.full_precision = True
    with full_precision():
        full = encode(model, hashing, source, np.arange(240), Observer())
    print(f"bits that differ: {np.mean(low.codes != full.codes):.4%}")
    assert np.mean(low.codes != full.codes) < 0.01
    assert low.relaxed.dtype == np.float32


@pytest.mark.parametrize("method", ["crh", "csq", "orthohash", "mds"])
def test_images_that_do_not_fit_train_to_the_same(method: str) -> None:
    kept, fetched = (fit(0, method=method, resident=resident)[2] for resident in (True, False))
    assert np.mean(kept.codes != fetched.codes) < 0.05

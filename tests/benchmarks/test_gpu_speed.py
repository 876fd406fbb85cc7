"""Training and encoding of ResNet-34 at 224 px on a GPU: ours, a plain DataLoader loop, and one resident batch.

The last is the step without any data: what the others can reach at best. All run in bfloat16, batches of 128.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import bench
from bench.backbones.build import Weights
from bench.compat import import_torchvision
from bench.training.compiled import CompiledNetworks
from bench.training.devices import chosen_kernels
from bench.training.inputs import ImageInputs
from bench.training.model import HashModel, build_model
from bench.training.optimizer import clip_gradients, make_optimizer
from bench.training.progress import Observer
from bench.training.regimes import TrainConfig, train_config
from bench.training.trainer import encode, train

pytestmark = [pytest.mark.gpu, pytest.mark.benchmark]

BATCH, CLASSES, BITS, COUNT, WORKERS = 128, 100, 64, 4096, 8
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """(N, 256, 256, 3) uint8."""
    return np.random.default_rng(0).integers(0, 256, (COUNT, 256, 256, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def kernels() -> Iterator[None]:
    """Chosen as `bench run` chooses them."""
    with chosen_kernels(False):
        yield


def config(epochs: int = 1) -> TrainConfig:
    return train_config("finetune", None, {"epochs": epochs, "batch_size": BATCH})


def seconds(work: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - start


class Images(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """As a plain loop has them: decoded already, cropped, mirrored and normalised by workers."""

    def __init__(self, pixels: np.ndarray) -> None:
        from torchvision import transforms as tv

        self.pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        self.transform = tv.Compose(
            [
                tv.RandomCrop(224),
                tv.RandomHorizontalFlip(),
                tv.ConvertImageDtype(torch.float32),
                tv.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return self.transform(self.pixels[row]), row % CLASSES


def steps(model: HashModel, batches: Iterator[tuple[Tensor, Tensor]]) -> int:
    """CSQ's steps over some batches; how many images they had."""
    method = bench.method("csq", CLASSES, BITS).to("cuda")
    optimizer = make_optimizer(
        model.backbone.parameters(), model.head.parameters(), config(), pretrained=False, fused=True
    )
    model.train()
    count = 0
    for images, labels in batches:
        optimizer.zero_grad(set_to_none=True)
        method.loss(model(images), labels).backward()
        clip_gradients(model, config())
        optimizer.step()
        count += len(images)
    return count


@pytest.mark.parametrize("how", ["no", "kernels", "graphs"])
def test_training_and_encoding(benchmark: Any, pixels: np.ndarray, how: Any) -> None:
    import_torchvision()
    device, rows, labels = torch.device("cuda"), np.arange(COUNT), np.arange(COUNT) % CLASSES
    inputs = ImageInputs(pixels, config(), Weights("scratch"), True, device)
    networks = None if how == "no" else CompiledNetworks(how)

    def made() -> HashModel:
        return build_model(inputs, Weights("scratch"), config(), BITS, 0, device, networks)

    def ours(model: HashModel, epochs: int) -> None:
        method = bench.method("csq", CLASSES, BITS).to(device)
        train(
            model, method, inputs, labels, rows, config(epochs),
            seed=0, pretrained=False, device=device, observer=Observer(),
        )  # fmt: skip

    def loaded() -> Iterator[tuple[Tensor, Tensor]]:
        for images, targets in loader:
            yield images.to(device, non_blocking=True), targets.to(device, non_blocking=True)

    model, method = made(), bench.method("csq", CLASSES, BITS).to(device)
    ours(model, 1)  # compiles, and finds the fastest kernels
    training = benchmark.pedantic(lambda: seconds(lambda: ours(model, 2)), rounds=3) / 2
    plain, source = made(), Images(pixels)
    images = torch.stack([source[row][0] for row in range(BATCH)])
    batch = images.to(device, memory_format=torch.channels_last), torch.arange(BATCH, device=device) % CLASSES
    steps(plain, iter([batch] * 5))
    resident = min(seconds(lambda: steps(plain, iter([batch] * (COUNT // BATCH)))) for _ in range(3))
    loader = torch.utils.data.DataLoader(  # only now: its processes fetch ahead, also while nobody asks
        source, BATCH, shuffle=True, num_workers=WORKERS, pin_memory=True, persistent_workers=True
    )
    steps(plain, loaded())
    looped = min(seconds(lambda: steps(plain, loaded())) for _ in range(3))
    encode(model, method, inputs, rows, Observer())
    encoding = seconds(lambda: encode(model, method, inputs, rows, Observer()))
    benchmark.extra_info |= {
        "device": torch.cuda.get_device_name(), "compiled": how,
        "training, images/s": round(COUNT / training), "encoding, images/s": round(COUNT / encoding),
        "DataLoader loop, images/s": round(COUNT / looped), "one resident batch, images/s": round(COUNT / resident),
        "times the loop": round(looped / training, 2), "share of resident": round(resident / training, 2),
    }  # fmt: skip
    print(benchmark.extra_info)
    assert training < looped

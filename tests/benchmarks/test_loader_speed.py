"""Training batches from the cache against torchvision's ImageFolder and DataLoader on the same files: counts asserted.

The loader decodes each image in each epoch, on two processes; ours are decoded once, which is timed apart, and
augmented in the test's one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from bench.backbones.build import Weights
from bench.compat import import_torchvision
from bench.data.images import decode_images
from bench.data.streamed import Images, StreamedImages
from bench.randomness import torch_stream
from bench.training.inputs import ImageInputs
from bench.training.regimes import train_config
from bench.training.trainer import batches

import_torchvision()
from torch.utils.data import DataLoader  # noqa: E402
from torchvision import transforms as tv  # noqa: E402
from torchvision.datasets import ImageFolder  # noqa: E402

BATCH, CLASSES, WORKERS = 128, 4, 2
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

pytestmark = pytest.mark.benchmark


class Setting(NamedTuple):
    """Side the network sees, side and kind of the files, pixels over the edge, how many images."""

    size: int
    stored: int
    kind: str
    pad: int
    count: int


SETTINGS = {"224 px": Setting(224, 256, "jpg", 0, 512), "32 px": Setting(32, 32, "png", 4, 4096)}


@pytest.fixture(scope="module", params=list(SETTINGS))
def setting(request: pytest.FixtureRequest) -> Setting:
    return SETTINGS[request.param]


@pytest.fixture(scope="module")
def files(setting: Setting, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Smooth images with some noise, of which a JPEG of 256 px takes about 20 KB as a photograph does."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    written = []
    for number in range(setting.count):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((setting.stored,) * 2)
        pixels = np.asarray(coarse) + rng.normal(0, 8, (setting.stored, setting.stored, 3))
        file = folder / f"{number % CLASSES}" / f"{number}.{setting.kind}"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file)
        written.append(file)
    return written


def one_epoch(images: Images, setting: Setting, crop: str) -> Callable[[], int]:
    """A function that makes all batches of an epoch and tells how many images they had."""
    over = {"image_size": setting.size, "store_size": setting.stored, "crop": crop, "pad": setting.pad}
    inputs = ImageInputs(images, train_config("finetune", None, over), Weights("scratch"), True, torch.device("cpu"))
    augmentation, order = torch_stream(0, "augmentation"), np.random.default_rng(0).permutation(len(images))
    return lambda: sum(len(inputs.train_batch(rows, augmentation)) for rows in batches(order, BATCH))


def torchvision_epoch(folder: Path, setting: Setting, crop: str) -> tuple[float, int]:
    """Seconds and images of an epoch with the workers running already."""
    cut = {
        "random": tv.RandomCrop(setting.size, setting.pad or None, padding_mode="edge"),
        "random-resized": tv.RandomResizedCrop(setting.size),
    }[crop]
    transform = tv.Compose([cut, tv.RandomHorizontalFlip(), tv.ToTensor(), tv.Normalize(MEAN, STD)])
    loader = DataLoader(
        ImageFolder(str(folder), transform), BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True
    )
    for _ in range(2):
        start = time.perf_counter()
        count = sum(len(images) for images, _ in loader)
        seconds = time.perf_counter() - start
    return seconds, count


@pytest.mark.parametrize("crop", ["random", "random-resized"])
def test_training_batches(benchmark: Any, setting: Setting, files: list[Path], crop: str) -> None:
    start = time.perf_counter()
    images = decode_images(files, setting.stored, "x")
    decoding = time.perf_counter() - start
    plain_seconds, plain_count = torchvision_epoch(files[0].parents[1], setting, crop)
    count = benchmark.pedantic(one_epoch(images, setting, crop), rounds=5, warmup_rounds=1)
    assert count == plain_count == setting.count
    seconds = benchmark.stats["min"]
    benchmark.extra_info |= {
        "images/s": round(count / seconds),
        "torchvision's images/s": round(count / plain_seconds),
        "times faster": round(plain_seconds / seconds, 1),
        "decoded once, images/s": round(count / decoding),
    }


def test_streamed_batches(benchmark: Any, setting: Setting, files: list[Path]) -> None:
    """Where the disk has no room for the decoded images: decoded in each epoch here, too, by threads."""
    images = StreamedImages(
        len(files), setting.stored, lambda rows: decode_images([files[row] for row in rows], setting.stored, "x")
    )
    plain_seconds, plain_count = torchvision_epoch(files[0].parents[1], setting, "random")
    count = benchmark.pedantic(one_epoch(images, setting, "random"), rounds=3, warmup_rounds=1)
    assert count == plain_count == setting.count
    seconds = benchmark.stats["min"]
    benchmark.extra_info |= {
        "images/s": round(count / seconds),
        "torchvision's images/s": round(count / plain_seconds),
        "times faster": round(plain_seconds / seconds, 1),
    }

"""Our crops and flips against torchvision's: distributions over thousands of draws, pixels of the same boxes.

Pixels say where they are, so that the place, size and direction of a crop can be read off what comes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from bench.backbones.build import Weights
from bench.compat import import_torchvision
from bench.randomness import torch_stream
from bench.training import augment
from bench.training.augment import boxes_of, random_resized_boxes, resized_crop
from bench.training.inputs import ImageInputs
from bench.training.regimes import train_config

import_torchvision()
from torchvision.transforms import v2  # noqa: E402
from torchvision.transforms.v2 import functional as tv  # noqa: E402

COUNT = 4000
CHANCE = 1e-3  # a comparison of equal distributions fails with this chance; the seeds are fixed
CPU = torch.device("cpu")
PLAIN = Weights("none", mean=(0, 0, 0), std=(1 / 255, 1 / 255, 1 / 255))  # leaves pixels as they are


def ramp(side: int) -> Tensor:
    """(S, S, 3) uint8: a pixel's row, column and 0."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.stack([rows, columns, torch.zeros_like(rows)], dim=2).to(torch.uint8)


def ours(side: int, size: int, **settings: object) -> Tensor:
    """(COUNT, 3, size, size): training batches of ramps, as training gets them."""
    images = ramp(side).expand(COUNT, side, side, 3).numpy()
    config = train_config("finetune", None, {"image_size": size, "store_size": side, **settings})
    return ImageInputs(images, config, PLAIN, True, CPU).train_batch(np.arange(COUNT), torch_stream(0, "augmentation"))


def theirs(side: int, crop: Callable[[Tensor], Tensor]) -> Tensor:
    """The same by torchvision, one image after the other."""
    transform, image = v2.Compose([crop, v2.RandomHorizontalFlip()]), ramp(side).permute(2, 0, 1).float()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return torch.stack([transform(image) for _ in range(COUNT)])


class Read(NamedTuple):
    """Of each crop (n,): where it begins, its size, whether it is mirrored."""

    top: np.ndarray
    left: np.ndarray
    height: np.ndarray
    width: np.ndarray
    mirrored: np.ndarray


def read(crops: Tensor) -> Read:
    """Off two pixels well inside, where the filter does not see the end of the box."""
    size = crops.shape[2]
    low, high = size // 4, size - 1 - size // 4
    mirrored = crops[:, 1, 0, 0] > crops[:, 1, 0, -1]
    crops = torch.where(mirrored.view(-1, 1, 1, 1), crops.flip(3), crops)
    found = []
    for line in (crops[:, 0, :, size // 2], crops[:, 1, size // 2, :]):
        length = ((line[:, high] - line[:, low]) / (high - low) * size).round()
        found.append(((line[:, low] + 0.5 - (low + 0.5) * length / size).round(), length))
    (top, height), (left, width) = found
    return Read(*(x.numpy() for x in (top, left, height, width, mirrored)))


def alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Two samples (n,) of numbers, by Kolmogorov and Smirnov."""
    return stats.ks_2samp(a, b).pvalue > CHANCE


def evenly(cells: np.ndarray, number: int) -> bool:
    """Whether all of `number` cells are equally likely."""
    return stats.chisquare(np.bincount(cells, minlength=number)).pvalue > CHANCE


@pytest.mark.parametrize(("side", "size", "pad"), [(12, 8, 0), (12, 12, 3), (11, 9, 2)])
def test_every_place_of_a_random_crop_is_equally_likely(side: int, size: int, pad: int) -> None:
    found = [
        read(crops)
        for crops in (
            ours(side, size, pad=pad), theirs(side, v2.RandomCrop(size, padding=pad or None, padding_mode="edge"))
        )
    ]  # fmt: skip
    number = side - size + 2 * pad + 1
    cells = [((one.top + pad) * number + one.left + pad).astype(int) for one in found]
    for one, cell in zip(found, cells, strict=True):
        assert (one.height == size).all()
        assert (one.width == size).all()
        assert set(cell) == set(range(number**2))
        assert evenly(cell, number**2)
        assert evenly(cell * 2 + one.mirrored, 2 * number**2)
    table = [np.bincount(cell, minlength=number**2) for cell in cells]
    assert stats.chi2_contingency(table).pvalue > CHANCE


def test_mirroring_is_a_fair_coin() -> None:
    for crop in ("random", "random-resized"):
        mirrored = read(ours(12, 8, crop=crop)).mirrored
        assert stats.binomtest(int(mirrored.sum()), COUNT).pvalue > CHANCE
        assert not read(ours(12, 8, crop=crop, flip=False)).mirrored.any()


@pytest.fixture(scope="module")
def resized() -> tuple[Read, Read]:
    """Ours and torchvision's."""
    return read(ours(32, 16, crop="random-resized")), read(theirs(32, v2.RandomResizedCrop(16, antialias=True)))


def test_boxes_of_a_resized_crop_are_as_torchvisions(resized: tuple[Read, Read]) -> None:
    for one in resized:
        assert ((one.top >= 0) & (one.top + one.height <= 32) & (one.left >= 0) & (one.left + one.width <= 32)).all()
    a, b = resized
    assert alike(a.height * a.width, b.height * b.width)
    assert alike(np.log(a.width / a.height), np.log(b.width / b.height))
    assert alike(a.height, b.height)
    assert alike(a.width, b.width)
    assert alike(a.top, b.top)
    assert alike(a.left, b.left)
    assert alike(a.mirrored * 1.0, b.mirrored * 1.0)


def test_each_place_of_a_box_is_equally_likely_whatever_its_size(resized: tuple[Read, Read]) -> None:
    rng = np.random.default_rng(0)
    for one in resized:
        for start, length in ((one.top, one.height), (one.left, one.width)):
            spread = (start + rng.random(COUNT)) / (33 - length)  # uniform in [0, 1) if the whole numbers are
            for some in (length < 16, length >= 16, length > 28):
                assert stats.kstest(spread[some], "uniform").pvalue > CHANCE


def test_the_comparison_tells_boxes_that_are_cut_to_fit_from_boxes_that_fit(resized: tuple[Read, Read]) -> None:
    area, aspect = np.random.default_rng(0).uniform([[0.08], [math.log(3 / 4)]], [[1], [math.log(4 / 3)]], (2, COUNT))
    cut = [np.sqrt(area * np.exp(sign * aspect)).clip(max=1) * 32 for sign in (1, -1)]
    assert not alike(np.round(cut[0]) * np.round(cut[1]), resized[1].height * resized[1].width)


def plain_box(draws: np.ndarray, places: np.ndarray, side: int) -> list[int]:
    """torchvision's RandomResizedCrop.make_params for a square image, its random numbers given: (2, 10), (2,)."""
    for area, aspect in draws.T:
        target = side * side * (0.08 + 0.92 * area)
        ratio = math.exp(math.log(3 / 4) + (math.log(4 / 3) - math.log(3 / 4)) * aspect)
        width, height = round(math.sqrt(target * ratio)), round(math.sqrt(target / ratio))
        if 0 < width <= side and 0 < height <= side:
            return [int(places[0] * (side - height + 1)), int(places[1] * (side - width + 1)), height, width]
    return [0, 0, side, side]


@given(st.integers(2, 300), st.integers(0, 2**20), st.sampled_from([0.0, 0.9, 0.98]))
def test_boxes_are_those_of_torchvisions_loop(side: int, seed: int, least: float) -> None:
    rng = np.random.default_rng(seed)
    draws, places = rng.random((2, 10, 50)), rng.random((2, 50))
    draws[0] = least + (1 - least) * draws[0]  # large areas, of which few fit
    boxes = boxes_of(torch.from_numpy(draws), torch.from_numpy(places), side)
    assert boxes.T.tolist() == [plain_box(draws[:, :, i], places[:, i], side) for i in range(50)]


def test_where_no_box_fits_it_is_the_whole_image() -> None:
    draws = torch.tensor([[0.999], [0.999]], dtype=torch.float64)[..., None].expand(2, 10, 1)
    assert boxes_of(draws, torch.full((2, 1), 0.7, dtype=torch.float64), 100).T.tolist() == [[0, 0, 100, 100]]


@pytest.mark.parametrize(("side", "size"), [(256, 224), (100, 20), (16, 32), (40, 40), (9, 8)])
def test_a_resized_crop_has_torchvisions_pixels(side: int, size: int) -> None:
    images = torch.randint(0, 256, (12, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    boxes, mirrored = random_resized_boxes(12, side, torch.Generator().manual_seed(0)), torch.arange(12) % 2 == 0
    boxes[:, 0] = torch.tensor([0, 0, side, side])
    found = resized_crop(images, boxes, mirrored, size).permute(0, 3, 1, 2)
    for image, box, mirror, crop in zip(images.permute(0, 3, 1, 2), boxes.T.tolist(), mirrored, found, strict=True):
        crop = crop.flip(2) if mirror else crop
        exact = tv.resized_crop(image.double(), *box, size=[size, size], antialias=True)
        assert (crop - exact).abs().max() < 1e-4  # of 255
        single = tv.resized_crop(image.float(), *box, size=[size, size], antialias=True)
        assert (crop - single).abs().max() < 0.02
        whole = tv.resized_crop(image, *box, size=[size, size], antialias=True)  # rounds between its two passes, too
        assert (crop - whole).abs().max() < 1.5


def test_a_random_crop_has_torchvisions_pixels() -> None:
    images = torch.randint(0, 256, (30, 14, 14, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    boxes, mirrored = augment.random_boxes(30, 20, 9, torch.Generator().manual_seed(0)), torch.arange(30) % 3 == 0
    found = augment.crop(augment.pad_edges(images, 3), boxes, mirrored).permute(0, 3, 1, 2)
    for image, box, mirror, crop in zip(images.permute(0, 3, 1, 2), boxes.T.tolist(), mirrored, found, strict=True):
        expected = tv.crop(tv.pad(image, [3], padding_mode="edge"), *box)
        assert torch.equal(crop, tv.horizontal_flip(expected) if mirror else expected)


@pytest.mark.parametrize(("side", "stored", "size"), [(32, 32, 28), (32, 32, 32), (48, 32, 28), (20, 32, 28)])
def test_at_test_time_resize_and_centre_crop_are_torchvisions(side: int, stored: int, size: int) -> None:
    images = torch.randint(0, 256, (5, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    config = train_config("finetune", None, {"image_size": size, "store_size": stored})
    found = ImageInputs(images.numpy(), config, PLAIN, True, CPU).test_batch(np.arange(5))
    resized = tv.resize(images.permute(0, 3, 1, 2).float(), [stored, stored], antialias=True)
    assert (found - tv.center_crop(resized, [size, size])).abs().max() < 1e-3


def test_the_middle_of_csqs_images_is_its_releases() -> None:
    config = train_config("finetune", None, {"image_size": 224, "store_size": 255})
    found = ImageInputs(ramp(255)[None].numpy(), config, PLAIN, True, CPU).test_batch(np.arange(1))
    assert found[0, :2, 0, 0].tolist() == pytest.approx([15, 15])  # torchvision's centre crop: 16


@pytest.mark.gpu
def test_a_resized_crop_is_the_same_on_a_gpu() -> None:
    images = torch.randint(0, 256, (12, 50, 50, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    boxes, mirrored = random_resized_boxes(12, 50, torch.Generator().manual_seed(0)), torch.arange(12) % 2 == 0
    expected = resized_crop(images, boxes, mirrored, 24)
    assert torch.allclose(resized_crop(images.cuda(), boxes, mirrored, 24).cpu(), expected, atol=1e-3)

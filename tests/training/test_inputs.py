import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.randomness import torch_stream
from bench.training.backbones import Weights
from bench.training.inputs import FeatureInputs, ImageInputs, random_crop, random_resized_crop, targets_of
from bench.training.regimes import train_config

CPU = torch.device("cpu")


def ramp(count: int, size: int) -> torch.Tensor:
    """Images whose pixel says where it is: channel 0 the row, channel 1 the column."""
    grid = torch.arange(size, dtype=torch.uint8)
    image = torch.stack(
        [grid[:, None].expand(size, size), grid[None].expand(size, size), grid[None].expand(size, size)]
    )
    return image.permute(1, 2, 0).expand(count, size, size, 3).contiguous()


@given(st.integers(8, 20), st.integers(0, 4), st.integers(0, 1000))
def test_a_random_crop_is_a_window_with_repeated_edges(full: int, pad: int, seed: int) -> None:
    size = full - full // 4
    crops = random_crop(ramp(16, full), size, pad, torch.Generator().manual_seed(seed))
    assert crops.shape == (16, 3, size, size)
    for crop in crops:
        rows, columns = crop[0, :, 0].long(), crop[1, 0].long()
        windows = [(torch.arange(size) + o).clamp(0, full - 1).tolist() for o in range(-pad, full - size + pad + 1)]
        assert rows.tolist() in windows
        assert columns.tolist() in windows


def test_every_offset_is_drawn() -> None:
    crops = random_crop(ramp(2000, 10), 8, 1, torch.Generator().manual_seed(0))
    assert set(crops[:, 0, 4, 0].long().tolist()) == {3, 4, 5, 6, 7}


def test_a_resized_crop_stays_inside_and_keeps_directions() -> None:
    crops = random_resized_crop(ramp(64, 32), 16, torch.Generator().manual_seed(0))
    assert crops.shape == (64, 3, 16, 16)
    assert crops.min() >= 0
    assert crops.max() <= 31
    assert (crops[:, 0].diff(dim=1) >= -1e-3).all()
    widths = (crops[:, 1, 0, -1] - crops[:, 1, 0, 0]) / 31
    assert widths.std() > 0.1


def inputs(flip_safe: bool, **settings: object) -> ImageInputs:
    config = train_config("quick", None, {"pad": 0, **settings})
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    return ImageInputs(images, config, Weights("scratch"), flip_safe, CPU)


def test_draws_follow_the_stream_alone() -> None:
    source, rows = inputs(True, pad=2), np.arange(6)
    a, b, c = (source.train_batch(rows, torch_stream(seed, "augmentation")) for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_letters_are_never_mirrored() -> None:
    rows = np.arange(6)
    for flip_safe in (False, True):
        source = inputs(flip_safe)
        plain, drawn = source.test_batch(rows), source.train_batch(rows, torch_stream(0, "augmentation"))
        mirrored = torch.tensor([torch.equal(d, p.flip(2)) for d, p in zip(drawn, plain, strict=True)])
        same = torch.tensor([torch.equal(d, p) for d, p in zip(drawn, plain, strict=True)])
        assert (mirrored | same).all()
        assert bool(mirrored.any()) == flip_safe


def test_normalisation_by_hand() -> None:
    batch = inputs(True).test_batch(np.array([2]))
    pixel = inputs(True).images[2, 3, 5] / 255
    expected = (pixel - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    assert batch[0, :, 3, 5].numpy() == pytest.approx(expected, abs=1e-5)


def test_images_of_another_size_are_resized_then_cropped() -> None:
    source = inputs(True, store_size=40, image_size=32)
    assert source.test_batch(np.arange(2)).shape == (2, 3, 32, 32)
    assert source.train_batch(np.arange(2), torch_stream(0, "augmentation")).shape == (2, 3, 32, 32)


def test_features_have_unit_mean_square_and_keep_their_ratios() -> None:
    features = np.random.default_rng(0).normal(3, 2, (50, 4)).astype(np.float32)
    batch = FeatureInputs(features, CPU).test_batch(np.arange(50))
    assert batch.square().mean().item() == pytest.approx(1, rel=1e-5)
    assert torch.allclose(batch / batch[0, 0], torch.from_numpy(features / features[0, 0]), rtol=1e-4)


def test_targets_take_the_form_of_the_labels() -> None:
    assert targets_of(np.array([3, 1, 2]), np.array([2, 0]), CPU).tolist() == [2, 3]
    rows = targets_of(np.eye(3, dtype=bool), np.array([1]), CPU)
    assert rows.dtype == torch.float32
    assert rows.tolist() == [[0, 1, 0]]


@pytest.mark.gpu
def test_augmentation_is_the_same_on_a_gpu() -> None:
    config = train_config("quick", None, {"pad": 2})
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    batches = [
        ImageInputs(images, config, Weights("scratch"), True, torch.device(d)).train_batch(
            np.arange(6), torch_stream(0, "augmentation")
        )
        for d in ("cpu", "cuda")
    ]
    assert torch.allclose(batches[0], batches[1].cpu(), atol=1e-6)

import numpy as np
import pytest
import torch

import bench.training.inputs
from bench.backbones.build import Weights
from bench.data.streamed import StreamedImages
from bench.errors import DataError
from bench.randomness import torch_stream
from bench.training.inputs import Ahead, FeatureInputs, ImageInputs, gathered, on_device, targets_of
from bench.training.regimes import train_config

CPU = torch.device("cpu")


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


@pytest.mark.parametrize("crop", ["random", "random-resized", "none"])
def test_the_parts_of_a_batch_change_nothing(crop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, rows = inputs(True, crop=crop, store_size=20, image_size=12), np.array([5, 0, 3, 3, 1])
    whole = source.train_batch(rows, torch_stream(0, "augmentation"))
    assert whole.shape == (5, 3, 12, 12)
    assert whole.is_contiguous(memory_format=torch.channels_last)
    monkeypatch.setattr(bench.training.inputs, "_CPU_PIXELS", 2 * 20**2)
    assert torch.equal(source.train_batch(rows, torch_stream(0, "augmentation")), whole)


def test_images_go_to_the_device_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    images = inputs(True).images
    monkeypatch.setattr(bench.training.inputs, "_BLOCK", 4)
    for source in (images, StreamedImages(len(images), 16, lambda rows: images[rows])):
        assert np.array_equal(on_device(source, CPU).numpy(), images)


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


class Gather:
    """Gathers, and remembers what."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, rows: np.ndarray) -> torch.Tensor:
        self.asked.append(rows.tolist())
        if rows.min() < 0:
            raise DataError("an image that cannot be read")
        return torch.from_numpy(rows)


def test_what_was_told_of_is_gathered_once_and_ahead() -> None:
    gather = Gather()
    ahead, batches = Ahead(gather), [np.array([3, 1]), np.array([0, 2]), np.array([5])]
    for batch, after in zip(batches, [*batches[1:], None], strict=True):
        if after is not None:
            ahead.begin(after)
        assert ahead.take(batch).tolist() == batch.tolist()
    assert sorted(gather.asked) == [[0, 2], [3, 1], [5]]


def test_what_was_told_of_and_not_asked_for_is_let_go() -> None:
    gather = Gather()
    ahead = Ahead(gather)
    for row in range(4):
        ahead.begin(np.array([row]))
    assert [ahead.take(np.array([row])).tolist() for row in (3, 0)] == [[3], [0]]
    assert gather.asked.count([0]) == 2
    assert gather.asked.count([3]) == 1


def test_an_image_that_cannot_be_read_is_told_of_where_it_is_asked_for() -> None:
    ahead = Ahead(Gather())
    ahead.begin(np.array([-1]))
    with pytest.raises(DataError, match="cannot be read"):
        ahead.take(np.array([-1]))
    assert ahead.take(np.array([4])).tolist() == [4]


def test_batches_fetched_ahead_are_the_same() -> None:
    plain, early = inputs(True, pad=2), inputs(True, pad=2)
    early._ahead = Ahead(lambda rows: gathered(early.images, rows))
    streams = torch_stream(0, "augmentation"), torch_stream(0, "augmentation")
    parts = [np.array([4, 0, 2]), np.array([1, 5, 3])]
    for part, after in zip(parts, [parts[1], parts[0]], strict=True):
        early.expect(after)
        assert torch.equal(plain.train_batch(part, streams[0]), early.train_batch(part, streams[1]))


@pytest.mark.gpu
@pytest.mark.parametrize("streamed", [False, True])
def test_images_that_do_not_fit_on_a_gpu_come_through_pinned_memory(streamed: bool) -> None:
    here = inputs(True)
    whole = here.images
    images = StreamedImages(len(whole), 16, lambda rows: whole[rows]) if streamed else whole
    batch = gathered(images, np.array([3, 1]), pinned=True)
    assert batch.is_pinned()
    assert np.array_equal(batch.numpy(), whole[[3, 1]])

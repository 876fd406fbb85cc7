"""What the network is fed: batches of images (augmented for training) or of feature vectors."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from bench.training.backbones import Weights
from bench.training.regimes import TrainConfig

_CUDA_BATCH = 256
_CPU_PIXELS = 2**19  # more at a time is slower: its buffers go back to the system after each layer (measured: 4 x)


class Inputs(Protocol):
    """Rows of a dataset as network input on the device.

    Attributes:
        test_batch_size: items at a time where no gradient is wanted.
    """

    test_batch_size: int

    def train_batch(self, rows: NDArray[np.int64], generator: torch.Generator) -> Tensor:
        """Augmented; draws from `generator` (on the CPU)."""

    def test_batch(self, rows: NDArray[np.int64]) -> Tensor:
        """The same for the same rows."""


class FeatureInputs:
    """Vectors (N, D), kept on the device and scaled by one number so that their mean square is 1.

    One scale for all: a learning rate then means the same for every backbone, and no direction is favoured.
    """

    def __init__(self, features: NDArray[np.float32], device: torch.device) -> None:
        self.features = torch.from_numpy(np.array(features, dtype=np.float32)).to(device)
        self.features /= self.features.square().mean().sqrt().clamp(min=1e-12)

    test_batch_size: int = 4096

    def train_batch(self, rows: NDArray[np.int64], generator: torch.Generator) -> Tensor:
        """As `test_batch`: features are not augmented."""
        return self.test_batch(rows)

    def test_batch(self, rows: NDArray[np.int64]) -> Tensor:
        """(B, D) float32."""
        return self.features[torch.from_numpy(rows).to(self.features.device)]


class ImageInputs:
    """uint8 images (N, S, S, 3): on the device where they take less than a third of its free memory, else copied a
    batch at a time from (pinned) memory. Crop, flip and normalisation run on the device, for the whole batch at once.
    """

    def __init__(
        self, images: NDArray[np.uint8], config: TrainConfig, weights: Weights, flip_safe: bool, device: torch.device
    ) -> None:
        self.images, self.config, self.device = images, config, device
        self.size = config.image_size or images.shape[1]
        self.stored = config.store_size or self.size
        self.flip = config.flip and flip_safe
        self.test_batch_size = _CUDA_BATCH if device.type == "cuda" else max(1, _CPU_PIXELS // self.size**2)
        scale = torch.tensor([weights.mean, weights.std], device=device) * 255
        self._mean, self._std = scale[0].view(1, 3, 1, 1), scale[1].view(1, 3, 1, 1)
        self._resident: Tensor | None = None
        if device.type == "cuda" and images.nbytes < torch.cuda.mem_get_info(device)[0] / 3:
            self._resident = torch.from_numpy(np.ascontiguousarray(images)).to(device)

    def test_batch(self, rows: NDArray[np.int64]) -> Tensor:
        """Centre crop, normalised: (B, 3, S, S) float32."""
        images = self._fetch(rows)
        start = (self.stored - self.size) // 2
        return self._normalized(images[:, start : start + self.size, start : start + self.size].permute(0, 3, 1, 2))

    def train_batch(self, rows: NDArray[np.int64], generator: torch.Generator) -> Tensor:
        """Random crop and flip, normalised: (B, 3, S, S) float32."""
        images = self._fetch(rows)
        match self.config.crop:
            case "random":
                batch = random_crop(images, self.size, self.config.pad, generator)
            case "resized":
                batch = random_resized_crop(images, self.size, generator)
            case _:
                return self.test_batch(rows)
        if self.flip:
            mirrored = (torch.rand(len(batch), generator=generator) < 0.5).to(self.device)
            batch = torch.where(mirrored.view(-1, 1, 1, 1), batch.flip(3), batch)
        return self._normalized(batch)

    def _fetch(self, rows: NDArray[np.int64]) -> Tensor:
        """(B, S, S, 3) with S = `stored`; images of a fixed other size are resized here."""
        if self._resident is not None:
            batch = self._resident[torch.from_numpy(rows).to(self.device, non_blocking=True)]
        else:
            batch = torch.from_numpy(np.ascontiguousarray(self.images[rows]))
            if self.device.type == "cuda":
                batch = batch.pin_memory()
            batch = batch.to(self.device, non_blocking=True)
        side = batch.shape[1]
        if side == self.stored:
            return batch
        planes = batch.permute(0, 3, 1, 2).float()
        resized = F.interpolate(planes, size=self.stored, mode="bilinear", antialias=side > self.stored)
        return resized.permute(0, 2, 3, 1)

    def _normalized(self, batch: Tensor) -> Tensor:
        return ((batch.float() - self._mean) / self._std).contiguous(memory_format=torch.channels_last)


def random_crop(images: Tensor, size: int, pad: int, generator: torch.Generator) -> Tensor:
    """(B, S, S, 3) -> (B, 3, size, size), each at its own offset; over the edge the edge is repeated."""
    full = images.shape[1]
    offsets = torch.randint(-pad, full - size + pad + 1, (2, len(images), 1), generator=generator)
    index = (offsets + torch.arange(size)).clamp(0, full - 1).to(images.device)
    batch = torch.arange(len(images), device=images.device).view(-1, 1, 1)
    return images[batch, index[0, :, :, None], index[1, :, None, :]].permute(0, 3, 1, 2)


def random_resized_crop(images: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """8-100 % of the area, aspect 3/4 to 4/3, bilinear, as torchvision's: (B, S, S, 3) -> (B, 3, size, size) float."""
    draws = torch.rand(4, len(images), generator=generator)
    area = 0.08 + 0.92 * draws[0]
    aspect = torch.exp((draws[1] * 2 - 1) * float(np.log(4 / 3)))
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = width, height
    theta[:, 0, 2], theta[:, 1, 2] = (1 - width) * (2 * draws[2] - 1), (1 - height) * (2 * draws[3] - 1)
    theta = theta.to(images.device, non_blocking=True)
    grid = F.affine_grid(theta, [len(images), 3, size, size], align_corners=False)
    return F.grid_sample(images.permute(0, 3, 1, 2).float(), grid, padding_mode="border", align_corners=False)


def targets_of(labels: NDArray[Any], rows: NDArray[np.int64], device: torch.device) -> Tensor:
    """Class indices (n,) long, or multi-hot rows (n, C) float, on the device."""
    chosen = torch.from_numpy(np.ascontiguousarray(labels[rows]))
    return chosen.to(device, torch.float32 if chosen.ndim == 2 else torch.long)

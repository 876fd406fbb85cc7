"""What the network is fed: batches of images (augmented for training) or of feature vectors."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from bench.backbones.build import Weights
from bench.data.streamed import Images
from bench.training.augment import crop, pad_edges, random_boxes, random_resized_boxes, resized_crop
from bench.training.regimes import TrainConfig

_CUDA_BATCH = 256
_BLOCK = 1024  # images copied to the device at a time
_CPU_PIXELS = 2**19  # more at a time is slower: its buffers go back to the system after each layer (measured: 4 x)


class Inputs(Protocol):
    """Rows of a dataset as network input on the device.

    Attributes:
        test_batch_size: items at a time where no gradient is wanted.
    """

    test_batch_size: int

    def expect(self, rows: NDArray[np.int64]) -> None:
        """Hear of the rows of the batch after the next, which may be fetched meanwhile."""

    def train_batch(self, rows: NDArray[np.int64], generator: torch.Generator) -> Tensor:
        """Augmented; draws from `generator` (on the CPU)."""

    def test_batch(self, rows: NDArray[np.int64]) -> Tensor:
        """The same for the same rows."""


class FeatureInputs:
    """Vectors (N, D), kept on the device and scaled by one number so that their mean square is 1.

    One scale for all: a learning rate then means the same for every backbone, and no direction is favoured.
    """

    test_batch_size: int = 4096

    def __init__(self, features: NDArray[np.float32], device: torch.device) -> None:
        self.features = torch.from_numpy(np.array(features, dtype=np.float32)).to(device)
        self.features /= self.features.square().mean().sqrt().clamp(min=1e-12)

    def expect(self, rows: NDArray[np.int64]) -> None:
        """Nothing to fetch."""

    def train_batch(self, rows: NDArray[np.int64], generator: torch.Generator) -> Tensor:
        """As `test_batch`: features are not augmented."""
        return self.test_batch(rows)

    def test_batch(self, rows: NDArray[np.int64]) -> Tensor:
        """(B, D) float32."""
        return self.features[torch.from_numpy(rows).to(self.features.device, non_blocking=True)]


class ImageInputs:
    """uint8 images (N, S, S, 3): on the device where they take less than a third of its free memory, else copied (or
    decoded, where they are streamed) a batch at a time, through pinned memory, by a thread that is a batch ahead.

    Resize, crop, flip and normalisation run on the device: on CUDA for the whole batch at once, on the CPU for as many
    images as stay in its caches.
    """

    def __init__(
        self, images: Images, config: TrainConfig, weights: Weights, flip_safe: bool, device: torch.device
    ) -> None:
        self.images, self.config, self.device = images, config, device
        self.size = config.image_size or images.shape[1]
        self.stored = config.store_size or self.size
        self.flip = config.flip and flip_safe
        self.test_batch_size = _CUDA_BATCH if device.type == "cuda" else max(1, _CPU_PIXELS // self.size**2)
        scale = torch.tensor([weights.mean, weights.std], device=device) * 255
        self._mean, self._std = scale.repeat(1, self.size)  # of a row of pixels (size x 3,)
        self._resident: Tensor | None = None
        self._ahead: Ahead | None = None
        if device.type == "cuda":
            if images.nbytes < memory_left(device) / 3:
                self._resident = on_device(images, device)
            else:
                self._ahead = Ahead(functools.partial(gathered, images, pinned=True))

    def expect(self, rows: NDArray[np.int64]) -> None:
        """Fetch them meanwhile, where there is a thread for it."""
        if self._ahead is not None:
            self._ahead.begin(rows)

    def test_batch(self, rows: NDArray[np.int64]) -> Tensor:
        """Centre crop, normalised: (B, 3, S, S) float32."""
        start = (self.stored - self.size) // 2
        middle = slice(start, start + self.size)
        return self._batch(rows, lambda images, part: images[:, middle, middle])

    def train_batch(self, rows: NDArray[np.int64], generator: torch.Generator) -> Tensor:
        """Random crop and flip, normalised: (B, 3, S, S) float32."""
        count, pad, size = len(rows), self.config.pad, self.size
        match self.config.crop:
            case "random":
                boxes = random_boxes(count, self.stored + 2 * pad, size, generator)
            case "random-resized":
                boxes = random_resized_boxes(count, self.stored, generator)
            case _:
                return self.test_batch(rows)
        mirrored = torch.rand(count, generator=generator) < 0.5 if self.flip else torch.zeros(count, dtype=torch.bool)

        def cut(images: Tensor, part: slice) -> Tensor:
            if self.config.crop == "random-resized":
                return resized_crop(images, boxes[:, part], mirrored[part], size)
            return crop(pad_edges(images, pad), boxes[:, part], mirrored[part])

        return self._batch(rows, cut)

    def _batch(self, rows: NDArray[np.int64], cut: Callable[[Tensor, slice], Tensor]) -> Tensor:
        """Normalised (B, 3, S, S), channels last, of what `cut` makes of a part of the images (b, S, S, 3)."""
        images = self._fetch(rows)
        shape = len(rows), 3, self.size, self.size
        batch = torch.empty(shape, device=self.device, memory_format=torch.channels_last)
        lines = batch.permute(0, 2, 3, 1).flatten(2)  # (B, S, S x 3), the same memory
        step = len(rows) if self.device.type == "cuda" else max(1, _CPU_PIXELS // self.stored**2)
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            pixels = cut(self._resized(images[part]), part).flatten(2)
            torch.sub(pixels, self._mean, out=lines[part]).div_(self._std)
        return batch

    def _fetch(self, rows: NDArray[np.int64]) -> Tensor:
        """(B, S, S, 3) uint8 on the device, of the side they have."""
        if self._resident is not None:
            return self._resident[torch.from_numpy(rows).to(self.device, non_blocking=True)]
        batch = gathered(self.images, rows) if self._ahead is None else self._ahead.take(rows)
        return batch.to(self.device, non_blocking=True)

    def _resized(self, images: Tensor) -> Tensor:
        """(b, S, S, 3) with S = `stored`: float where images of a fixed other size had to be resized."""
        side = images.shape[1]
        if side == self.stored:
            return images
        planes = images.permute(0, 3, 1, 2).float()
        resized = F.interpolate(planes, size=self.stored, mode="bilinear", antialias=side > self.stored)
        return resized.permute(0, 2, 3, 1)


class Ahead:
    """Gathers the batch that comes next in a thread, one after the other."""

    def __init__(self, gather: Callable[[NDArray[np.int64]], Tensor]) -> None:
        self._gather, self._thread = gather, ThreadPoolExecutor(1, thread_name_prefix="images")
        self._begun: deque[tuple[NDArray[np.int64], Future[Tensor]]] = deque(maxlen=2)

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Gather these rows; they are asked for next but one at the latest, or let go."""
        self._begun.append((rows, self._thread.submit(self._gather, rows)))

    def take(self, rows: NDArray[np.int64]) -> Tensor:
        """The rows' images: those begun, or gathered now."""
        for place, (begun, batch) in enumerate(self._begun):
            if np.array_equal(begun, rows):
                del self._begun[place]
                return batch.result()
        return self._thread.submit(self._gather, rows).result()


def gathered(images: Images, rows: NDArray[np.int64], pinned: bool = False) -> Tensor:
    """(B, S, S, 3) uint8 on the host; in pinned memory, from where a copy to a GPU needs no waiting."""
    if not pinned:
        return torch.from_numpy(np.ascontiguousarray(images[rows]))
    batch = torch.empty((len(rows), *images.shape[1:]), dtype=torch.uint8, pin_memory=True)
    if isinstance(images, np.ndarray):
        np.take(images, rows, axis=0, out=batch.numpy(), mode="clip")  # other modes go through a buffer
    else:
        batch.numpy()[...] = images[rows]
    return batch


def memory_left(device: torch.device) -> int:
    """Bytes of a GPU that can still be had: those nobody has, and those torch has kept of what it was given back."""
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + kept


def on_device(images: Images, device: torch.device) -> Tensor:
    """All images (N, S, S, 3) uint8 on the device, copied block by block: streamed ones are decoded this once."""
    whole = torch.empty(images.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(images), _BLOCK):
        rows = slice(start, start + _BLOCK)
        whole[rows] = torch.from_numpy(np.array(images[rows])).to(device)
    return whole


def targets_of(labels: NDArray[Any], rows: NDArray[np.int64], device: torch.device) -> Tensor:
    """Class indices (n,) long, or multi-hot rows (n, C) float, on the device."""
    chosen = torch.from_numpy(np.ascontiguousarray(labels[rows]))
    return chosen.to(device, torch.float32 if chosen.ndim == 2 else torch.long)

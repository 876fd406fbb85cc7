"""Random crops and mirroring of a batch, equal in distribution to torchvision's RandomCrop, RandomResizedCrop and flip.

What is random is drawn for the whole batch, on the CPU; pixels are then made on any device, in parts of any size. A box
is a column (top, left, height, width) of whole pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_TRIES = 10  # boxes that torchvision draws for an image before it takes the whole
_AREA = (0.08, 1.0)
_ASPECT = (3 / 4, 4 / 3)


def random_boxes(count: int, side: int, size: int, generator: torch.Generator) -> Tensor:
    """(4, B) boxes of one size in images of one side, every place equally likely."""
    places = torch.randint(0, side - size + 1, (2, count), generator=generator)
    return torch.cat([places, torch.full_like(places, size)])


def random_resized_boxes(count: int, side: int, generator: torch.Generator) -> Tensor:
    """(4, B) boxes of 8-100 % of the area and an aspect of 3/4 to 4/3, those that fit into square images."""
    draws = torch.rand(2, _TRIES, count, generator=generator, dtype=torch.float64)
    places = torch.rand(2, count, generator=generator, dtype=torch.float64)
    return boxes_of(draws, places, side)


def boxes_of(draws: Tensor, places: Tensor, side: int) -> Tensor:
    """The boxes that uniform numbers in [0, 1) stand for: the first that fits, or the whole image.

    Args:
        draws: (2, tries, B), of area and of aspect.
        places: (2, B), of top and left.
    """
    area = side**2 * (_AREA[0] + (_AREA[1] - _AREA[0]) * draws[0])
    low, high = (math.log(aspect) for aspect in _ASPECT)
    aspect = torch.exp(low + (high - low) * draws[1])
    sizes = torch.stack([(area / aspect).sqrt().round(), (area * aspect).sqrt().round()])
    fits = ((sizes > 0) & (sizes <= side)).all(dim=0)
    first = fits.to(torch.uint8).argmax(dim=0)
    chosen = torch.where(fits.any(dim=0), sizes[:, first, torch.arange(len(first))], side)
    return torch.cat([(places * (side - chosen + 1)).floor(), chosen]).long()


def crop(images: Tensor, boxes: Tensor, mirrored: Tensor) -> Tensor:
    """Boxes of one size, cut out: (B, S, S, 3) -> (B, size, size, 3) of the same type, some of them mirrored (B,)."""
    (top, left, height, _), (count, side) = boxes, images.shape[:2]
    size = int(height[0])
    left = torch.where(mirrored, side - size - left, left)  # of the mirrored image
    first = ((torch.arange(count) + count * mirrored) * side + top) * side + left  # pixel of a box
    starts = first[:, None] + side * torch.arange(size)
    runs = torch.stack([images, images.flip(2)]).flatten().unfold(0, 3 * size, 3)  # of pixels, from each pixel on
    return runs.index_select(0, starts.flatten().to(images.device, non_blocking=True)).view(count, size, size, 3)


def pad_edges(images: Tensor, pad: int) -> Tensor:
    """(B, S, S, 3) -> (B, S + 2 pad, S + 2 pad, 3): the outermost pixels repeated."""
    if not pad:
        return images
    side = images.shape[1]
    index = torch.arange(-pad, side + pad, device=images.device).clamp(0, side - 1)
    return images.index_select(1, index).index_select(2, index)


def resized_crop(images: Tensor, boxes: Tensor, mirrored: Tensor, size: int) -> Tensor:
    """Boxes of any sizes resized to one, some of them mirrored (B,): (B, S, S, 3) -> (B, size, size, 3) float.

    Bilinear and antialiased, as torchvision resizes: the filter is as wide as an output pixel, and at least as wide as
    an input pixel. So each output row is a weighted sum of a few input rows, and each column of a few columns.
    """
    side = images.shape[1]
    top, left, height, width = boxes.to(images.device, torch.float64, non_blocking=True)[..., None]
    pixels = torch.arange(size, device=images.device) + 0.5
    mirror = mirrored.to(images.device, non_blocking=True)[:, None]
    columns = _taps(torch.where(mirror, size - pixels, pixels) * (width / size), left, width, side, size)
    rows = _taps(pixels * (height / size), top, height, side, size)
    images = images.float()
    for taps in (rows, columns):  # columns are rows of the transposed image
        images = _weighted_rows(images, *taps).transpose(1, 2)
    return images


def _taps(centers: Tensor, start: Tensor, length: Tensor, side: int, size: int) -> tuple[Tensor, Tensor]:
    """Which input pixels an output pixel is made of, along one axis, and their weights: both (B, size, taps).

    Args:
        centers: (B, size) of output pixels, in input pixels from the start of the box.
        start: (B, 1) of the box.
        length: (B, 1) of the box; pixels outside have no weight.
    """
    reach = (length / size).clamp(min=1)
    taps = math.ceil(2 * max(1, side / size))
    first = (centers - reach + 0.5).floor().clamp(min=0)
    pixels = first[..., None] + torch.arange(taps, device=centers.device)
    distance = (pixels + 0.5 - centers[..., None]).abs() / reach[..., None]
    weights = (1 - distance).clamp(min=0) * (pixels < length[..., None])
    places = torch.minimum(pixels, length[..., None] - 1) + start[..., None]
    return places.long(), (weights / weights.sum(dim=2, keepdim=True)).float()


def _weighted_rows(images: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Sums of weighted rows: (B, S, W, 3), (B, size, taps) twice -> (B, size, W, 3)."""
    count, side = images.shape[:2]
    places = places + side * torch.arange(count, device=images.device)[:, None, None]
    table = images.reshape(count * side, -1)
    sums = F.embedding_bag(places.flatten(0, 1), table, per_sample_weights=weights.flatten(0, 1), mode="sum")
    return sums.view(count, places.shape[1], *images.shape[2:])

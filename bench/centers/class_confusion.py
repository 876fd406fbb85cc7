"""From a classifier's logits to a similarity of classes (SHC, ACM TOIS 2025, arXiv 2507.08404, stage 1).

What a class is confused with is near it: the softmax of each image without one class, by default the one it was taken
for, summed over the images of a class.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import TrainingError

Matrix = NDArray[np.float64]


def masked_softmax_sums(
    logits: Tensor, labels: Tensor, num_classes: int, mask: Literal["predicted", "truth"]
) -> tuple[Tensor, Tensor]:
    """Sums over the images of each class of their softmax without one class; add those of batches up.

    Args:
        logits: (B, C), on any device.
        labels: (B,), the class of each image.
        num_classes: C.
        mask: the class left out: the "predicted" one (paper) or the image's own, "truth" (released code).

    Returns:
        Sums (C, C) float64, row c over the images of class c, and their numbers (C,) int64, on the logits' device.

    Raises:
        TrainingError: shapes that do not fit.
    """
    if logits.shape != (len(labels), num_classes) or num_classes < 2:
        raise TrainingError(f"logits {tuple(logits.shape)} do not fit {len(labels)} labels and {num_classes} classes.")
    labels = labels.to(logits.device)
    wide = logits.detach().to(torch.float64)
    left_out = wide.argmax(dim=1) if mask == "predicted" else labels
    shares = wide.scatter(1, left_out[:, None], -torch.inf).softmax(dim=1)
    sums = wide.new_zeros(num_classes, num_classes).index_add_(0, labels, shares)
    return sums, torch.bincount(labels, minlength=num_classes)


def confusion_similarity(
    sums: NDArray[np.generic], counts: NDArray[np.generic], form: Literal["paper", "code"]
) -> Matrix:
    """Similarity of classes (C, C) in [-1, 1], 1 on the diagonal.

    - "paper": means per class, rows normalized (which makes sums and means the same), made symmetric, diagonal 1.
    - "code" (released): sums, made symmetric, rows normalized, diagonal 1; not symmetric, and large classes weigh more.

    Args:
        sums, counts: of `masked_softmax_sums` over all images, (C, C) and (C,).
        form: "paper" or "code".

    Raises:
        TrainingError: a class without an image ("paper"; the release, which takes the first of several labels, knows
            it by what others are taken for alone), shapes that do not fit, sums that are not finite.
    """
    total, images = np.asarray(sums, np.float64), np.asarray(counts, np.float64)
    if images.ndim != 1 or total.shape != (len(images), len(images)):
        raise TrainingError(f"sums {total.shape} and counts {images.shape} do not fit: expected (C, C) and (C,).")
    if not np.isfinite(total).all():
        raise TrainingError("the similarity of classes needs finite sums: the classifier's logits are not.")
    empty = np.flatnonzero(images <= 0)
    if len(empty) and form == "paper":
        raise TrainingError(f"the similarity of classes needs an image of every class: class {empty[0]} has none.")
    similarity = _symmetric(_normalize_rows(total)) if form == "paper" else _normalize_rows(_symmetric(total))
    np.fill_diagonal(similarity, 1.0)
    return similarity


def _normalize_rows(matrix: Matrix) -> Matrix:
    """s <- (s - mean) / max |s - mean|, the diagonal included in both; a constant row becomes 0."""
    centered = matrix - matrix.mean(axis=1, keepdims=True)  # changed in place: of 20,000 classes it takes 3 GB
    largest = _largest(centered)
    constant = largest <= 1e-12 * _largest(matrix)  # its mean may round to another value
    centered /= np.where(constant, 1.0, largest)
    centered[constant[:, 0]] = 0.0
    return centered


def _largest(matrix: Matrix) -> Matrix:
    """The largest |s| of each row, (C, 1)."""
    return np.asarray(np.maximum(matrix.max(axis=1, keepdims=True), -matrix.min(axis=1, keepdims=True)))


def _symmetric(matrix: Matrix) -> Matrix:
    both = matrix + matrix.T
    both /= 2
    return both

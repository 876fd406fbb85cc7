"""The honest bar: a plain classifier, whose predicted class is given its center.

No hashing loss at all. Its codes are exact centers, so that nearly all of a ranking is tied; read it with its tie band.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.centers.separated import separated_centers
from bench.plugins import PluginInfo
from bench.randomness import stream
from bench.training.classifier import Classifier

INFO = PluginInfo(
    name="classifier-codes",
    summary="Bar: a plain classifier; each image gets the center of the class it is taken for",
    citation="none: a control of this benchmark",
    licence="MIT",
    variants={"classifier-codes": ("cross-entropy; separated centers", {})},
)


class ClassifierCodes(Classifier):
    """Codes are centers of predicted classes."""

    def make_centers(self) -> Tensor:
        """Well-separated ones, without semantics."""
        rng = stream(self.task.seed, "centre-init")
        return torch.from_numpy(separated_centers(self.task.num_classes, self.task.bits, rng=rng))

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy; one yes or no per class where an item can have several."""
        if targets.ndim == 1:
            return super().loss(relaxed, targets)
        loss = F.binary_cross_entropy_with_logits(relaxed, self.multi_hot(targets))
        self.log: dict[str, Any] = {"cross_entropy": loss.detach()}
        return loss

    def codes(self, outputs: Tensor) -> Tensor:
        """The center of the likeliest class; of several classes, the vote of all that are likelier than not."""
        if not self.task.multi_label:
            return super().codes(outputs)
        likeliest = F.one_hot(outputs.argmax(dim=1), outputs.shape[1]).bool()
        taken = (outputs > 0) | likeliest
        votes = taken.float() @ self.centers
        first = self.centers[outputs.argmax(dim=1)]  # breaks a tied vote
        return torch.where(votes == 0, first, votes.sign()).to(torch.int8)

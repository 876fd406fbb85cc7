"""A classifier trained by the same trainer: SHC's first stage, and what a hash is measured against."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.config import Config, setting
from bench.plugins.method import Method


class ClassifierConfig(Config):
    """Settings of a classifier."""

    loss: Literal["cross-entropy", "double-softmax"] = setting(
        "cross-entropy",
        "double-softmax: cross-entropy of probabilities taken for logits, as SHC's release has it",
        source="SHC, section on the similarity matrix",
    )


class Classifier(Method):
    """C outputs, one a class, trained by cross-entropy; of several classes per item each has the same share.

    As a method it has no centers of its own (all +1); `methods/` gives it some.
    """

    Config: ClassVar[type[Config]] = ClassifierConfig

    @property
    def outputs(self) -> int:
        """C."""
        return self.task.num_classes

    def make_centers(self) -> Tensor:
        """None worth the name."""
        return torch.ones(self.task.num_classes, self.task.bits)

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of logits (B, C) with y / |y|_1."""
        logits = relaxed.softmax(dim=1) if self.config.loss == "double-softmax" else relaxed
        wanted: Any = targets
        if targets.ndim == 2:
            rows = self.multi_hot(targets)
            wanted = rows / rows.sum(dim=1, keepdim=True)
        loss = F.cross_entropy(logits, wanted)
        self.log = {"cross_entropy": loss.detach()}
        return loss

    def codes(self, outputs: Tensor) -> Tensor:
        """The center of the likeliest class."""
        return self.centers[outputs.argmax(dim=1)].to(torch.int8)

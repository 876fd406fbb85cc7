"""CSQ's loss, which SHC shares: each bit is pulled to that of the item's target code."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from bench.config import Config, setting
from bench.losses import central_bce, quantization
from bench.plugins.method import Method
from bench.randomness import stream


class BitwiseConfig(Config):
    """Settings of the loss toward target codes."""

    quantization_weight: float = setting(0.05, "lambda_2", source="CSQ's released command for ResNet-50", ge=0)
    several_labels: Literal["vote", "first"] = setting(
        "vote",
        "target code of an item of several classes: majority vote of their centers, or the first one's center",
        source="CSQ, section 3.2: the vote",
    )


class BitwiseLoss(Method):
    """Centers with CSQ's loss toward them."""

    Config: ClassVar[type[Config]] = BitwiseConfig
    tie_vector: Tensor  # a buffer

    def __init__(self, config: Any, task: Any, centers: Tensor | None = None) -> None:
        super().__init__(config, task, centers)
        ties = stream(task.seed, "multi-label-tie-vector").integers(0, 2, task.bits) * 2 - 1
        self.register_buffer("tie_vector", torch.from_numpy(ties).float())

    def target_codes(self, targets: Tensor) -> Tensor:
        """Code each item is pulled to, (B, K): its center, or the majority vote of its classes' centers.

        A tied bit takes the entry of one random vector, drawn once per run.
        """
        if targets.ndim == 1:
            return self.centers[targets]
        if self.config.several_labels == "first":
            return self.centers[targets.argmax(dim=1)]
        votes = self.multi_hot(targets) @ self.centers
        return torch.where(votes == 0, self.tie_vector, votes.sign())

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        """L_C + lambda_2 L_Q."""
        center, quant = central_bce(relaxed, self.target_codes(targets)), quantization(relaxed)
        self.log = {"center": center.detach(), "quantization": quant.detach()}
        return center + self.config.quantization_weight * quant

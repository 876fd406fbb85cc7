"""CSQ: central similarity quantization (CVPR 2020, arXiv 1908.00347).

Each class gets a fixed center from a Hadamard matrix; codes are pulled to it bit by bit.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.centers.hadamard_rows import hadamard_rows
from bench.centers.separation import separation
from bench.config import Config, setting
from bench.errors import BenchWarning
from bench.plugins import PluginInfo
from bench.randomness import stream

from ._bitwise_loss import BitwiseConfig, BitwiseLoss

INFO = PluginInfo(
    name="csq",
    summary="Fixed centers from a Hadamard matrix, bitwise cross-entropy",
    citation="Yuan et al., Central Similarity Quantization for Efficient Image and Video Retrieval, CVPR 2020, "
    "arXiv 1908.00347",
    licence="MIT (this implementation)",
    homepage="https://arxiv.org/abs/1908.00347",
    variants={"csq": ("Hadamard rows; random balanced rows beyond 2K classes", {})},
)


class CSQConfig(BitwiseConfig):
    """Settings of CSQ."""

    pairwise_weight: float = setting(
        0.0, "lambda_1 of the batch-half pair loss", source="CSQ's published commands: 0", ge=0
    )
    tries: int = setting(
        20,
        "draws of the random rows before the last is kept",
        source="DeepHash-pytorch (the tutorial tries 10,000)",
        ge=1,
    )


class CSQ(BitwiseLoss):
    """Central similarity quantization."""

    Config: ClassVar[type[Config]] = CSQConfig

    @classmethod
    def paper_training(cls, multi_label: bool) -> dict[str, Any]:
        """Released settings for ResNet-50: Adam, three-layer head, lr 1e-3 x 0.7^(e // 10), 90 epochs."""
        return {
            "epochs": 90, "batch_size": 64, "optimizer": "adam", "lr": 1e-3, "betas": (0.9, 0.999), "weight_decay": 0.0,
            "backbone_lr_ratio": 0.05 if multi_label else 0.01, "schedule": "step", "step_epochs": 10,
            "step_factor": 0.7, "clip_norm": None, "head": "mlp", "hidden": (2048, 2048), "dropout": 0.5,
            "backbone": "resnet50", "store_size": 255, "crop": "random-resized",
        }  # fmt: skip

    def make_centers(self) -> Tensor:
        """Rows of [H; -H]; random balanced rows beyond 2K classes or where no Hadamard matrix exists."""
        task = self.task
        rng = stream(task.seed, "centre-init")
        centers, accepted = hadamard_rows(task.num_classes, task.bits, rng, self.config.tries)
        if not accepted:
            found = separation(centers)
            warnings.warn(
                f"csq: {task.num_classes} classes at {task.bits} bits: after {self.config.tries} draws the random rows "
                f"still miss CSQ's own test (least distance > {task.bits / 4:g}, mean >= K/2 = {task.bits / 2:g});"
                f" the last is kept: least {found.least}, mean {found.mean:.2f}, {found.duplicates} pairs of equal "
                "centers.",
                BenchWarning,
                stacklevel=2,
            )
        return torch.from_numpy(centers)

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        """L_C + lambda_2 L_Q (+ lambda_1 L_P)."""
        total = super().loss(relaxed, targets)
        if self.config.pairwise_weight and len(relaxed) % 2 == 0:
            total = total + self.config.pairwise_weight * self._pairwise(relaxed, self.multi_hot(targets))
        return total

    def _pairwise(self, relaxed: Tensor, rows: Tensor) -> Tensor:
        """Likelihood of "shares a label" between the halves of a batch: log(1 + e^theta) - S theta."""
        first, second = torch.tanh(relaxed).chunk(2)
        theta = 10 / self.task.bits * first @ second.T
        shared = (rows.chunk(2)[0] @ rows.chunk(2)[1].T > 0).to(theta.dtype)
        return (F.softplus(theta) - shared * theta).mean()

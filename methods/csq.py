"""CSQ: central similarity quantization (CVPR 2020, arXiv 1908.00347).

Each class gets a fixed center from a Hadamard matrix; codes are pulled to it bit by bit.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from bench.centers.hadamard import hadamard
from bench.config import Config, setting
from bench.errors import BenchWarning
from bench.losses import central_bce, quantization
from bench.plugins import PluginInfo
from bench.plugins.method import Method
from bench.randomness import stream

INFO = PluginInfo(
    name="csq",
    summary="Fixed centers from a Hadamard matrix, bitwise cross-entropy",
    citation="Yuan et al., Central Similarity Quantization, CVPR 2020, arXiv 1908.00347",
    licence="MIT (this implementation)",
    homepage="https://arxiv.org/abs/1908.00347",
    variants={"csq": ("Hadamard rows; random balanced rows beyond 2K classes", {})},
)


class CSQConfig(Config):
    """Settings of CSQ."""

    quantization_weight: float = setting(0.05, "lambda_2", source="CSQ's released command for ResNet-50", ge=0)
    pairwise_weight: float = setting(
        0.0, "lambda_1 of the batch-half pair loss", source="CSQ's published commands: 0", ge=0
    )
    tries: int = setting(
        20,
        "draws of the random rows before the last is kept",
        source="DeepHash-pytorch (the tutorial tries 10,000)",
        ge=1,
    )


class CSQ(Method):
    """Central similarity quantization."""

    Config: ClassVar[type[Config]] = CSQConfig

    @classmethod
    def paper_training(cls, multi_label: bool) -> dict[str, Any]:
        """Released settings for ResNet-50: Adam, three-layer head, lr 1e-3 x 0.7^(e // 10), 90 epochs."""
        return {
            "epochs": 90, "batch_size": 64, "optimizer": "adam", "lr": 1e-3, "betas": (0.9, 0.999), "weight_decay": 0.0,
            "backbone_lr_ratio": 0.05 if multi_label else 0.01, "schedule": "step", "step_epochs": 10,
            "step_factor": 0.7, "clip_norm": None, "head": "mlp", "hidden": (2048, 2048), "dropout": 0.5,
            "backbone": "resnet50", "store_size": 255, "crop": "resized",
        }  # fmt: skip

    def make_centers(self) -> Tensor:
        """Rows of [H; -H]; random balanced rows beyond 2K classes or where no Hadamard matrix exists."""
        task = self.task
        rng = stream(task.seed, "centre-init")
        centers, accepted = csq_centers(task.num_classes, task.bits, rng, self.config.tries)
        if not accepted:
            least, mean, twins = separation(centers)
            warnings.warn(
                f"csq: {task.num_classes} classes at {task.bits} bits: after {self.config.tries} draws the random rows "
                f"still miss CSQ's own test (least distance > {task.bits / 4:g}, mean >= K/2 = {task.bits / 2:g});"
                f" the last is kept: least {least}, mean {mean:.2f}, {twins} pairs of equal centers.",
                BenchWarning,
                stacklevel=2,
            )
        ties = stream(task.seed, "multi-label-tie-vector").integers(0, 2, task.bits) * 2 - 1
        self.register_buffer("tie_vector", torch.from_numpy(ties).float())
        return torch.from_numpy(centers)

    def target_codes(self, targets: Tensor) -> Tensor:
        """Code each item is pulled to, (B, K): its center, or the majority vote of its classes' centers.

        A tied bit takes the entry of one random vector, drawn once per run.
        """
        if targets.ndim == 1:
            return self.centers[targets]
        votes = self.multi_hot(targets) @ self.centers
        return torch.where(votes == 0, self.tie_vector, votes.sign())

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        """L_C + lambda_2 L_Q (+ lambda_1 L_P)."""
        center, quant = central_bce(relaxed, self.target_codes(targets)), quantization(relaxed)
        self.log = {"center": center.detach(), "quantization": quant.detach()}
        total = center + self.config.quantization_weight * quant
        if self.config.pairwise_weight and len(relaxed) % 2 == 0:
            total = total + self.config.pairwise_weight * self._pairwise(relaxed, self.multi_hot(targets))
        return total

    def _pairwise(self, relaxed: Tensor, rows: Tensor) -> Tensor:
        """Likelihood of "shares a label" between the halves of a batch: log(1 + e^theta) - S theta."""
        first, second = torch.tanh(relaxed).chunk(2)
        theta = 10 / self.task.bits * first @ second.T
        shared = (rows.chunk(2)[0] @ rows.chunk(2)[1].T > 0).to(theta.dtype)
        return (F.softplus(theta) - shared * theta).mean()


def csq_centers(num_classes: int, bits: int, rng: np.random.Generator, tries: int) -> tuple[NDArray[np.int8], bool]:
    """CSQ's centers (C, K) int8, and whether they pass its test (true without random rows).

    Rule of DeepHash-pytorch: all 2K rows of [H; -H], then balanced random rows, drawn again up to `tries` times
    until the least distance of any two centers is > K/4 and the mean >= K/2; otherwise the last draw is kept.
    """
    matrix = hadamard(bits)
    rows = np.empty((0, bits), np.int8) if matrix is None else np.concatenate([matrix, -matrix])[:num_classes]
    if len(rows) == num_classes:
        return rows, True
    half = np.repeat(np.array([-1, 1], np.int8), [bits // 2, bits - bits // 2])
    for _ in range(tries):
        drawn = rng.permuted(np.tile(half, (num_classes - len(rows), 1)), axis=1)
        centers = np.concatenate([rows, drawn])
        least, mean, _ = separation(centers)
        if least > bits / 4 and mean >= bits / 2:
            return centers, True
    return centers, False


def separation(centers: NDArray[np.int8]) -> tuple[int, float, int]:
    """Least and mean pairwise Hamming distance, and the number of equal pairs."""
    wide = centers.astype(np.float32)
    distances = ((centers.shape[1] - wide @ wide.T) / 2)[np.triu_indices(len(centers), 1)]
    return int(distances.min()), float(distances.mean()), int((distances == 0).sum())

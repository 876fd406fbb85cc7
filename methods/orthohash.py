"""OrthoHash: one cosine loss toward fixed near-orthogonal centers (NeurIPS 2021, arXiv 2109.14449)."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.centers.max_hd import max_hd_centers
from bench.config import Config, setting
from bench.errors import ConfigError
from bench.losses import angular_margin_softmax, margin_softmax, quantization
from bench.plugins import PluginInfo
from bench.plugins.method import Method, Task
from bench.randomness import stream

INFO = PluginInfo(
    name="orthohash",
    summary="Fixed random centers, margin softmax over cosines, batch norm in its own head",
    citation="Hoe et al., One Loss for All: Deep Hashing with a Single Cosine Similarity based Learning Objective, "
    "NeurIPS 2021, arXiv 2109.14449",
    licence="MIT (this implementation)",
    homepage="https://arxiv.org/abs/2109.14449",
    variants={
        "orthohash": ("fair random bits, scale sqrt(K)", {}),
        "orthohash-maxhd": ("centers by rejection, far apart", {"centers": "maxhd"}),
        "orthohash-classes": ("scale sqrt(2) ln(C - 1), which its supplement finds best", {"scale": "classes"}),
        "orthohash-arc": ("margin on the angle", {"margin_on": "angle"}),
        "orthohash-release": ("as released: scale 8, first label only", {"scale": 8.0, "several_labels": "first"}),
    },
)


class OrthoHashConfig(Config):
    """Settings of OrthoHash."""

    centers: Literal["bernoulli", "gaussian", "maxhd"] = setting(
        "bernoulli", "B: fair signs; N: signs of Gaussians; O: MaxHD, by rejection", source="OrthoHash: B"
    )
    margin: float = setting(0.2, "margin m", source="OrthoHash, section 4.3 (CIFAR-10's command: 0.3)", ge=0)
    margin_on: Literal["cosine", "angle"] = setting("cosine", "cos - m, or cos(theta + m)", source="OrthoHash: cosine")
    scale: Literal["bits", "classes"] | float = setting(
        "bits", "scale s: sqrt(K), sqrt(2) ln(C - 1), or a number", source="OrthoHash: sqrt(K) (its release: 8)"
    )
    quantization_weight: float = setting(0.0, "of the quantization loss", source="OrthoHash: none", ge=0)
    several_labels: Literal["shared", "first"] = setting(
        "shared",
        "target of an item of several classes: y / |y|_1, or the first class only",
        source="OrthoHash, label smoothing for multi-label; its release takes the first on COCO",
    )


class OrthoHash(Method):
    """One loss for all."""

    Config: ClassVar[type[Config]] = OrthoHashConfig
    loss_vmaps = True

    @classmethod
    def check_loss(cls, config: OrthoHashConfig, task: Task) -> None:
        """C >= 3 where the scale depends on it; a scale that is a number must be > 0."""
        if config.scale == "classes" and task.num_classes < 3:
            raise ConfigError("orthohash.scale = classes needs at least 3 classes, since ln(C - 1) is 0 for 2.")
        if isinstance(config.scale, float) and config.scale <= 0:
            raise ConfigError(f"orthohash.scale = {config.scale:g} cannot be: it is more than 0.")

    @classmethod
    def paper_training(cls, multi_label: bool) -> dict[str, Any]:
        """Adam lr 1e-4 (backbone a tenth), 100 epochs with one step at 80, batch 256 without the last, batch norm."""
        return {
            "epochs": 100, "batch_size": 256, "drop_last": True, "optimizer": "adam", "lr": 1e-4,
            "betas": (0.9, 0.999), "weight_decay": 5e-4, "backbone_lr_ratio": 0.1, "schedule": "step",
            "step_epochs": 80, "step_factor": 0.1, "clip_norm": None, "head": "linear-bn", "backbone": "alexnet",
            "crop": "random-resized",
        }  # fmt: skip

    def make_centers(self) -> Tensor:
        """(C, K) by the rule `centers`."""
        task, rng = self.task, stream(self.task.seed, "centre-init")
        match self.config.centers:
            case "maxhd":
                return torch.from_numpy(max_hd_centers(task.num_classes, task.bits, rng))
            case "gaussian":
                return torch.from_numpy((rng.standard_normal((task.num_classes, task.bits)) >= 0) * 2 - 1)
            case _:
                return torch.from_numpy(rng.integers(0, 2, (task.num_classes, task.bits)) * 2 - 1)

    @property
    def scale(self) -> float:
        """The scale s of the cosines."""
        match self.config.scale:
            case "bits":
                return math.sqrt(self.task.bits)
            case "classes":
                return math.sqrt(2) * math.log(self.task.num_classes - 1)
            case number:
                return float(number)

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        """Margin softmax over cosines of the head's outputs."""
        rows = self.multi_hot(targets)
        if self.config.several_labels == "first":
            rows = F.one_hot(rows.argmax(dim=1), rows.shape[1]).to(rows.dtype)
        softmax = angular_margin_softmax if self.config.margin_on == "angle" else margin_softmax
        center, quant = softmax(relaxed, self.centers, rows, self.scale, self.config.margin), quantization(relaxed)
        self.log = {"center": center.detach(), "quantization": quant.detach()}
        return center + self.config.quantization_weight * quant

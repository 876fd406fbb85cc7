"""CRH's loss, which the control methods share so that only their centers differ."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from bench.config import Config, setting
from bench.errors import ConfigError
from bench.losses import margin_softmax, quantization
from bench.plugins.method import Method, Task


class MarginConfig(Config):
    """Settings of CRH's loss; None stands for the paper's rule."""

    margin: float = setting(0.2, "margin m on every positive class", source="CRH Eq. 1", ge=0)
    scale: float | None = setting(None, "scale s; None: sqrt(2) ln(C - 1)", source="CRH Eq. 1", gt=0)
    quantization_weight: float | None = setting(
        None,
        "lambda; None: 0.1 single-label, 0 multi-label",
        source="CRH Eq. 4, settings of the re-implementation",
        ge=0,
    )
    cosine_on: Literal["logits", "tanh"] = setting(
        "logits",
        "what the cosine is taken of: v or tanh(v)",
        source="re-implementation; the paper's wording is ambiguous",
    )


class MarginLoss(Method):
    """Centers with CRH's loss toward them."""

    Config: ClassVar[type[Config]] = MarginConfig
    loss_vmaps = True

    @classmethod
    def check_loss(cls, config: Any, task: Task) -> None:
        """C >= 3, where the scale is the paper's."""
        if task.num_classes < 3 and config.scale is None:
            name = cls.INFO.name
            raise ConfigError(
                f"{name} needs at least 3 classes: its scale sqrt(2) ln(C - 1) is 0 for 2; "
                f"set {name}.scale to use it with 2."
            )

    @property
    def scale(self) -> float:
        """The scale s of the cosines."""
        given: float | None = self.config.scale
        return math.sqrt(2) * math.log(self.task.num_classes - 1) if given is None else given

    @property
    def quantization_weight(self) -> float:
        """Lambda of Eq. 4."""
        given: float | None = self.config.quantization_weight
        return (0.0 if self.task.multi_label else 0.1) if given is None else given

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        """Eq. 4: margin softmax over cosines (Eqs. 1-2) plus lambda times quantization (Eq. 3)."""
        v = torch.tanh(relaxed) if self.config.cosine_on == "tanh" else relaxed
        center = margin_softmax(v, self.centers, self.multi_hot(targets), self.scale, self.config.margin)
        quant = quantization(relaxed)
        self.log = {"center": center.detach(), "quantization": quant.detach()}
        return center + self.quantization_weight * quant

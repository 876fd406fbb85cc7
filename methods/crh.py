"""CRH: center-reassigned hashing (AAAI 2026, arXiv 2511.12162).

A codebook of candidate words is sampled once. Training alternates gradient steps toward the current centers
with a discrete step that gives each class the candidate nearest to the codes its samples now have.
Sources: the equations through the clean-room re-implementation of the paper and the authors' article; the
official release was not available, so its exact centers cannot be reproduced.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from bench.centers.assignment import assign_greedy, assign_hungarian, assignment_cost, class_code_sums, random_orders
from bench.centers.codebook import compose, head_dim, sample_codebook
from bench.config import Config, setting
from bench.errors import ConfigError, TrainingError
from bench.losses import margin_softmax, quantization
from bench.plugins import PluginInfo
from bench.plugins.method import Method, Task
from bench.randomness import stream

INFO = PluginInfo(
    name="crh",
    summary="Centers re-assigned from a codebook while training, several heads",
    citation="Yin et al., Codebook-Centric Deep Hashing, AAAI 2026, arXiv 2511.12162",
    licence="MIT (this implementation)",
    homepage="https://arxiv.org/abs/2511.12162",
    variants={
        "crh": ("the method of the paper: heads by the rule, greedy reassignment", {}),
        "crh-m": ("one head of all bits", {"heads": 1}),
        "crh-u": ("centers never reassigned (one head)", {"heads": 1, "reassignment": "never"}),
        "crh-hungarian": ("reassignment of least total cost instead of greedy", {"reassignment": "hungarian"}),
    },
)


class CRHConfig(Config):
    """Settings of CRH; None stands for the paper's rule."""

    codebook_size: int | None = setting(None, "candidates per head M; None: 2 C", source="CRH: M = 2C", ge=2)
    heads: int | None = setting(
        None,
        "heads H; None: K / d, d the smallest divisor of K with 2^d >= M",
        source="CRH; its text says a power of two for d",
        ge=1,
    )
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
    reassignment: Literal["greedy", "hungarian", "never"] = setting(
        "greedy", "how classes get candidates", source="CRH: greedy, in random class order"
    )
    warmup_epochs: int = setting(
        20, "reassign after each of the first epochs ...", source="CRH: e < 20 or (e+1) % 5 == 0", ge=0
    )
    period: int = setting(5, "... and after every so many later", source="CRH: e < 20 or (e+1) % 5 == 0", ge=1)
    best_of: int = setting(
        1, "codebooks drawn; the one whose first centers are farthest apart is kept",
        source="1: plain uniform sampling; the release's 'best of 1000' is not described", ge=1,
    )  # fmt: skip


class CRH(Method):
    """Center-reassigned hashing. `codebook` is (H, M, d), `assignment` (H, C)."""

    Config: ClassVar[type[Config]] = CRHConfig

    @classmethod
    def check(cls, config: CRHConfig, task: Task) -> None:
        """M >= C, K divisible by H, M <= 2^d, C >= 3."""
        if task.num_classes < 3 and config.scale is None:
            raise ConfigError(
                "crh needs at least 3 classes: its scale sqrt(2) ln(C - 1) is 0 for 2; set crh.scale to use it with 2."
            )
        size = _codebook_size(config, task)
        if size < task.num_classes:
            raise ConfigError(
                f"crh.codebook_size = {size} is less than the {task.num_classes} classes, which need a candidate each: "
                f"use at least {task.num_classes}."
            )
        if config.heads is not None and task.bits % config.heads:
            raise ConfigError(f"crh.heads = {config.heads} does not divide {task.bits} bits: choose a divisor.")
        dim = head_dim(task.bits, size) if config.heads is None else task.bits // config.heads
        if size > 2**dim:
            raise ConfigError(
                f"crh: {size} candidates do not fit into {dim} bits per head ({2**dim} words): "
                "use fewer heads or candidates."
            )

    @classmethod
    def paper_training(cls, multi_label: bool) -> dict[str, Any]:
        """Settings of 1.5: Adam (0.5, 0.999), lr 1e-4, cosine to 1e-7, batch 128, clip 1.0."""
        return {
            "epochs": 30 if multi_label else 300, "batch_size": 128, "optimizer": "adam", "lr": 1e-4,
            "betas": (0.5, 0.999), "weight_decay": 1e-5, "schedule": "cosine", "min_lr": 1e-7, "clip_norm": 1.0,
            "head": "linear", "backbone": "resnet34",
        }  # fmt: skip

    def make_centers(self) -> Tensor:
        """Codebook and initial assignment: C of M candidates at random, per head."""
        config, task = self.config, self.task
        size = _codebook_size(config, task)
        dim = head_dim(task.bits, size) if config.heads is None else task.bits // config.heads
        heads = task.bits // dim
        draws = [_draw(task, heads, size, dim, trial) for trial in range(config.best_of)]
        self.codebook, self.assignment = max(draws, key=_separation) if len(draws) > 1 else draws[0]
        self._updates = 0
        default_weight = 0.0 if task.multi_label else 0.1
        self.quantization_weight = default_weight if config.quantization_weight is None else config.quantization_weight
        self.scale = math.sqrt(2) * math.log(task.num_classes - 1) if config.scale is None else config.scale
        return torch.from_numpy(compose(self.codebook, self.assignment))

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        """Eq. 4: margin softmax over cosines (Eqs. 1-2) plus lambda times quantization (Eq. 3)."""
        v = torch.tanh(relaxed) if self.config.cosine_on == "tanh" else relaxed
        center = margin_softmax(v, self.centers, self.multi_hot(targets), self.scale, self.config.margin)
        quant = quantization(relaxed)
        self.log = {"center": center.detach(), "quantization": quant.detach()}
        return center + self.quantization_weight * quant

    def reads_codes(self, epoch: int) -> bool:
        """After each of the first 20 epochs and every fifth later: 76 updates in 300 epochs, 22 in 30."""
        config = self.config
        return config.reassignment != "never" and (epoch < config.warmup_epochs or (epoch + 1) % config.period == 0)

    def after_epoch(self, epoch: int, codes: Tensor, targets: Tensor) -> None:
        """Reassign every head (Eqs. 5-8) from the codes seen during the epoch."""
        sums, weights = class_code_sums(codes, targets, self.task.num_classes)
        if (weights == 0).any():
            empty = np.flatnonzero(weights == 0)
            raise TrainingError(
                f"crh: class {empty[0]} ({len(empty)} in all) has no training item to choose a center by."
            )
        if self.config.reassignment == "hungarian":
            self.assignment = assign_hungarian(assignment_cost(sums, weights, self.codebook))
        else:
            rngs = [stream(self.task.seed, "greedy-order", epoch, h) for h in range(len(self.codebook))]
            self.assignment = assign_greedy(sums, self.codebook, random_orders(rngs, self.task.num_classes))
        self.centers = torch.from_numpy(compose(self.codebook, self.assignment))


def _codebook_size(config: CRHConfig, task: Task) -> int:
    return 2 * task.num_classes if config.codebook_size is None else config.codebook_size


def _draw(task: Task, heads: int, size: int, dim: int, trial: int) -> tuple[Any, Any]:
    key = (trial,) if trial else ()  # the first draw does not depend on how many follow
    codebook = sample_codebook(stream(task.seed, "codebook", *key), heads, size, dim)
    chooser = stream(task.seed, "initial-assignment", *key)
    return codebook, np.stack([chooser.permutation(size)[: task.num_classes] for _ in range(heads)])


def _separation(draw: tuple[Any, Any]) -> tuple[float, float]:
    """Least, then mean, pairwise distance of the initial centers."""
    centers = compose(*draw).astype(np.float32)
    products = (centers @ centers.T)[np.triu_indices(len(centers), 1)]
    return -float(products.max()), -float(products.mean())

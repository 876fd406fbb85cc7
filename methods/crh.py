"""CRH: center-reassigned hashing (AAAI 2026, arXiv 2511.12162).

A codebook of candidate words is sampled once. Training alternates gradient steps toward the current centers
with a discrete step that gives each class the candidate nearest to the codes its samples now have.
Sources: the equations through the clean-room re-implementation of the paper and the authors' article; the
official release was not available, so its exact centers cannot be reproduced.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from bench.centers.assignment import assign_greedy, assign_hungarian, class_code_sums, random_orders
from bench.centers.codebook import compose
from bench.config import Config, setting
from bench.errors import TrainingError
from bench.plugins import PluginInfo
from bench.plugins.method import Task
from bench.randomness import stream

from ._codebook import CodebookConfig, check_codebook, codebook_facts, draw_codebook
from ._margin_loss import MarginLoss

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
        "crh-pass": ("reassignment by the codes of a pass after the epoch", {"codes": "pass"}),
        "crh-seed": ("robustness: only the greedy class orders follow the seed", {"varies": "order"}),
        "crh-init": ("robustness: only codebook and first assignment follow the seed", {"varies": "init"}),
        "crh-init-h": ("crh-init with Hungarian reassignment", {"varies": "init", "reassignment": "hungarian"}),
    },
)


class CRHConfig(CodebookConfig):
    """Settings of CRH; None stands for the paper's rule."""

    reassignment: Literal["greedy", "hungarian", "never"] = setting(
        "greedy", "how classes get candidates", source="CRH: greedy, in random class order"
    )
    warmup_epochs: int = setting(
        20, "reassign after each of the first epochs ...", source="CRH: e < 20 or (e+1) % 5 == 0", ge=0
    )
    period: int = setting(5, "... and after every so many later", source="CRH: e < 20 or (e+1) % 5 == 0", ge=1)
    codes: Literal["epoch", "pass"] = setting(
        "epoch",
        "codes to reassign by: those seen in the epoch, or of a pass in evaluation mode after it",
        source="re-implementation: those seen, which cost nothing",
    )
    varies: Literal["all", "order", "init"] = setting(
        "all",
        "what follows the seed, while all else keeps seed 0: class orders, or codebook and first assignment",
        source="all; the others are the arms Seed and Init of CRH Table 3",
    )


class CRH(MarginLoss):
    """Center-reassigned hashing. `codebook` is (H, M, d), `assignment` (H, C)."""

    Config: ClassVar[type[Config]] = CRHConfig

    @classmethod
    def check(cls, config: CRHConfig, task: Task) -> None:
        """M >= C, K divisible by H, M <= 2^d."""
        check_codebook(cls.INFO.name, config, task)

    @classmethod
    def paper_training(cls, multi_label: bool) -> dict[str, Any]:
        """Adam (0.5, 0.999), lr 1e-4, cosine to 1e-7, batch 128, clip 1.0."""
        return {
            "epochs": 30 if multi_label else 300, "batch_size": 128, "optimizer": "adam", "lr": 1e-4,
            "betas": (0.5, 0.999), "weight_decay": 1e-5, "schedule": "cosine", "min_lr": 1e-7, "clip_norm": 1.0,
            "head": "linear", "backbone": "resnet34",
        }  # fmt: skip

    def make_centers(self) -> Tensor:
        """Codebook and initial assignment: C of M candidates at random, per head."""
        self.codebook, self.assignment = draw_codebook(self.config, self.task, self._seed("init"))
        self.facts = codebook_facts(self.codebook)
        return torch.from_numpy(compose(self.codebook, self.assignment))

    @property
    def training_seed(self) -> int:
        """0 in the robustness arms, which hold the network's randomness."""
        return self._seed("network")

    @property
    def codes_from(self) -> Literal["epoch", "pass"]:  # type: ignore[override]
        """As `codes` says."""
        chosen: Literal["epoch", "pass"] = self.config.codes
        return chosen

    def reads_codes(self, epoch: int) -> bool:
        """After each of the first 20 epochs and every fifth later: 76 updates in 300 epochs, 22 in 30."""
        config = self.config
        return config.reassignment != "never" and (epoch < config.warmup_epochs or (epoch + 1) % config.period == 0)

    def after_epoch(self, epoch: int, codes: Tensor, targets: Tensor) -> None:
        """Reassign every head (Eqs. 5-8) from the epoch's codes."""
        sums, weights = class_code_sums(codes, targets, self.task.num_classes)
        if (weights == 0).any():
            empty = np.flatnonzero(weights == 0)
            raise TrainingError(
                f"crh: class {empty[0]} ({len(empty)} in all) has no training item to choose a center by."
            )
        if self.config.reassignment == "hungarian":
            self.assignment = assign_hungarian(sums, weights, self.codebook)
        else:
            seed = self._seed("order")
            rngs = [stream(seed, "greedy-order", epoch, h) for h in range(len(self.codebook))]
            self.assignment = assign_greedy(sums, self.codebook, random_orders(rngs, self.task.num_classes))
        self.centers = torch.from_numpy(compose(self.codebook, self.assignment))

    def get_extra_state(self) -> dict[str, Any]:
        """The last assignment, where centers are its own."""
        return {"assignment": getattr(self, "assignment", None)}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """As saved."""
        if state["assignment"] is not None:
            self.assignment = state["assignment"]

    def _seed(self, of: str) -> int:
        """The task's seed for what `varies`, 0 for what is held."""
        return self.task.seed if self.config.varies in ("all", of) else 0

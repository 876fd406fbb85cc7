"""SHC: semantic hash centers in three stages (ACM TOIS 2025, arXiv 2507.08404).

A classifier's confusions give a class similarity; well-separated centers are changed until their similarity follows it
while their least distance is kept; then a network is trained toward them with CSQ's loss.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from bench.centers.bounds import target_distance
from bench.centers.hadamard_rows import hadamard_rows
from bench.centers.mds_centers import mds_centers
from bench.centers.mds_search import search
from bench.centers.semantic import semantic_centers
from bench.centers.separation import separation
from bench.config import Config, setting
from bench.errors import BenchWarning, ConfigError
from bench.plugins import PluginInfo
from bench.plugins.method import Task
from bench.randomness import stream

from ._bitwise_loss import BitwiseConfig, BitwiseLoss

INFO = PluginInfo(
    name="shc",
    summary="Semantic centers from a classifier's confusions, then bitwise cross-entropy",
    citation="Chen et al., Deep Hashing with Semantic Hash Centers for Image Retrieval, ACM TOIS 2025, "
    "arXiv 2507.08404",
    licence="MIT (this implementation)",
    homepage="https://arxiv.org/abs/2507.08404",
    variants={
        "shc": ("as in the paper", {}),
        "shc-code": ("as released", {"form": "code", "several_labels": "first"}),
        "shc-search": ("as released, with the eta of least similarity error", {"form": "code", "eta": "search"}),
        "shc-hierarchy": ("similarity from the dataset's class tree", {"similarity": "hierarchy"}),
        "shc-backbone": ("similarity of class means of the backbone's features", {"similarity": "backbone"}),
        "shc-clip": ("similarity of class means of CLIP's image embeddings", {"similarity": "clip"}),
    },
)


_ETAS = (2.0, 1.0, 0.5, 0.3, 0.2, 0.1, 0.05)
_LOCKED = 0.002  # share of accepted changes below which a user must know


class SHCConfig(BitwiseConfig):
    """Settings of SHC."""

    quantization_weight: float = setting(1e-4, "lambda", source="SHC, released code", ge=0)
    form: Literal["paper", "code"] = setting(
        "paper", "similarity and second stage as in the paper, or as released", source="SHC, Eqs. 8-40"
    )
    similarity: str = setting(
        "classifier", "class similarity: classifier, or a reference of bench pcc", source="SHC: a classifier's"
    )
    start: Literal["separated", "admm"] = setting(
        "separated", "centers that the second stage starts from", source="SHC: MDS; see mds.solver"
    )
    target: int | None = setting(None, "least distance of centers; None: as MDS", source="SHC, Eq. 6", ge=0)
    cycles: int | None = setting(None, "of the second stage; None: 20 (paper), 30 (code)", source="SHC", ge=1)
    eta: float | Literal["search"] = setting(
        0.5, "a bit flips where its gradient exceeds eta; search: that of least similarity error, of seven",
        source="SHC's release, whose authors say to tune it by dataset",
    )  # fmt: skip
    mu: float = setting(0.625, "weight of the separation of all pairs", source="SHC, implementation details", ge=0)


class SHC(BitwiseLoss):
    """Semantic hash centers."""

    Config: ClassVar[type[Config]] = SHCConfig

    @classmethod
    def check(cls, config: SHCConfig, task: Task) -> None:
        """Eta > 0."""
        if config.eta != "search" and config.eta <= 0:
            raise ConfigError(f"shc.eta = {config.eta:g} cannot be: it is more than 0, or search.")

    @classmethod
    def paper_training(cls, multi_label: bool) -> dict[str, Any]:
        """RMSprop lr 1e-4 (7e-5 on CIFAR-100), cosine to 1e-7, batch 64, 300 epochs."""
        return {
            "epochs": 300, "batch_size": 64, "optimizer": "rmsprop", "lr": 1e-4, "weight_decay": 1e-5,
            "schedule": "cosine", "min_lr": 1e-7, "clip_norm": None, "head": "linear", "backbone": "resnet34",
        }  # fmt: skip

    @classmethod
    def similarity_source(cls, config: SHCConfig) -> str | None:
        """A classifier's confusions in the form's own way, unless another is named."""
        return f"classifier-{config.form}" if config.similarity == "classifier" else config.similarity

    def make_centers(self) -> Tensor:
        """The second stage, from separated centers and `task.similarity`."""
        if self.task.similarity is None:
            raise ConfigError(
                f"shc needs a class similarity ({self.config.similarity}): give similarity=, a (C, C) array, or run it "
                "with bench run, which makes it."
            )
        start, target = self._start()
        config = self.config
        etas = _ETAS if config.eta == "search" else (config.eta,)
        tried = [
            semantic_centers(
                start, self.task.similarity, target, form=config.form, cycles=config.cycles, eta=eta, mu=config.mu
            )
            for eta in etas
        ]
        best = min(range(len(tried)), key=lambda i: tried[i].error)
        found = tried[best]
        self.facts = {
            "target_distance": target, "eta": etas[best], "error": found.error, "start_error": found.start_error,
            "proposals": found.proposals, "accepted": found.accepted, "unchanged": found.unchanged,
            "best_cycle": found.best_cycle,
        }  # fmt: skip
        if found.accepted < _LOCKED * found.proposals:
            warnings.warn(
                f"shc: at {self.task.bits} bits {found.accepted} of {found.proposals} center changes were accepted; "
                f"they are nearly those it began with; another shc.eta than {etas[best]:g} may move them.",
                BenchWarning,
                stacklevel=2,
            )
        return torch.from_numpy(found.centers)

    def _start(self) -> tuple[Any, int]:
        """Separated centers and their target distance; a target they miss is lowered, or nothing would be accepted."""
        task, rng = self.task, stream(self.task.seed, "centre-init")
        target = target_distance(task.bits, task.num_classes) if self.config.target is None else self.config.target
        if self.config.start == "admm":
            rows, _ = hadamard_rows(task.num_classes, task.bits, rng, tries=5, never_accept=True)
            start = search(rows, target, rng).centers
        else:
            start = mds_centers(task.num_classes, task.bits, target, rng)
        least = separation(start).least
        if least < target:
            warnings.warn(
                f"shc: the separated centers of {task.num_classes} classes at {task.bits} bits reach distance {least}; "
                f"it is kept instead of the target {target}.",
                BenchWarning,
                stacklevel=2,
            )
        return start, min(least, target)

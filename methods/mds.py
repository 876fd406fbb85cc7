"""MDS: minimal-distance-separated hash centers (CVPR 2023).

Centers are searched for that keep a target distance from the Gilbert-Varshamov inequality; training adds a pair loss
over a bank of codes from a slow copy of the network. Centers ignore semantics and go to classes at random.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.centers.bounds import target_distance
from bench.centers.hadamard_rows import hadamard_rows
from bench.centers.mds_centers import mds_centers
from bench.centers.mds_search import search
from bench.centers.separation import separation
from bench.config import Config, setting
from bench.errors import BenchWarning
from bench.losses import bank_pair_loss, class_pair_loss, class_rows, quantization, softmax_bce
from bench.plugins import PluginInfo
from bench.plugins.method import Method
from bench.randomness import stream, torch_stream

_FEW = 4  # the largest class has at most one of so many items: then its rows alone are compared

INFO = PluginInfo(
    name="mds",
    summary="Fixed centers at a target distance, softmax loss, pair loss over a momentum bank",
    citation="Wang et al., Deep Hashing with Minimal-Distance-Separated Hash Centers, CVPR 2023",
    licence="MIT (this implementation)",
    version=3,  # 3: norms of the gathered pairs alone, which rounds otherwise; 2: pairs are gathered by class
    homepage="https://github.com/Wangld5/Center-Hashing",
    variants={
        "mds": ("centers by this project's solver", {}),
        "mds-admm": ("centers by the released search, which discards converged solutions", {"solver": "admm"}),
        "mds-admm-fixed": ("the released search, converged solutions kept", {"solver": "admm-fixed"}),
    },
)


class MDSConfig(Config):
    """Settings of MDS."""

    solver: Literal["separated", "admm", "admm-fixed"] = setting(
        "separated",
        "how centers are found: by this project's solver, or by the released lp-box ADMM search as it is, or mended",
        source="project: the same target distance and no smaller mean one, in seconds instead of minutes to hours",
    )
    target: int | None = setting(
        None, "least distance of centers; None: smallest t with C V(K, t - 1) >= 2^K", source="MDS, released code", ge=0
    )
    shuffle: bool = setting(True, "whether centers go to classes at random", source="MDS, released code")
    pair_weight: float = setting(1.0, "beta of the pair loss", source="MDS, released code", ge=0)
    pair_from: int = setting(
        9, "zero-based epoch from which on the pair loss counts", source="MDS, released code: the tenth epoch", ge=1
    )
    momentum: float = setting(0.9, "share of its weights the slow copy keeps", source="MDS, released code", ge=0, lt=1)
    quantization_weight: float = setting(1e-4, "lambda", source="MDS, released code", ge=0)


class MDS(Method):
    """Minimal-distance-separated centers. `bank` is (N, K), the slow copy's codes of all training items."""

    Config: ClassVar[type[Config]] = MDSConfig
    loss_vmaps = True
    bank: Tensor  # buffers, from before_training on
    bank_targets: Tensor
    class_rows: Tensor
    class_valid: Tensor

    @classmethod
    def paper_training(cls, multi_label: bool) -> dict[str, Any]:
        """RMSprop lr 1e-5, batch 64, clip 5; 300 epochs, since the release's 1,000 are ended by the test set."""
        return {
            "epochs": 300, "batch_size": 64, "optimizer": "rmsprop", "lr": 1e-5, "weight_decay": 1e-5,
            "schedule": "constant", "clip_norm": 5.0, "head": "linear-bn", "backbone": "resnet50",
        }  # fmt: skip

    def make_centers(self) -> Tensor:
        """Search, then shuffle: row c belongs to class c."""
        task = self.task
        target = target_distance(task.bits, task.num_classes) if self.config.target is None else self.config.target
        centers = self._search(target)
        if self.config.shuffle:
            centers = centers[stream(task.seed, "class-shuffle").permutation(len(centers))]
        least = separation(centers).least
        self.facts |= {"target_distance": target, "reached_distance": least}
        if least < target:
            warnings.warn(
                f"mds: the centers of {task.num_classes} classes at {task.bits} bits reach distance {least}, not the "
                f"target {target}.",
                BenchWarning,
                stacklevel=2,
            )
        return torch.from_numpy(centers)

    def _search(self, target: int) -> NDArray[np.int8]:
        task, solver = self.task, self.config.solver
        rng = stream(task.seed, "centre-init")
        if solver == "separated":
            return mds_centers(task.num_classes, task.bits, target, rng)
        start, _ = hadamard_rows(task.num_classes, task.bits, rng, tries=5, never_accept=True)
        found = search(start, target, rng, score_on_convergence=solver == "admm-fixed")
        self.facts = {"sweeps": found.sweeps, "changed_rows": found.changed_rows, "discarded": found.discarded}
        return found.centers

    @property
    def momentum(self) -> float | None:  # type: ignore[override]
        """None where no pair loss needs the slow copy."""
        share: float = self.config.momentum
        return share if self.config.pair_weight else None

    def before_training(self, targets: Tensor) -> None:
        """An empty bank, and the labels of its rows."""
        g = torch_stream(self.task.seed, "bank")
        bank = torch.randn(len(targets), self.task.bits, generator=g).to(self.centers)
        self.register_buffer("bank", bank)
        self.register_buffer("bank_targets", targets, persistent=False)
        self._by_class = False
        if targets.ndim == 1:
            rows, valid = class_rows(targets, self.task.num_classes)
            self._by_class = rows.shape[1] * _FEW <= len(targets)
            self.register_buffer("class_rows", rows, persistent=False)
            self.register_buffer("class_valid", valid, persistent=False)

    def before_epoch(self, epoch: int) -> None:
        """The pair loss counts from `pair_from` on."""
        self._pairs_count = epoch >= self.config.pair_from

    def reads_slow_outputs(self, epoch: int) -> bool:
        """One epoch ahead of the pair loss, which fills the bank: rows written earlier are written again before use."""
        return epoch >= self.config.pair_from - 1

    def before_loss(self, places: Tensor, slow: Tensor) -> None:
        """Write the batch's rows of the bank."""
        self.bank[places] = torch.tanh(slow)

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        """L_C + beta L_P + lambda L_Q; L_P from the tenth epoch of a training with a bank."""
        center = softmax_bce(relaxed, self.centers, self.multi_hot(targets))
        quant = quantization(relaxed)
        self.log = {"center": center.detach(), "quantization": quant.detach()}
        total = center + self.config.quantization_weight * quant
        if self.config.pair_weight and getattr(self, "_pairs_count", False):
            pair = self._pair_loss(torch.tanh(relaxed), targets)
            self.log["pair"] = pair.detach()
            total = total + self.config.pair_weight * pair
        return total

    def _pair_loss(self, u: Tensor, targets: Tensor) -> Tensor:
        if self._by_class:
            return class_pair_loss(u, targets, self.bank, self.class_rows, self.class_valid)
        return bank_pair_loss(u, targets, self.bank, self.bank_targets)

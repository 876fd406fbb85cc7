"""The contract of a method: hash centers, a loss toward them, and what it does after an epoch.

A method knows nothing of datasets, devices, files or progress bars. It is an `nn.Module`, so its centers and
other state move between devices and are saved with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.config import Config
from bench.errors import ConfigError
from bench.plugins.info import PluginInfo


@dataclass(frozen=True)
class Task:
    """What a method is built for.

    Attributes:
        num_classes: C >= 2.
        bits: code length K >= 1.
        seed: root seed; a method draws from `bench.randomness.stream(seed, "its own name for the stream")`.
        multi_label: whether an item can have several classes.
        similarity: (C, C) float64 class similarity, for a method that asks for one with `similarity_source`.
    """

    num_classes: int
    bits: int
    seed: int = 0
    multi_label: bool = False
    similarity: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.bits < 1:
            raise ConfigError(f"bits = {self.bits} cannot be: a code has at least 1 bit.")
        if self.num_classes < 2:
            raise ConfigError(f"num_classes = {self.num_classes} cannot be: hashing by class needs at least 2 classes.")
        if self.seed < 0:
            raise ConfigError(f"seed = {self.seed} cannot be: seeds are 0 or more.")
        if self.similarity is not None and self.similarity.shape != (self.num_classes, self.num_classes):
            raise ConfigError(
                f"a class similarity of shape {self.similarity.shape} does not fit {self.num_classes} classes: "
                f"expected ({self.num_classes}, {self.num_classes})."
            )


class Method(nn.Module, ABC):
    """A hash-center method. Subclasses set `Config` and give `make_centers` and `loss`.

    Life: built once for a `Task`; `before_training` with the training targets; in each epoch `before_epoch`, then
    `loss` for each batch; after each epoch for which `reads_codes` is true, `after_epoch` with that epoch's codes.
    The centers are those in force now. A loss reads no more of the centers than `self.centers`, so that
    `crh+csq-loss` can train one method's centers with another's loss.

    State: training is saved between two epochs and goes on in another process, where the method is built anew, hears
    `before_training`, and is given its saved state. What changes while it trains is therefore in its state dict: a
    buffer or parameter that is there after `before_training` (register buffers that no state is needed of with
    persistent=False), or, for all that is no tensor, in what torch's own `get_extra_state` and `set_extra_state` give
    and take (arrays, numbers, texts, None, lists, tuples, dicts). `bench check` tries it, as the check `resume`. What
    `before_epoch` sets need not be kept, nor what one batch leaves for the next as long as no epoch ends between.

    Attributes:
        log: parts of the last loss by name, detached; the trainer averages and stores them.
        facts: what is worth knowing of how the centers were made, stored with the result (JSON).
        codes_from: whether `after_epoch` gets the codes seen during the "epoch", or those of a "pass" of the network
            in evaluation mode over all training items after it.
        momentum: share of its own weights that a slow copy of the network keeps at each step (MDS); None: no copy.
        loss_vmaps: whether `loss` reads nothing of the method that differs by seed but its buffers, and changes nothing
            but `log`. Losses of several seeds may then be computed by one call of `torch.func.vmap`, where the method
            reads no slow outputs; worth it for losses of many small operations.
    """

    INFO: ClassVar[PluginInfo]
    Config: ClassVar[type[Config]] = Config
    codes_from: Literal["epoch", "pass"] = "epoch"
    momentum: float | None = None
    loss_vmaps: bool = False

    def __init__(self, config: Any, task: Task, centers: Tensor | None = None) -> None:
        super().__init__()
        self.config: Any = config
        self.task = task
        self.log: dict[str, Tensor] = {}
        self.facts: dict[str, Any] = {}
        self.register_buffer("_centers", torch.empty(task.num_classes, task.bits))
        self._centers: Tensor
        self.centers = self.make_centers() if centers is None else centers

    @classmethod
    def build(cls, task: Task, variant: str | None = None, **settings: Any) -> Self:
        """The method from plain settings, over those of a named variant."""
        return cls.create(cls.resolve(variant or cls.INFO.name, settings), task)

    @classmethod
    def create(cls, config: Any, task: Task) -> Self:
        """The method, once it has not refused the task."""
        cls.check(config, task)
        cls.check_loss(config, task)
        return cls(config, task)

    @classmethod
    def resolve(cls, variant: str, settings: dict[str, Any]) -> Any:
        """Validated config of a variant with `settings` over the variant's own."""
        _, own = cls.INFO.variants.get(variant, ("", {}))
        return cls.Config.build(variant, {**own, **settings})

    @classmethod
    def check(cls, config: Any, task: Task) -> None:
        """Refuse, with a ConfigError, a task its centers cannot be made for. Cheap: a plan asks it for every cell."""

    @classmethod
    def check_loss(cls, config: Any, task: Task) -> None:
        """Refuse, with a ConfigError, a task its loss is not defined for, whosever centers it is given."""

    @classmethod
    def paper_training(cls, multi_label: bool) -> dict[str, Any]:
        """The paper's own training settings (fields of `TrainConfig`), used by `--settings paper`."""
        return {}

    @classmethod
    def similarity_source(cls, config: Any) -> str | None:
        """The class similarity it wants in `task.similarity`: a reference (`bench pcc`), or "classifier-paper" or
        "classifier-code" for SHC's first stage, a classifier trained like the network; None for none.
        """
        return None

    @property
    def outputs(self) -> int:
        """Width of the network's output: K, unless codes are not its signs."""
        return self.task.bits

    @property
    def training_seed(self) -> int:
        """Root seed of the network, loader and augmentation."""
        return self.task.seed

    @abstractmethod
    def make_centers(self) -> Tensor:
        """Centers before training: (C, K) in {-1, +1}; row c belongs to class c of the dataset."""

    @abstractmethod
    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        """Scalar loss of relaxed codes.

        Args:
            relaxed: network outputs v, before any tanh: (B, K) float.
            targets: class indices (B,) long, or multi-hot rows (B, C).
        """

    def before_training(self, targets: Tensor) -> None:
        """Hear of all training targets, in the order that `places` count in: (N,) long or (N, C) multi-hot."""

    def before_epoch(self, epoch: int) -> None:
        """Hear of the zero-based epoch that begins."""

    def reads_slow_outputs(self, epoch: int) -> bool:
        """Whether `before_loss` wants what the slow copy of the network makes of each batch of this epoch."""
        return False

    def before_loss(self, places: Tensor, slow: Tensor) -> None:
        """Hear what the slow copy makes of a batch, before its loss.

        Args:
            places: (B,) which training items the batch holds.
            slow: (B, K) outputs of the slow copy, without gradient.
        """

    def reads_codes(self, epoch: int) -> bool:
        """Whether `after_epoch` wants this (zero-based) epoch's codes."""
        return False

    def after_epoch(self, epoch: int, codes: Tensor, targets: Tensor) -> None:
        """Act on an epoch's codes.

        Args:
            epoch: zero-based.
            codes: (N, K) in {-1, +1}, see `codes_from`.
            targets: class indices (N,) long, or multi-hot rows (N, C).
        """

    def codes(self, outputs: Tensor) -> Tensor:
        """Codes (n, K) int8 in {-1, +1} of network outputs (n, `outputs`): their signs, unless overridden."""
        return signs(outputs)

    @property
    def centers(self) -> Tensor:
        """Centers in force: (C, K) float in {-1, +1}."""
        return self._centers

    @centers.setter
    def centers(self, value: Tensor) -> None:
        expected = (self.task.num_classes, self.task.bits)
        if tuple(value.shape) != expected:
            raise ConfigError(
                f"centers of shape {tuple(value.shape)} do not fit: expected {expected} (classes x bits)."
            )
        if not bool((value.abs() == 1).all()):
            raise ConfigError("centers must be -1 or +1 everywhere.")
        self._centers = value.detach().to(self._centers, copy=True)

    def multi_hot(self, targets: Tensor) -> Tensor:
        """Targets as float rows (B, C), whatever form they came in."""
        if targets.ndim == 1:
            return nn.functional.one_hot(targets, self.task.num_classes).to(torch.float32)
        return targets.to(torch.float32)


def signs(relaxed: Tensor) -> Tensor:
    """int8 in {-1, +1}, with sgn(0) = +1."""
    return (relaxed >= 0).to(torch.int8) * 2 - 1

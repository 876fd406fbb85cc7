"""The contract of a method: hash centers, a loss toward them, and what it does after an epoch.

A method knows nothing of datasets, devices, files or progress bars. It is an `nn.Module`, so its centers and
other state move between devices and are saved with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
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
    """

    num_classes: int
    bits: int
    seed: int = 0
    multi_label: bool = False

    def __post_init__(self) -> None:
        if self.bits < 1:
            raise ConfigError(f"bits = {self.bits} cannot be: a code has at least 1 bit.")
        if self.num_classes < 2:
            raise ConfigError(f"num_classes = {self.num_classes} cannot be: hashing by class needs at least 2 classes.")
        if self.seed < 0:
            raise ConfigError(f"seed = {self.seed} cannot be: seeds are 0 or more.")


class Method(nn.Module, ABC):
    """A hash-center method. Subclasses set `Config` and give `make_centers` and `loss`.

    Life: built once for a `Task`; `loss` for each batch; after each epoch for which `reads_codes` is true,
    `after_epoch` with that epoch's codes. The centers are those in force now.

    Attributes:
        log: parts of the last loss by name, detached; the trainer averages and stores them.
    """

    INFO: ClassVar[PluginInfo]
    Config: ClassVar[type[Config]] = Config

    def __init__(self, config: Any, task: Task) -> None:
        super().__init__()
        self.check(config, task)
        self.config: Any = config
        self.task = task
        self.log: dict[str, Tensor] = {}
        centers = self.make_centers()
        self.register_buffer("_centers", torch.empty(task.num_classes, task.bits))
        self._centers: Tensor
        self.centers = centers

    @classmethod
    def build(cls, task: Task, variant: str | None = None, **settings: Any) -> Self:
        """The method from plain settings, over those of a named variant."""
        return cls(cls.resolve(variant or cls.INFO.name, settings), task)

    @classmethod
    def resolve(cls, variant: str, settings: dict[str, Any]) -> Any:
        """Validated config of a variant with `settings` over the variant's own."""
        _, own = cls.INFO.variants.get(variant, ("", {}))
        return cls.Config.build(variant, {**own, **settings})

    @classmethod
    def check(cls, config: Any, task: Task) -> None:
        """Refuse, with a ConfigError, a task that the method cannot do. Cheap: a plan asks it for every cell."""

    @classmethod
    def paper_training(cls, multi_label: bool) -> dict[str, Any]:
        """The paper's own training settings (fields of `TrainConfig`), used by `--settings paper`."""
        return {}

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

    def reads_codes(self, epoch: int) -> bool:
        """Whether `after_epoch` wants this (zero-based) epoch's codes."""
        return False

    def after_epoch(self, epoch: int, codes: Tensor, targets: Tensor) -> None:
        """Act on an epoch's codes.

        Args:
            epoch: zero-based.
            codes: signs of the relaxed codes seen in the epoch: (N, K) in {-1, +1}.
            targets: class indices (N,) long, or multi-hot rows (N, C).
        """

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
        self._centers = value.detach().to(self._centers)

    def multi_hot(self, targets: Tensor) -> Tensor:
        """Targets as float rows (B, C), whatever form they came in."""
        if targets.ndim == 1:
            return nn.functional.one_hot(targets, self.task.num_classes).to(torch.float32)
        return targets.to(torch.float32)

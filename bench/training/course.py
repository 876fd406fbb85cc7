"""The life of a method in a training: what is called on it, and what it leaves. The same for one network or many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import NotFiniteError
from bench.plugins.method import Method
from bench.training.regimes import TrainConfig, lr_at


@dataclass
class Trained:
    """What training leaves beside the network.

    Attributes:
        centers_used: (C, K) int8, those the last gradient step was taken toward.
        centers_final: (C, K) int8, after the last reassignment; differ from `centers_used` in CRH.
        history: per epoch: loss, its parts as the method logs them, learning rate, classes whose center changed.
        centers_path: (C, K) int8 each, at the start, then after each epoch that has changed any of them.
    """

    centers_used: NDArray[np.int8]
    centers_final: NDArray[np.int8]
    history: list[dict[str, float]] = field(default_factory=list)
    centers_path: list[NDArray[np.int8]] = field(default_factory=list)


class Course:
    """One method's way through the epochs.

    Attributes:
        epoch: zero-based, the one under way or, between two, the next.
        codes: (N, K) int8, the epoch's codes as far as they are known.
        sums: of the loss and its logged parts over the items that the epoch has seen.
        seen: number of those items.
    """

    def __init__(self, method: Method, targets: Tensor, config: TrainConfig) -> None:
        self.method, self.targets, self.config = method, targets, config
        self.epoch = 0
        self.history: list[dict[str, float]] = []
        self.centers_used = method.centers.clone()
        self.codes = torch.empty(0)
        self.sums: dict[str, Tensor] = {}
        self.seen = 0
        method.before_training(targets)
        self.centers_path = [_int8(method.centers)]

    def begin_epoch(self) -> None:
        """Clear what the last epoch left, and tell the method."""
        self.centers_used = self.method.centers.clone()
        size = len(self.targets), self.method.task.bits
        self.codes = torch.empty(size, dtype=torch.int8, device=self.targets.device)
        self.sums, self.seen = {}, 0
        self.method.before_epoch(self.epoch)

    def record(self, places: Tensor, relaxed: Tensor, loss: Tensor) -> None:
        """Keep the codes of some items (B,), and what their loss has logged."""
        self.codes[places] = self.method.codes(relaxed.detach())
        self.seen += len(places)
        for name, value in {"loss": loss.detach(), **self.method.log}.items():
            self.sums[name] = self.sums.get(name, 0) + value * len(places)

    def end_epoch(self, order: NDArray[np.int64], passed: Callable[[], Tensor]) -> float:
        """Let the method act on the epoch's codes, and go on to the next; its mean loss.

        Args:
            order: (N,) items as the epoch took them; the last ones are not seen where a batch was dropped.
            passed: gives the codes (N, K) int8 of all items by the network as it is now, in evaluation mode.

        Raises:
            NotFiniteError: the loss is not finite.
        """
        method, epoch, config = self.method, self.epoch, self.config
        means = {name: float(total) / self.seen for name, total in self.sums.items()}
        if not np.isfinite(means["loss"]):
            raise NotFiniteError(
                f"the loss is {means['loss']} in epoch {epoch + 1} of {config.epochs}: "
                "try a smaller train.lr or train.clip_norm."
            )
        if method.reads_codes(epoch):
            if method.codes_from == "pass":
                method.after_epoch(epoch, passed(), self.targets)
            else:
                places = torch.from_numpy(np.sort(order[: self.seen])).to(self.targets.device)
                method.after_epoch(epoch, self.codes[places], self.targets[places])
        moved = int((method.centers != self.centers_used).any(dim=1).sum())
        if moved:
            self.centers_path.append(_int8(method.centers))
        self.history.append({**means, "lr": lr_at(config, epoch), "centers_moved": moved})
        self.epoch += 1
        return means["loss"]

    def trained(self) -> Trained:
        """What is left when all epochs are done."""
        return Trained(_int8(self.centers_used), _int8(self.method.centers), self.history, self.centers_path)

    def state_dict(self) -> dict[str, Any]:
        """What it needs, beside the method's own state, to go on from the end of an epoch."""
        return {
            "epoch": self.epoch, "history": self.history, "centers_used": self.centers_used,
            "centers_path": self.centers_path,
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be where `state_dict` was called."""
        self.epoch, self.history, self.centers_path = state["epoch"], state["history"], state["centers_path"]
        self.centers_used = state["centers_used"].to(self.centers_used)


def _int8(centers: Tensor) -> NDArray[np.int8]:
    return centers.to("cpu", torch.int8).numpy().copy()

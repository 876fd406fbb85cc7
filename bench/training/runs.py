"""One of several trainings that go on together: its life until its end or its first error, and what it logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bench.plugins.method import Method
from bench.training.course import Course, Trained
from bench.training.device_errors import of_the_process
from bench.training.model import HashModel
from bench.training.regimes import TrainConfig

NONE = torch.empty(0)


@dataclass
class Member:
    """One of the trainings: a network that is one linear head, its method, its training seed."""

    model: HashModel
    method: Method
    seed: int


class Run:
    """A member's way through the training.

    Attributes:
        error: the first that has come, which has ended it.
        reads_codes: whether it can ever ask for an epoch's codes.
        signs_only: whether those are the signs of its outputs, which all such runs are given at once.
        columns: which outputs of its group are its own.
        places: (B,) training items of the batch.
        targets: (B,) or (B, C) of the batch.
        outputs: (B, K) of the batch.
        loss: of the batch.
        gradient: (B, K) of the loss, or None.
        passed: codes of a pass over all items, in parts.
    """

    def __init__(self, member: Member, targets: Tensor, config: TrainConfig) -> None:
        self.method, self.seed = member.method, member.seed
        if not isinstance(member.model.head, nn.Linear):
            raise TypeError("only linear heads can be stacked")
        self.head = member.model.head
        self.width = self.head.out_features
        self.columns = slice(0, self.width)
        self.reads_codes = getattr(self.method.reads_codes, "__func__", None) is not Method.reads_codes
        self.signs_only = self.reads_codes and type(self.method).codes is Method.codes
        self.places = self.targets = self.outputs = self.loss = NONE
        self.gradient: Tensor | None = None
        self.passed: list[Tensor] = []
        self.error: Exception | None = None
        self.momentum: float | None = None
        with self.guarded():
            self.momentum = self.method.momentum
            self.course = Course(self.method, targets, config)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Inside, an error ends this run and no other, unless it is no fault of its own."""
        try:
            yield
        except Exception as error:
            if of_the_process(error):
                raise
            self.error = self.error or error

    def reads_slow_outputs(self) -> bool:
        """In this epoch."""
        return self.momentum is not None and self.method.reads_slow_outputs(self.course.epoch)

    def reads_pass(self) -> bool:
        """After this epoch."""
        return self.method.codes_from == "pass" and self.method.reads_codes(self.course.epoch)

    def can_be_bundled(self) -> bool:
        """Whether its loss can be computed with others in this epoch: it must not write what it hears in between."""
        weights = next(self.method.parameters(), None)
        return self.method.loss_vmaps and weights is None and not self.reads_slow_outputs()

    def state_dict(self) -> dict[str, Any]:
        """What it needs, beside its rows of the weights, to go on from the end of an epoch."""
        return {"method": self.method.state_dict(), "course": self.course.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be where `state_dict` was called."""
        self.method.load_state_dict(state["method"])
        self.course.load_state_dict(state["course"])

    def record(self, sums: Sums) -> None:
        """Keep what came of the batch."""
        if self.reads_codes and not self.signs_only:
            self.course.codes[self.places] = self.method.codes(self.outputs.detach())
        self.course.seen += len(self.places)
        sums.note(self.course, {"loss": self.loss, **self.method.log})

    def result(self) -> Trained | Exception:
        """What it leaves."""
        return self.error or self.course.trained()


class Sums:
    """Sums over an epoch of what all runs log, added to in one operation a step."""

    def __init__(self) -> None:
        self._keys: list[tuple[Course, str]] = []
        self._sums = NONE
        self._new_keys: list[tuple[Course, str]] = []
        self._new: list[Tensor] = []

    def note(self, course: Course, logged: dict[str, Tensor]) -> None:
        """Means over a batch; one that is no number is an error of its run."""
        device = course.targets.device
        self._new += [
            v if isinstance(v, Tensor) and v.ndim == 0 and v.device == device else torch.tensor(float(v), device=device)
            for v in logged.values()
        ]
        self._new_keys += [(course, name) for name in logged]

    def add(self, items: int) -> None:
        """End a step of so many items."""
        if self._new_keys != self._keys:
            self.give()
        if self._new:
            added = torch.stack(self._new) * items
            self._sums = self._sums + added if self._keys else added
            self._keys = self._new_keys
        self._new_keys, self._new = [], []

    def give(self) -> None:
        """Tell the courses."""
        for (course, name), total in zip(self._keys, self._sums.unbind(), strict=True):
            course.sums[name] = course.sums.get(name, 0) + total
        self._keys, self._sums = [], NONE

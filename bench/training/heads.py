"""Linear heads of one training seed as one matrix: a step of all is two products of matrices."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from bench.plugins.method import signs
from bench.randomness import stream, torch_stream
from bench.training.inputs import FeatureInputs
from bench.training.optimizer import clip_rows
from bench.training.regimes import TrainConfig
from bench.training.runs import NONE, Run
from bench.training.trainer import batches

_STATE = ("weight", "bias", "slow_weight", "slow_bias")


class Heads:
    """Heads of one training seed, which see the same batches: weight (sum of K, D) and bias, leaves with gradients.

    Attributes:
        order: (N,) items as the epoch takes them.
    """

    def __init__(
        self, seed: int, runs: list[Run], config: TrainConfig, inputs: FeatureInputs, rows: NDArray[np.int64],
        targets: Tensor,
    ) -> None:  # fmt: skip
        self.seed, self.config, self.inputs, self.rows, self.targets = seed, config, inputs, rows, targets
        self.runs = _in_blocks(runs)
        self.order = np.arange(len(rows))
        self.augmentation = torch_stream(seed, "augmentation")
        self.items = NONE
        self.weight = torch.cat([run.head.weight.detach() for run in self.runs]).requires_grad_()
        self.bias = torch.cat([run.head.bias.detach() for run in self.runs]).requires_grad_()
        self.widths = torch.tensor([run.width for run in self.runs], device=targets.device)
        self.owner = _repeated([*range(len(runs))], self.runs).to(targets.device)
        followed = [run for run in self.runs if run.momentum is not None]  # the first ones
        self.slow_step = _repeated([1 - (run.momentum or 0) for run in followed], followed).to(self.weight)
        self.slow_weight = self.weight.detach()[: len(self.slow_step)].clone()
        self.slow_bias = self.bias.detach()[: len(self.slow_step)].clone()
        coded = [run.columns for run in self.runs if run.signs_only]  # one block
        self.coded = slice(coded[0].start, coded[-1].stop) if coded else slice(0, 0)
        self.codes = torch.empty(len(rows), self.coded.stop - self.coded.start, dtype=torch.int8, device=targets.device)

    def alive(self) -> list[Run]:
        """Runs that no error has ended."""
        return [run for run in self.runs if run.error is None]

    def begin_epoch(self, epoch: int) -> None:
        """Draw the order, and tell the methods."""
        self.order = stream(self.seed, "loader", epoch).permutation(len(self.rows))
        for run in self.alive():
            with run.guarded():
                run.course.begin_epoch()
                if run.signs_only:
                    start = run.columns.start - self.coded.start
                    run.course.codes = self.codes[:, start : start + run.width]

    @torch.no_grad()
    def forward(self, batch: NDArray[np.int64]) -> None:
        """Give each run its outputs for a batch of items; the slow copies go a step first."""
        places = torch.from_numpy(batch).to(self.targets.device, non_blocking=True)
        self.items, targets = self.inputs.train_batch(self.rows[batch], self.augmentation), self.targets[places]
        outputs = F.linear(self.items, self.weight, self.bias)
        self.codes[places] = signs(outputs[:, self.coded])
        for run, own in zip(self.runs, outputs.split([run.width for run in self.runs], dim=1), strict=True):
            run.places, run.targets, run.outputs, run.gradient = places, targets, own.contiguous(), None
        self._follow(places)

    def backward(self) -> None:
        """Gradients of the weights from those of the outputs, each run's clipped by its own norm."""
        known = [torch.zeros_like(run.outputs) if run.gradient is None else run.gradient for run in self.runs]
        gradient = torch.cat(known, dim=1)
        self.weight.grad, self.bias.grad = gradient.T @ self.items, gradient.sum(dim=0)
        clip_rows(self.weight.grad, self.bias.grad, self.widths, self.owner, self.config)

    def _follow(self, places: Tensor) -> None:
        """One step of the slow copies; their outputs are computed only where a method reads them."""
        if not len(self.slow_step):
            return
        self.slow_weight.lerp_(self.weight[: len(self.slow_step)], self.slow_step[:, None])
        self.slow_bias.lerp_(self.bias[: len(self.slow_step)], self.slow_step)
        outputs: Tensor | None = None
        for run in self.alive():
            with run.guarded():
                if run.reads_slow_outputs():
                    outputs = F.linear(self.items, self.slow_weight, self.slow_bias) if outputs is None else outputs
                    run.method.before_loss(places, outputs[:, run.columns].contiguous())

    def end_epoch(self) -> list[float]:
        """Let the methods act on the codes; mean losses of the runs that go on."""
        self._pass()
        losses = []
        for run in self.alive():
            with run.guarded():
                losses.append(run.course.end_epoch(self.order, functools.partial(torch.cat, run.passed)))
            run.passed = []
        return losses

    @torch.no_grad()
    def _pass(self) -> None:
        """Codes of all items by the heads as they are now, of the runs that ask for them."""
        asking = []
        for run in self.alive():
            with run.guarded():
                asking += [run] if run.reads_pass() else []
        if not asking:
            return
        weight = torch.cat([self.weight[run.columns] for run in asking])
        bias = torch.cat([self.bias[run.columns] for run in asking])
        for some in batches(self.rows, self.inputs.test_batch_size):
            outputs = F.linear(self.inputs.test_batch(some), weight, bias)
            for run, own in zip(asking, outputs.split([run.width for run in asking], dim=1), strict=True):
                with run.guarded():
                    run.passed.append(run.method.codes(own.contiguous()))

    def state_dict(self) -> dict[str, Any]:
        """Weights, their slow copies and the augmentation's random state."""
        return {**{name: getattr(self, name) for name in _STATE}, "augmentation": self.augmentation.get_state()}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be in that state."""
        for name in _STATE:
            getattr(self, name).copy_(state[name])
        self.augmentation.set_state(state["augmentation"])

    @torch.no_grad()
    def give(self) -> None:
        """Their weights to the networks."""
        for run in self.runs:
            run.head.weight.copy_(self.weight[run.columns])
            run.head.bias.copy_(self.bias[run.columns])


def _in_blocks(runs: list[Run]) -> list[Run]:
    """Those with a slow copy first, and those whose codes are signs side by side; each is given its columns."""
    placed = sorted(runs, key=lambda run: (run.momentum is None, run.signs_only == (run.momentum is not None)))
    start = 0
    for run in placed:
        run.columns = slice(start, start + run.width)
        start += run.width
    return placed


def _repeated(values: Sequence[float], runs: list[Run]) -> Tensor:
    """Each run's value for each of its columns."""
    return torch.tensor(values).repeat_interleave(torch.tensor([run.width for run in runs], dtype=torch.long))

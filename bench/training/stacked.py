"""Many linear heads on the same features, trained in one pass.

What a head learns does not hang on the others: their weights are disjoint, so the gradient of the sum of all losses is
each one's own. Heads of one training seed see the same batches and are rows of one matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.training.bundles import bundled, gradients
from bench.training.checkpoint import Checkpoint, Part, run_identity
from bench.training.course import Trained
from bench.training.heads import Heads
from bench.training.inputs import FeatureInputs, Inputs, targets_of
from bench.training.optimizer import make_optimizer, set_lr
from bench.training.progress import Observer
from bench.training.regimes import TrainConfig, lr_at
from bench.training.runs import Member, Run, Sums
from bench.training.trainer import batches, with_labels

__all__ = ["Member", "stackable", "train_stacked"]


def stackable(config: TrainConfig, inputs: Inputs) -> bool:
    """Whether trainings with these settings, on these inputs, can be stacked: features under one linear layer."""
    return isinstance(inputs, FeatureInputs) and config.head == "linear"


def train_stacked(
    members: Sequence[Member],
    inputs: FeatureInputs,
    labels: NDArray[Any],
    rows: NDArray[np.int64],
    config: TrainConfig,
    *,
    device: torch.device,
    observer: Observer,
    checkpoint: Checkpoint | None = None,
) -> list[Trained | Exception]:
    """What `train` makes of each member alone, but for rounding, in the order of `members`.

    Each keeps its own streams of random numbers; a method must draw from no other. The networks are left trained. A
    member whose method raises, or whose loss is not finite, leaves with the exception that `train` would have raised,
    and the others go on.

    Args:
        labels: of the whole dataset, (N,) or (N, C).
        rows: training items. Those without any label are left out, as in `train`.
        observer: hears of every item once for each member, and of the mean loss of all.
        checkpoint: where the state of all is saved from time to time, as long as none has failed, and where a training
            of the same members that was ended goes on. Whoever keeps the result clears it.

    Raises:
        MemoryError, torch.OutOfMemoryError: they do not fit together; each alone may.
    """
    if not members:
        return []
    rows = with_labels(labels, rows)
    targets = targets_of(labels, rows, device)
    runs = [Run(member, targets, config) for member in members]
    groups = [
        Heads(seed, [run for run in runs if run.seed == seed], config, inputs, rows, targets)
        for seed in dict.fromkeys(run.seed for run in runs)
    ]
    weights = [weight for group in groups for weight in (group.weight, group.bias)]
    weights += [weight for run in runs for weight in run.method.parameters()]
    optimizer = make_optimizer([], weights, config, pretrained=False, fused=True)
    begun = 0
    if checkpoint is not None and _all_well(runs):
        heads = [
            run_identity(run.method, labels, rows, config, seed=run.seed, pretrained=False, device=device)
            for run in runs
        ]
        parts: dict[str, Part] = {"optimizer": optimizer}
        parts |= {f"heads {number}": group for number, group in enumerate(groups)}
        parts |= {f"run {number}": run for number, run in enumerate(runs)}
        checkpoint.begin({"heads": heads}, parts)
        begun = runs[0].course.epoch
    observer.stage("training", config.epochs * len(rows) * len(runs))
    observer.advance(begun * len(rows) * len(runs))
    for epoch in range(begun, config.epochs):
        set_lr(optimizer, config, epoch)
        for group in groups:
            group.begin_epoch(epoch)
        bundles, sums = bundled(run for group in groups for run in group.alive()), Sums()
        for step in zip(*(batches(g.order, config.batch_size, config.drop_last) for g in groups), strict=True):
            optimizer.zero_grad(set_to_none=True)
            for group, batch in zip(groups, step, strict=True):
                group.forward(batch)
            bundles = gradients(bundles, sums)
            for group in groups:
                group.backward()
            optimizer.step()
            sums.add(len(step[0]))
            observer.advance(len(step[0]) * len(runs))
        sums.give()
        losses = [loss for group in groups for loss in group.end_epoch()]
        if not losses:  # all have failed
            break
        observer.epoch(epoch, config.epochs, float(np.mean(losses)), lr_at(config, epoch))
        if checkpoint is not None and _all_well(runs):
            checkpoint.after_epoch()
    for group in groups:
        group.give()
    return [run.result() for run in runs]


def _all_well(runs: Sequence[Run]) -> bool:
    return all(run.error is None for run in runs)

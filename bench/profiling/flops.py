"""Operations of a training step: counted, not estimated."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bench.plugins.method import Method
from bench.training.model import HashModel


def step_flops(model: HashModel, method: Method, batch: Tensor, places: Tensor, targets: Tensor, epoch: int) -> int:
    """Floating-point operations of matrix products, convolutions and attention, forward and backward; a
    multiply-add is two. Everything else (norms, activations, optimiser, augmentation) is not counted.

    Leaves gradients, and changes what a step changes in the method and in batch norm: for the end of a cell's life.

    Args:
        batch: the network's input of one step, (B, ...).
        places: (B,) which training items these are.
        targets: class indices (B,), or multi-hot rows (B, C).
        epoch: zero-based, whose step is counted.
    """
    plain: Any = model
    plain.compiled = None  # the counter sees operators, not compiled kernels
    model.train()
    with FlopCounterMode(display=False) as counter:
        relaxed = model(batch)
        if method.momentum is not None and method.reads_slow_outputs(epoch):
            with torch.no_grad():  # the slow copy's own pass, which costs the same
                method.before_loss(places, model(batch))
        method.loss(relaxed, targets).backward()
    return int(counter.get_total_flops())

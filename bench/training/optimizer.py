"""The optimiser and gradient clipping that `TrainConfig` asks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from bench.training.regimes import TrainConfig, lr_at


def make_optimizer(
    backbone: Iterable[Tensor], rest: Iterable[Tensor], config: TrainConfig, *, pretrained: bool, fused: bool = False
) -> torch.optim.Optimizer:
    """Of the backbone's weights, at their own rate if they are pretrained, and of all others.

    Args:
        fused: one kernel for each step where torch has one, several otherwise; equal to a few units in the last place.
    """
    groups = [
        {"params": list(backbone), "ratio": config.backbone_lr_ratio if pretrained else 1.0},
        {"params": list(rest), "ratio": 1.0},
    ]
    groups = [g for g in groups if g["params"]]
    momentum, decay = config.betas[0], config.weight_decay
    how: dict[str, Any] = {"fused": True} if fused else {}
    match config.optimizer:
        case "adam":
            return torch.optim.Adam(groups, lr=config.lr, betas=config.betas, weight_decay=decay, **how)
        case "adamw":
            return torch.optim.AdamW(groups, lr=config.lr, betas=config.betas, weight_decay=decay, **how)
        case "sgd":
            return torch.optim.SGD(groups, lr=config.lr, momentum=momentum, weight_decay=decay, **how)
        case _:  # has no fused form
            foreach = True if fused else None
            return torch.optim.RMSprop(groups, lr=config.lr, weight_decay=decay, foreach=foreach)


def set_lr(optimizer: torch.optim.Optimizer, config: TrainConfig, epoch: int) -> None:
    """The learning rate of a zero-based epoch, each group's by its ratio."""
    for group in optimizer.param_groups:
        group["lr"] = lr_at(config, epoch) * group["ratio"]


def clip_gradients(model: nn.Module, config: TrainConfig) -> None:
    """The whole network's gradient to `clip_norm`, if it is set."""
    if config.clip_norm is not None:
        nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)


def clip_rows(weight: Tensor, bias: Tensor, widths: Tensor, owner: Tensor, config: TrainConfig) -> None:
    """The same for many linear heads in one, each by its own norm.

    Args:
        weight: gradient (rows, D), changed in place.
        bias: gradient (rows,), changed in place.
        widths: (heads,) long, rows of each head.
        owner: (rows,) long, which head a row belongs to.
    """
    if config.clip_norm is None:
        return
    squares = torch.linalg.vector_norm(weight, dim=1).square() + bias.square()
    norms = torch.segment_reduce(squares, "sum", lengths=widths, unsafe=True).sqrt()  # checks would wait for the device
    factors = (config.clip_norm / (norms + 1e-6)).clamp(max=1)[owner]
    weight *= factors[:, None]
    bias *= factors

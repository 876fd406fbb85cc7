"""The training loop, the same for every method."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bench.errors import TrainingError
from bench.plugins.method import Method
from bench.randomness import stream, torch_stream
from bench.training.inputs import Inputs, targets_of
from bench.training.model import HashModel
from bench.training.progress import Observer
from bench.training.regimes import TrainConfig, lr_at


@dataclass
class Trained:
    """What training leaves beside the network.

    Attributes:
        centers_used: (C, K) int8, those the last gradient step was taken toward.
        centers_final: (C, K) int8, after the last reassignment; differ from `centers_used` in CRH.
        history: per epoch: loss, its parts as the method logs them, learning rate, classes whose center changed.
    """

    centers_used: NDArray[np.int8]
    centers_final: NDArray[np.int8]
    history: list[dict[str, float]] = field(default_factory=list)


def train(
    model: HashModel,
    method: Method,
    inputs: Inputs,
    labels: NDArray[Any],
    rows: NDArray[np.int64],
    config: TrainConfig,
    *,
    seed: int,
    pretrained: bool,
    device: torch.device,
    observer: Observer,
) -> Trained:
    """Fit `model` to `method.loss` on `rows`; the last epoch is what is kept.

    Args:
        labels: of the whole dataset, (N,) or (N, C).
        rows: training items. Those without any label are left out: no loss is defined for them.

    Raises:
        TrainingError: the loss is not finite.
    """
    if labels.ndim == 2:
        rows = rows[labels[rows].any(axis=1)]
    targets = targets_of(labels, rows, device)
    optimizer = _optimizer(model, method, config, pretrained)
    slow = None if method.momentum is None else AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(method.momentum))
    augmentation = torch_stream(seed, "augmentation")
    history: list[dict[str, float]] = []
    method.before_training(targets)
    observer.stage("training", config.epochs * len(rows))
    for epoch in range(config.epochs):
        _set_lr(optimizer, lr_at(config, epoch))
        order = stream(seed, "loader", epoch).permutation(len(rows))
        centers_used = method.centers.clone()
        codes = torch.empty(len(rows), method.task.bits, dtype=torch.int8, device=device)
        sums: dict[str, Tensor] = {}
        seen = 0
        model.train()
        method.before_epoch(epoch)
        for batch in batches(order, config.batch_size, config.drop_last):
            places = torch.from_numpy(batch).to(device)
            items = inputs.train_batch(rows[batch], augmentation)
            relaxed = model(items)
            if slow is not None:
                _follow(slow, model, method, epoch, places, items)
            loss = method.loss(relaxed, targets[places])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if config.clip_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
            optimizer.step()
            codes[places] = method.codes(relaxed.detach())
            seen += len(batch)
            for name, value in {"loss": loss.detach(), **method.log}.items():
                sums[name] = sums.get(name, 0) + value * len(batch)
            observer.advance(len(batch))
        means = {name: float(total) / seen for name, total in sums.items()}
        if not np.isfinite(means["loss"]):
            raise TrainingError(
                f"the loss is {means['loss']} in epoch {epoch + 1} of {config.epochs}: "
                "try a smaller train.lr or train.clip_norm."
            )
        if method.reads_codes(epoch):
            if method.codes_from == "pass":
                codes = torch.from_numpy(encode(model, method, inputs, rows, observer).codes).to(device)
                method.after_epoch(epoch, codes, targets)
            else:  # all items, unless the last batch was dropped
                places = torch.from_numpy(np.sort(order[:seen])).to(device)
                method.after_epoch(epoch, codes[places], targets[places])
        moved = int((method.centers != centers_used).any(dim=1).sum())
        history.append({**means, "lr": lr_at(config, epoch), "centers_moved": moved})
        observer.epoch(epoch, config.epochs, means["loss"], lr_at(config, epoch))
    return Trained(_int8(centers_used), _int8(method.centers), history)


def _follow(
    slow: AveragedModel, model: HashModel, method: Method, epoch: int, places: Tensor, items: Tensor
) -> None:  # fmt: skip
    """One step of the slow copy; its outputs are computed only where the method reads them."""
    slow.update_parameters(model)
    if method.reads_slow_outputs(epoch):
        with torch.no_grad():
            method.before_loss(places, slow.train()(items))


class Encoded(NamedTuple):
    """Codes (n, K) in {-1, +1}, the network's outputs they are made of, the features (n, D) under the head."""

    codes: NDArray[np.int8]
    relaxed: NDArray[np.float32]
    features: NDArray[np.float32]


@torch.inference_mode()
def encode(
    model: HashModel, method: Method, inputs: Inputs, rows: NDArray[np.int64], observer: Observer
) -> Encoded:  # fmt: skip
    """What the network makes of some items, in evaluation mode."""
    model.eval()
    codes, relaxed, features = [], [], []
    for some in batches(rows, inputs.test_batch_size):
        batch = model.features(inputs.test_batch(some))
        outputs = model.head(batch).float()
        codes.append(method.codes(outputs).cpu())
        relaxed.append(outputs.cpu())
        features.append(batch.cpu().numpy())
        observer.advance(len(batch))
    return Encoded(torch.cat(codes).numpy(), torch.cat(relaxed).numpy(), np.concatenate(features))


def batches(order: NDArray[np.int64], size: int, drop_last: bool = False) -> Iterator[NDArray[np.int64]]:
    """All of `order`; the last batch may be smaller, but a lone last item joins the batch before it.

    Nothing is dropped unless asked for, or items would be missing from what `after_epoch` sees; batch norm cannot take
    one item.
    """
    if drop_last and len(order) >= size:
        order = order[: len(order) // size * size]
    ends = list(range(size, len(order) - 1, size))
    yield from np.split(order, ends)


def _optimizer(model: HashModel, method: Method, config: TrainConfig, pretrained: bool) -> torch.optim.Optimizer:
    ratio = config.backbone_lr_ratio if pretrained else 1.0
    groups = [
        {"params": list(model.backbone.parameters()), "ratio": ratio},
        {"params": [*model.head.parameters(), *method.parameters()], "ratio": 1.0},
    ]
    groups = [g for g in groups if g["params"]]
    momentum, decay = config.betas[0], config.weight_decay
    match config.optimizer:
        case "adam":
            return torch.optim.Adam(groups, lr=config.lr, betas=config.betas, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(groups, lr=config.lr, betas=config.betas, weight_decay=decay)
        case "sgd":
            return torch.optim.SGD(groups, lr=config.lr, momentum=momentum, weight_decay=decay)
        case _:
            return torch.optim.RMSprop(groups, lr=config.lr, weight_decay=decay)


def _set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr * group["ratio"]


def _int8(centers: Tensor) -> NDArray[np.int8]:
    return centers.to("cpu", torch.int8).numpy().copy()

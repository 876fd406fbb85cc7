"""The training loop, the same for every method."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.plugins.method import Method
from bench.randomness import stream, torch_stream
from bench.training.checkpoint import Checkpoint, Part, RandomStates, run_identity
from bench.training.course import Course, Trained
from bench.training.devices import kernels_for
from bench.training.inputs import Inputs, targets_of
from bench.training.model import HashModel
from bench.training.optimizer import clip_gradients, make_optimizer, set_lr
from bench.training.progress import Observer
from bench.training.regimes import TrainConfig, lr_at

__all__ = ["Encoded", "Trained", "batches", "encode", "train", "with_labels"]

_PINNED = 2**31  # bytes of results that are kept in memory the system cannot move


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
    checkpoint: Checkpoint | None = None,
    micro_batches: int = 1,
) -> Trained:
    """Fit `model` to `method.loss` on `rows`; the last epoch is what is kept.

    Args:
        labels: of the whole dataset, (N,) or (N, C).
        rows: training items. Those without any label are left out: no loss is defined for them.
        checkpoint: where the state is saved from time to time, and where a training that was ended goes on. Whoever
            stores the result clears it.
        micro_batches: parts that each batch is passed through the network in, where memory does not hold it as one.
            Their losses count by their number of items, so a loss that is a mean over items gives the same step but
            for rounding. Not the same are losses of a batch as a whole (CSQ's pair loss between its halves, MDS's pair
            loss, which is a mean over pairs), and batch norm, whose statistics are those of a part.

    Raises:
        NotFiniteError: the loss is not finite.
    """
    rows = with_labels(labels, rows)
    optimizer = make_optimizer(
        model.backbone.parameters(), [*model.head.parameters(), *method.parameters()], config, pretrained=pretrained,
        fused=device.type == "cuda",
    )  # fmt: skip
    slow = None if method.momentum is None else slow_copy(model)
    augmentation = torch_stream(seed, "augmentation")
    course = Course(method, targets_of(labels, rows, device), config)
    if checkpoint is not None:
        run = run_identity(method, labels, rows, config, seed=seed, pretrained=pretrained, device=device)
        parts: dict[str, Part] = {
            "model": model, "method": method, "optimizer": optimizer, "course": course,
            "random": RandomStates(augmentation, device), **({} if slow is None else {"slow": slow}),
        }  # fmt: skip
        checkpoint.begin(run, parts)

    def passed() -> Tensor:
        return torch.from_numpy(encode(model, method, inputs, rows, Observer()).codes).to(device)

    observer.stage("training", config.epochs * len(rows))
    observer.advance(course.epoch * len(rows))
    for epoch in range(course.epoch, config.epochs):
        set_lr(optimizer, config, epoch)
        order = stream(seed, "loader", epoch).permutation(len(rows))
        course.begin_epoch()
        model.train()
        for batch in told(batches(order, config.batch_size, config.drop_last), lambda b: inputs.expect(rows[b])):
            places = torch.from_numpy(batch).to(device, non_blocking=True)  # the host goes on meanwhile
            items = inputs.train_batch(rows[batch], augmentation)
            with kernels_for(len(batch) == config.batch_size):
                _gradients(model, slow, course, optimizer, places, items, micro_batches)
            clip_gradients(model, config)
            optimizer.step()
            observer.advance(len(batch))
        loss = course.end_epoch(order, passed)
        observer.epoch(epoch, config.epochs, loss, lr_at(config, epoch))
        if checkpoint is not None:
            checkpoint.after_epoch()
    return course.trained()


def with_labels(labels: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows that can be trained on: with several classes per item, those that have any."""
    return rows[labels[rows].any(axis=1)] if labels.ndim == 2 else rows


def _gradients(
    model: HashModel, slow: HashModel | None, course: Course, optimizer: torch.optim.Optimizer, places: Tensor,
    items: Tensor, micro_batches: int,
) -> None:  # fmt: skip
    """Gradients of a batch's loss, part by part; each part has two items at least, since batch norm cannot take one.

    The slow copy takes its step first; its outputs are computed only where the method reads them.
    """
    method, size = course.method, len(places)
    optimizer.zero_grad(set_to_none=True)
    if slow is not None:
        follow(slow, model, method.momentum)
    number = max(1, min(micro_batches, size // 2))
    for some, part in zip(places.tensor_split(number), items.tensor_split(number), strict=True):
        relaxed = model(part)
        if slow is not None and method.reads_slow_outputs(course.epoch):
            with torch.no_grad():
                method.before_loss(some, slow.train()(part))
        loss = method.loss(relaxed, course.targets[some])
        (loss if number == 1 else loss * (len(some) / size)).backward()
        course.record(some, relaxed, loss)


def slow_copy(model: HashModel) -> HashModel:
    """A copy whose weights will follow; run plainly: what is compiled would be compiled once more for it."""
    slow = copy.deepcopy(model).requires_grad_(False)
    slow.compiled = None
    return slow


@torch.no_grad()
def follow(slow: HashModel, model: HashModel, momentum: float | None) -> None:
    """Keep so much of the slow weights. The statistics of its batch norms are its own: training does not read them."""
    assert momentum is not None
    torch._foreach_lerp_(list(slow.parameters()), list(model.parameters()), 1 - momentum)


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

    def outputs(batch: Tensor) -> tuple[Tensor, ...]:
        features = model.features(batch)
        relaxed = model.head(features).float()
        return method.codes(relaxed), relaxed, features

    return Encoded(*outputs_of(outputs, inputs, rows, observer))


def outputs_of(
    network: Callable[[Tensor], tuple[Tensor, ...]], inputs: Inputs, rows: NDArray[np.int64], observer: Observer
) -> list[NDArray[Any]]:  # fmt: skip
    """What a network, in evaluation mode, makes of some items: arrays (n, ...), on the host."""
    found: list[Tensor] = []  # made once: parts that are joined in the end would be held twice
    done = 0
    for some in told(batches(rows, inputs.test_batch_size), inputs.expect):
        with kernels_for(len(some) == inputs.test_batch_size):
            parts = network(inputs.test_batch(some))
        found = found or [_on_host(len(rows), part) for part in parts]
        for whole, part in zip(found, parts, strict=True):
            whole[done : done + len(some)].copy_(part, non_blocking=True)
        done += len(some)
        observer.advance(len(some))
    if found and parts[0].device.type == "cuda":
        torch.cuda.synchronize(parts[0].device)  # once, not for every batch
    return [whole.numpy() for whole in found]


def _on_host(count: int, part: Tensor) -> Tensor:
    """Room for the rows (n, ...) of all parts; in pinned memory, which a GPU writes to while the host goes on."""
    size = count * part[0].numel() * part.element_size()
    return torch.empty(count, part.shape[1], dtype=part.dtype, pin_memory=part.is_cuda and size <= _PINNED)


def told(parts: Iterable[NDArray[np.int64]], tell: Callable[[NDArray[np.int64]], None]) -> Iterator[NDArray[np.int64]]:
    """The parts, each handed out after it and the one behind it were told of, in their order."""
    for number, (part, after) in enumerate(pairwise(chain(parts, (None,)))):
        assert part is not None
        if number == 0:
            tell(part)
        if after is not None:
            tell(after)
        yield part


def batches(order: NDArray[np.int64], size: int, drop_last: bool = False) -> Iterator[NDArray[np.int64]]:
    """All of `order`; the last batch may be smaller, but a lone last item joins the batch before it.

    Nothing is dropped unless asked for, or items would be missing from what `after_epoch` sees; batch norm cannot take
    one item.
    """
    if drop_last and len(order) >= size:
        order = order[: len(order) // size * size]
    ends = list(range(size, len(order) - 1, size))
    yield from np.split(order, ends)

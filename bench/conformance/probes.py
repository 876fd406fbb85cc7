"""What the checks of `bench.conformance` try a method with: small tasks, batches, a tiny training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.backbones.build import Weights
from bench.errors import ConfigError
from bench.grid.choice import method_choice
from bench.plugins.info import PluginInfo
from bench.plugins.method import Method, Task
from bench.plugins.registry import registry
from bench.randomness import stream
from bench.training.checkpoint import Checkpoint
from bench.training.inputs import FeatureInputs
from bench.training.model import build_model
from bench.training.progress import Observer
from bench.training.regimes import train_config
from bench.training.trainer import Encoded, Trained, encode, train

CLASSES, BITS = 12, 32  # the main task, which no method may refuse
_ITEMS, _WIDTH = 4 * CLASSES, 24  # of the tiny training
_STEP = 0.1  # learning rate of `descend`


class Refusal(Exception):
    """A ConfigError from building a method: it says that it cannot do the task, which some checks allow."""


@dataclass(frozen=True)
class Subject:
    """A method under test: its class and its resolved settings.

    Attributes:
        label: the name as it was given.
        name: registered name of the variant or combination.
        settings: those given in brackets, as `Method.resolve` takes them.
    """

    label: str
    name: str
    info: PluginInfo
    cls: type[Method]
    settings: dict[str, Any]
    config: Any

    @classmethod
    def named(cls, text: str) -> Self:
        """From `crh`, `crh[margin=0.3]`, `crh+csq-loss` or `./file.py`.

        Raises:
            ConfigError, UnknownNameError: no such method, settings it does not have.
        """
        choice = method_choice(text)
        known = registry("method")
        method: type[Method] = known.load(choice.name)
        settings = choice.changed({})
        info = known.entry(choice.name).info
        return cls(text, choice.name, info, method, settings, method.resolve(choice.name, settings))

    def task(self, classes: int = CLASSES, bits: int = BITS, seed: int = 0, multi_label: bool = False) -> Task:
        """A task, with a class similarity where the method asks for one."""
        wanted = self.cls.similarity_source(self.config) is not None
        return Task(classes, bits, seed, multi_label, similarity(classes) if wanted else None)

    def build(self, task: Task | None = None, centers: Tensor | None = None) -> Method:
        """The method for a task, the main one unless given.

        Raises:
            Refusal: its ConfigError.
        """
        task = task or self.task()
        try:
            if centers is None:
                self.cls.check(self.config, task)
            self.cls.check_loss(self.config, task)
            return self.cls(self.config, task, centers)
        except ConfigError as error:
            raise Refusal(str(error)) from error


def similarity(classes: int) -> NDArray[np.float64]:
    """A random symmetric class similarity (C, C) in (0, 1), 1 on the diagonal."""
    half = stream(0, "conformance-similarity", classes).uniform(0.01, 0.99, (classes, classes))
    both = (half + half.T) / 2
    np.fill_diagonal(both, 1)
    return both


def batch(method: Method) -> tuple[Tensor, Tensor]:
    """Random outputs (B, `outputs`) and targets in which every class occurs twice: (B,) or, multi-label, (B, C)."""
    task, g = method.task, torch.Generator().manual_seed(1)
    size = 2 * task.num_classes
    targets = torch.arange(size) % task.num_classes
    outputs = torch.randn(size, method.outputs, generator=g)
    if not task.multi_label:
        return outputs, targets
    rows = (torch.rand(size, task.num_classes, generator=g) < 0.2).float()
    rows[range(size), targets] = 1
    return outputs, rows


def random_codes(rows: int, bits: int, seed: int = 2) -> Tensor:
    """(rows, K) int8 in {-1, +1}."""
    return torch.randint(0, 2, (rows, bits), generator=torch.Generator().manual_seed(seed), dtype=torch.int8) * 2 - 1


def begin(method: Method, outputs: Tensor, targets: Tensor, epochs: tuple[int, ...] = (0,)) -> Iterator[int]:
    """Call what the trainer calls before an epoch's first loss, for each epoch in turn."""
    method.before_training(targets)
    for epoch in epochs:
        method.before_epoch(epoch)
        if method.momentum is not None and method.reads_slow_outputs(epoch):
            method.before_loss(torch.arange(len(targets), device=targets.device), outputs.detach())
        yield epoch


def first_loss(method: Method, outputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of a batch that is all there is to train on, in the first epoch."""
    next(begin(method, outputs, targets))
    return method.loss(outputs, targets)


def descend(method: Method, steps: int) -> tuple[Tensor, list[float]]:
    """Adam on the outputs themselves: where they end, and the loss before each step."""
    start, targets = batch(method)
    outputs = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([outputs], lr=_STEP)
    next(begin(method, outputs, targets))
    losses = []
    for _ in range(steps):
        loss = method.loss(outputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return outputs.detach(), losses


def update_epochs(method: Method, most: int = 3) -> list[int]:
    """The first epochs after which it reads codes."""
    return [epoch for epoch in range(100) if method.reads_codes(epoch)][:most]


def eventful_epochs(method: Method, most: int = 30) -> int:
    """Epochs until everything has begun that a method does in training, and three more; no more than `most`."""
    begins = [
        next((epoch for epoch in range(most) if happens(epoch)), 0)
        for happens in (method.reads_codes, lambda e: method.momentum is not None and method.reads_slow_outputs(e))
    ]
    return min(max(begins) + 3, most)


class Ended(Exception):
    """Raised in the place of whatever may end a training."""


class OneEpoch(Observer):
    """Ends a training in its second epoch."""

    def __init__(self) -> None:
        self.over = False

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        """From now on nothing more is done."""
        self.over = True

    def advance(self, items: int) -> None:
        """A batch is done."""
        if self.over:
            raise Ended


def tiny_training(
    method: Method, epochs: int = 2, checkpoint: Checkpoint | None = None, observer: Observer | None = None
) -> tuple[Trained, Encoded]:
    """Some epochs of the trainer on random features around a point per class; the codes of all items after them."""
    task, rng = method.task, stream(0, "conformance-features")
    classes = np.arange(_ITEMS) % task.num_classes
    noise = rng.standard_normal((_ITEMS, _WIDTH))
    features = rng.standard_normal((task.num_classes, _WIDTH))[classes] + 0.3 * noise
    labels: NDArray[Any] = classes
    if task.multi_label:
        labels = (rng.random((_ITEMS, task.num_classes)) < 0.1) | np.eye(task.num_classes, dtype=bool)[classes]
    cpu, rows = torch.device("cpu"), np.arange(_ITEMS)
    config = train_config("frozen", None, {"backbone": "features", "epochs": epochs, "batch_size": 16})
    inputs, seed = FeatureInputs(features.astype(np.float32), cpu), method.training_seed
    model = build_model(inputs, Weights("features"), config, method.outputs, seed, cpu)
    trained = train(
        model, method, inputs, labels, rows, config,
        seed=seed, pretrained=False, device=cpu, observer=observer or Observer(), checkpoint=checkpoint,
    )  # fmt: skip
    return trained, encode(model, method, inputs, rows, Observer())

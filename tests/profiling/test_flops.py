from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.plugins.method import Method, Task
from bench.profiling.flops import step_flops
from bench.training.model import HashModel

BATCH, WIDTH, DIM, BITS = 3, 4, 5, 8
LOWER, UPPER = 2 * BATCH * WIDTH * DIM, 2 * BATCH * DIM * BITS  # of one product of a layer


class Plain(Method):
    """A loss without products."""

    def make_centers(self) -> Tensor:
        return torch.ones(self.task.num_classes, self.task.bits)

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        return relaxed.square().mean()


class Slow(Plain):
    """With a slow copy, from the second epoch on."""

    momentum = 0.9
    heard = 0

    def reads_slow_outputs(self, epoch: int) -> bool:
        return epoch > 0

    def before_loss(self, places: Tensor, slow: Tensor) -> None:
        assert slow.shape == (BATCH, BITS)
        assert not slow.requires_grad
        self.heard += 1


def flops(method: Method, epoch: int = 0) -> int:
    model = HashModel(nn.Linear(WIDTH, DIM), nn.Linear(DIM, BITS))
    return step_flops(
        model, method, torch.ones(BATCH, WIDTH), torch.arange(BATCH), torch.zeros(BATCH, dtype=torch.long), epoch
    )


def test_golden_two_layers() -> None:
    """By hand: each layer's output and weights' gradient, and of the upper one its input's gradient too."""
    assert flops(Plain(None, Task(2, BITS))) == 2 * LOWER + 3 * UPPER


def test_golden_slow_copy() -> None:
    method = Slow(None, Task(2, BITS))
    assert flops(method, epoch=0) == 2 * LOWER + 3 * UPPER
    assert method.heard == 0
    assert flops(method, epoch=1) == 2 * LOWER + 3 * UPPER + LOWER + UPPER
    assert method.heard == 1


def test_a_convolution() -> None:
    """By hand: 2 x 6 outputs of 4 x 4 pixels for 3 images, each a sum of 2 x 9 products."""
    model = HashModel(nn.Sequential(nn.Conv2d(2, 6, 3), nn.Flatten()), nn.Linear(96, BITS))
    found = step_flops(
        model, Plain(None, Task(2, BITS)), torch.ones(3, 2, 6, 6), torch.arange(3), torch.zeros(3, dtype=torch.long), 0
    )
    convolution, head = 2 * 3 * 6 * 16 * 18, 2 * 3 * 96 * BITS
    assert found == 2 * convolution + 3 * head

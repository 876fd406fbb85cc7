"""Backbones through torch.compile: once per shape in a process, for every cell that has it.

Heads and losses stay as they are: they are small, float32, and a method's own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from typing import Any, Self

import torch
from torch import Tensor, nn

from bench.errors import BenchWarning, first_line
from bench.training.regimes import Compile

Forward = Callable[[nn.Module, Tensor], Tensor]

_MODES = {"kernels": "default", "graphs": "reduce-overhead"}  # torch's own names


class CompiledNetworks:
    """Backbones of the cells of one process, and their compiled forward pass.

    The first cell with a backbone of some size leaves its network here. The next ones are given that network with their
    own weights in it, so that what was compiled, and CUDA graphs, which hold addresses of weights, serve them all. So
    one cell at a time may use it.

    Attributes:
        how: "kernels": fused kernels; "graphs": CUDA graphs too, which save the launches of small ones.
        error: what has kept torch from compiling, after which networks run plainly.
    """

    def __init__(self, how: Compile, backend: Any = "inductor") -> None:
        """Take what to compile to, and torch's name for what compiles (tests count with one of their own)."""
        self.how = how
        self.error: Exception | None = None
        self._kept: dict[Hashable, nn.Module] = {}
        mode = None if backend != "inductor" else _MODES[how]
        self._compiled: Forward = torch.compile(_forward, backend=backend, mode=mode, dynamic=False)

    def take(self, kind: Hashable, network: nn.Module) -> nn.Module:
        """The kept network of this kind with the weights of `network`; `network` itself if it is the first.

        Another kind takes the place of the one before: a process has one dataset and backbone in hand at a time.
        """
        if kind not in self._kept:
            self._kept = {kind: network}
            torch.compiler.reset()
            return network
        kept = self._kept[kind]
        kept.load_state_dict(network.state_dict())
        for weight, own in zip(network.parameters(), kept.parameters(), strict=True):
            own.grad = None
            own.requires_grad_(weight.requires_grad)
        return kept.train(network.training)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself: a network's slow copy runs what the network runs."""
        return self

    def forward(self, network: nn.Module, x: Tensor) -> Tensor:
        """`network(x)`; where torch cannot compile it, plainly, with a BenchWarning the first time."""
        if self.error is None:
            try:
                return self._compiled(network, x)
            except Exception as error:  # raised before anything has run
                if not self.gives_up(error):
                    raise
        return _forward(network, x)

    def gives_up(self, error: Exception) -> bool:
        """Whether it is torch's that it cannot compile: networks run plainly from then on, and a BenchWarning says so.

        What belongs to the backward pass is compiled when that is first run, in the midst of a step.
        """
        from torch._dynamo.exc import TorchDynamoException  # heavy, and there already

        if not isinstance(error, TorchDynamoException):
            return False
        self.error = error
        warnings.warn(
            f"torch.compile cannot be used here ({first_line(error)}): the network runs as it is.",
            BenchWarning,
            stacklevel=2,
        )
        return True


def _forward(network: nn.Module, x: Tensor) -> Tensor:
    out: Tensor = network(x)
    return out

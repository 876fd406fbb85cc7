"""Control: fair random bits as centers, with CRH's loss. What any method must beat."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.plugins import PluginInfo
from bench.randomness import stream

from ._margin_loss import MarginLoss

INFO = PluginInfo(
    name="random-centers",
    summary="Control: fair random bits as centers, CRH's loss",
    citation="none: a control of this benchmark",
    licence="MIT",
    variants={"random-centers": ("neither geometry nor semantics", {})},
)


class RandomCenters(MarginLoss):
    """Bernoulli centers."""

    def make_centers(self) -> Tensor:
        """(C, K) fair signs."""
        shape = self.task.num_classes, self.task.bits
        return torch.from_numpy(stream(self.task.seed, "centre-init").integers(0, 2, shape) * 2 - 1)

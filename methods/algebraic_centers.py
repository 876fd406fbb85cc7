"""Control: words of the best linear code as centers, with CRH's loss. Geometry without semantics, in milliseconds."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.centers.algebraic import algebraic_centers
from bench.errors import ConfigError
from bench.plugins import PluginInfo
from bench.plugins.method import Task
from bench.randomness import stream

from ._margin_loss import MarginLoss

INFO = PluginInfo(
    name="algebraic-centers",
    summary="Control: words of the linear code of largest guaranteed distance, CRH's loss",
    citation="MacWilliams & Sloane, The Theory of Error-Correcting Codes, 1977",
    licence="MIT",
    variants={"algebraic-centers": ("extended BCH, Hamming, simplex, punctured and shortened", {})},
)


class AlgebraicCenters(MarginLoss):
    """Codewords, assigned to classes at random."""

    @classmethod
    def check(cls, config: Any, task: Task) -> None:
        """C <= 2^K: more words there are not."""
        if task.num_classes > 2**task.bits:
            raise ConfigError(
                f"algebraic-centers: {task.bits} bits have {2**task.bits} words, not one for each of "
                f"{task.num_classes} classes: use more bits."
            )

    def make_centers(self) -> Tensor:
        """The code's name and guaranteed distance are in `facts`."""
        found = algebraic_centers(self.task.num_classes, self.task.bits, stream(self.task.seed, "centre-init"))
        self.facts = {"code": found.code, "guaranteed_distance": found.distance}
        return torch.from_numpy(found.centers)

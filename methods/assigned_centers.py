"""Control: CRH's codebook, other assignment. Tells the geometry of the codebook from the semantics of the assignment.

For one seed the words are those of `crh`; which class gets which is drawn at random, or chosen so that the centers'
similarity follows that of the classes.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from bench.centers.codebook import compose
from bench.centers.similarity_assignment import assign_by_similarity
from bench.config import Config, setting
from bench.errors import ConfigError
from bench.plugins import PluginInfo
from bench.plugins.method import Task
from bench.randomness import stream

from ._codebook import CodebookConfig, check_codebook, codebook_facts, draw_codebook
from ._margin_loss import MarginLoss

INFO = PluginInfo(
    name="assigned-random",
    summary="Control: CRH's codebook, each class a random word for good, CRH's loss",
    citation="none: a control of this benchmark",
    licence="MIT",
    variants={
        "assigned-random": ("CRH without reassignment, with all its heads", {}),
        "assigned-hierarchy": ("words assigned by the dataset's class tree", {"similarity": "hierarchy"}),
        "assigned-backbone": ("words assigned by class means of the backbone's features", {"similarity": "backbone"}),
        "assigned-clip": ("words assigned by class means of CLIP's image embeddings", {"similarity": "clip"}),
        "assigned-classifier": ("words assigned by a classifier's confusions", {"similarity": "classifier-paper"}),
    },
)


class AssignedConfig(CodebookConfig):
    """Settings of the assignment."""

    similarity: str | None = setting(
        None, "class similarity that the assignment follows: a reference of bench pcc, classifier-paper; None: random"
    )


class AssignedCenters(MarginLoss):
    """Fixed centers from CRH's codebook."""

    Config: ClassVar[type[Config]] = AssignedConfig

    @classmethod
    def check(cls, config: AssignedConfig, task: Task) -> None:
        """As CRH."""
        check_codebook(cls.INFO.name, config, task)

    @classmethod
    def similarity_source(cls, config: AssignedConfig) -> str | None:
        """As set."""
        return config.similarity

    def make_centers(self) -> Tensor:
        """The codebook of `crh` under this seed, assigned."""
        codebook, assignment = draw_codebook(self.config, self.task, self.task.seed)
        self.facts: dict[str, Any] = codebook_facts(codebook)
        if self.config.similarity is not None:
            if self.task.similarity is None:
                raise ConfigError(
                    f"{self.INFO.name} with similarity = {self.config.similarity} needs a class similarity (C, C): "
                    "pass similarity=."
                )
            rng = stream(self.task.seed, "similarity-assignment")
            assignment = assign_by_similarity(codebook, self.task.similarity, rng)
        return torch.from_numpy(compose(codebook, assignment))

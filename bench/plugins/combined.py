"""One method's centers with another's loss: `crh+csq-loss`. Tells what centers do from what losses do."""

from __future__ import annotations

import functools
from typing import Any, Literal

from pydantic import create_model
from torch import Tensor

from bench.config import Config, setting
from bench.plugins.info import split_name
from bench.plugins.method import Method, Task


class Combined(Method):
    """Centers, and what moves them, of one method; loss, outputs and codes of another."""

    centers_class: type[Method]
    loss_class: type[Method]

    @classmethod
    def resolve(cls, variant: str, settings: dict[str, Any]) -> Any:
        """Config of both parts, each resolved as its own variant; `settings` has tables `centers` and `loss`."""
        parts = split_name(variant)
        assert parts is not None
        return cls.Config.build(variant, {
            "centers": cls.centers_class.resolve(parts[0], settings.get("centers", {})),
            "loss": cls.loss_class.resolve(parts[1], settings.get("loss", {})),
        })  # fmt: skip

    @classmethod
    def check(cls, config: Any, task: Task) -> None:
        """As the centers' method."""
        cls.centers_class.check(config.centers, task)

    @classmethod
    def check_loss(cls, config: Any, task: Task) -> None:
        """As the loss's method."""
        cls.loss_class.check_loss(config.loss, task)

    @classmethod
    def paper_training(cls, multi_label: bool) -> dict[str, Any]:
        """The loss's: learning rate and optimiser go with it."""
        return cls.loss_class.paper_training(multi_label)

    @classmethod
    def similarity_source(cls, config: Any) -> str | None:
        """The centers'."""
        return cls.centers_class.similarity_source(config.centers)

    def make_centers(self) -> Tensor:
        """Build both parts; the loss's own centers are never made."""
        self.source = self.centers_class(self.config.centers, self.task)
        self.toward = self.loss_class(self.config.loss, self.task, self.source.centers)
        self.facts = self.source.facts
        return self.source.centers

    @property
    def centers(self) -> Tensor:
        """Centers in force, of all parts."""
        return super().centers

    @centers.setter
    def centers(self, value: Tensor) -> None:
        Method.centers.__set__(self, value)  # type: ignore[attr-defined]
        self.source.centers = self.toward.centers = value

    @property
    def outputs(self) -> int:
        """The loss's."""
        return self.toward.outputs

    @property
    def training_seed(self) -> int:
        """The centers'."""
        return self.source.training_seed

    @property
    def momentum(self) -> float | None:  # type: ignore[override]
        """The loss's."""
        return self.toward.momentum

    @property
    def loss_vmaps(self) -> bool:  # type: ignore[override]
        """The loss's."""
        return self.toward.loss_vmaps

    @property
    def codes_from(self) -> Literal["epoch", "pass"]:  # type: ignore[override]
        """The centers'."""
        return self.source.codes_from

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        """The loss's."""
        loss = self.toward.loss(relaxed, targets)
        self.log = self.toward.log
        return loss

    def before_training(self, targets: Tensor) -> None:
        """Both."""
        self.source.before_training(targets)
        self.toward.before_training(targets)

    def before_epoch(self, epoch: int) -> None:
        """Both."""
        self.source.before_epoch(epoch)
        self.toward.before_epoch(epoch)

    def reads_slow_outputs(self, epoch: int) -> bool:
        """The loss's."""
        return self.toward.reads_slow_outputs(epoch)

    def before_loss(self, places: Tensor, slow: Tensor) -> None:
        """The loss's."""
        self.toward.before_loss(places, slow)

    def reads_codes(self, epoch: int) -> bool:
        """The centers'."""
        return self.source.reads_codes(epoch)

    def after_epoch(self, epoch: int, codes: Tensor, targets: Tensor) -> None:
        """The centers', which the loss then aims at."""
        self.source.after_epoch(epoch, codes, targets)
        self.centers = self.source.centers

    def codes(self, outputs: Tensor) -> Tensor:
        """The loss's."""
        return self.toward.codes(outputs)


@functools.cache
def combine(centers: type[Method], loss: type[Method]) -> type[Method]:
    """The class of a combination."""
    config = create_model(
        "CombinedConfig", __base__=Config,
        centers=(centers.Config, setting(..., "settings of the centers' method", source="the method")),
        loss=(loss.Config, setting(..., "settings of the loss's method", source="the method")),
    )  # fmt: skip
    return type(
        f"{centers.__name__}CentersWith{loss.__name__}Loss",
        (Combined,),
        {"centers_class": centers, "loss_class": loss, "Config": config, "__module__": __name__},
    )

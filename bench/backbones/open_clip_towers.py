"""CLIP's image towers by open_clip: `open_clip:MODEL`, with the model's first release, or `open_clip:MODEL/RELEASE`.

A release settles the activation (QuickGELU or GELU) and the normalisation; the name alone thus says which network it
is. The features are CLIP's image embeddings before they are normalised.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bench.backbones.hub import open_clip_file, open_clip_place
from bench.backbones.sources import Release, resize_timm
from bench.backbones.weights import load_weights
from bench.compat import import_open_clip
from bench.errors import UnknownNameError

if TYPE_CHECKING:
    from torch import nn

_NO_TEXT = {"width": 8, "heads": 1, "layers": 1, "vocab_size": 1, "context_length": 1}  # the tower is not wanted


def release(name: str) -> Release:
    """What open_clip knows of the weights.

    Raises:
        UnknownNameError: no such model, or no such release of it.
    """
    open_clip = import_open_clip()
    model, tag = _parts(name)
    size = open_clip.get_model_config(model)["vision_cfg"].get("image_size", 224)
    square = size if isinstance(size, int) else size[0]
    if not tag:
        return Release(None, "", open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD, square)
    config = open_clip.get_pretrained_cfg(model, tag)
    hub = config.get("hf_hub", "")
    repository, files = open_clip_place(hub)
    place = f"{files[0]} of https://huggingface.co/{repository}" if hub else config["url"]
    return Release(
        f"open_clip-{model}.{tag}", place, tuple(config["mean"]), tuple(config["std"]), square, _ambiguity(name, model)
    )


def build(name: str, pretrained: bool) -> nn.Module:
    """The tower, of the release's activation."""
    open_clip = import_open_clip()
    model, tag = _parts(name)
    config, of_release = open_clip.get_model_config(model), open_clip.get_pretrained_cfg(model, tag)
    vision = {**config["vision_cfg"], "output_tokens": False}
    quick_gelu = bool((of_release or config).get("quick_gelu"))
    tower: nn.Module = open_clip.CLIP(config["embed_dim"], vision, _NO_TEXT, quick_gelu=quick_gelu).visual
    if pretrained:
        load_weights(tower, open_clip_file(of_release), name)
    return tower


def resize(tower: Any, size: int) -> None:
    """Positional embeddings are interpolated as `force_image_size` does; an attention pool's cannot be."""
    if hasattr(tower, "trunk"):
        resize_timm(tower.trunk, size)
        return
    if not hasattr(tower, "grid_size") or tower.image_size == (size, size):
        return
    from open_clip.model import resize_pos_embed
    from torch import nn

    side = [size // patch for patch in tower.patch_size]
    tower.image_size, tower.grid_size = (size, size), tuple(side)
    old = tower.positional_embedding
    state = {"visual.positional_embedding": old.detach()}
    resize_pos_embed(state, SimpleNamespace(visual=tower))
    tower.positional_embedding = nn.Parameter(state["visual.positional_embedding"], requires_grad=old.requires_grad)


def _parts(name: str) -> tuple[str, str]:
    """Model and release of a name; "" where a model has no release."""
    open_clip = import_open_clip()
    model, _, tag = name.removeprefix("open_clip:").partition("/")
    if model not in open_clip.list_models():
        raise UnknownNameError("backbone", name, [f"open_clip:{m}" for m in open_clip.list_models()])
    tags = open_clip.list_pretrained_tags_by_model(model)
    if tag and tag not in tags:
        raise UnknownNameError("backbone", name, [f"open_clip:{model}/{t}" for t in tags])
    return model, tag or next(iter(tags), "")


def _ambiguity(name: str, model: str) -> str:
    if "/" in name:
        return ""
    open_clip = import_open_clip()
    tags = open_clip.list_pretrained_tags_by_model(model)
    configs = [open_clip.get_pretrained_cfg(model, tag) for tag in tags]
    if len({(bool(c.get("quick_gelu")), tuple(c["mean"]), tuple(c["std"])) for c in configs}) == 1:
        return ""
    return (
        f"the releases of {model} differ in activation or normalisation: name the one that the file is of, or is "
        f"trained like, for example --backbone {name}/{tags[0]} (others: {', '.join(tags[1:])})."
    )

"""CLIP models of open_clip: by a pretrained tag (from its cache or the Hugging Face hub) or a checkpoint file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.backbones.hub import open_clip_file
from bench.compat import import_open_clip
from bench.digests import file_digest
from bench.errors import ConfigError, UnknownNameError

DEFAULT_MODEL = "ViT-B-32"
_DEFAULT_TAG = "laion2b_s34b_b79k"


@dataclass(frozen=True)
class Clip:
    """A model with its weights, not loaded yet.

    Attributes:
        model: name in open_clip.
        path: of the weights.
        weights: identity: the tag, if any, and SHA-256 of the file; the activation, where the tag's is another than the
            model's.
        quick_gelu: whether the activation is QuickGELU though the model's name does not say so.
        image_size, mean, std: of its input.
    """

    model: str
    path: Path
    weights: str
    quick_gelu: bool
    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def open(cls, model: str, pretrained: str | None) -> Clip:
        """Find model and weights; downloads those of a tag if they are not in the cache.

        Raises:
            UnknownNameError: no such model or tag.
            ConfigError: weights that are not there and cannot be downloaded.
        """
        open_clip = import_open_clip()
        if model not in open_clip.list_models():
            raise UnknownNameError("CLIP model", model, open_clip.list_models())
        pretrained = pretrained or _DEFAULT_TAG
        if Path(pretrained).expanduser().is_file():
            path = Path(pretrained).expanduser()
            settings: dict[str, Any] = {}
            label = "file"
        else:
            if pretrained not in open_clip.list_pretrained_tags_by_model(model):
                tags = open_clip.list_pretrained_tags_by_model(model)
                raise UnknownNameError(f"file, and no pretrained tag of {model},", pretrained, tags)
            settings, label = open_clip.get_pretrained_cfg(model, pretrained), pretrained
            path = _download(model, pretrained, settings)
        config = open_clip.get_model_config(model)
        size = config["vision_cfg"]["image_size"]
        defaults = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
        mean, std = settings.get("mean") or defaults[0], settings.get("std") or defaults[1]
        quick_gelu = bool(settings.get("quick_gelu")) and not config.get("quick_gelu")
        weights = f"{label} sha256:{file_digest(path)[:16]}{' QuickGELU' if quick_gelu else ''}"
        square = size[0] if isinstance(size, (tuple, list)) else size
        return cls(model, path, weights, quick_gelu, square, tuple(mean), tuple(std))

    def image_encoder(self) -> tuple[torch.nn.Module, int]:
        """(B, 3, S, S) -> (B, D), and D."""
        network = _ImageEncoder(self._load())
        with torch.inference_mode():
            dim = network(torch.zeros(1, 3, self.image_size, self.image_size)).shape[1]
        return network, int(dim)

    @torch.inference_mode()
    def encode_texts(self, texts: list[str], device: torch.device) -> NDArray[np.float32]:
        """(n, D)."""
        network = self._load().to(device).eval()
        tokens = import_open_clip().get_tokenizer(self.model)(texts).to(device)
        return np.asarray(torch.cat([network.encode_text(some) for some in tokens.split(256)]).float().cpu().numpy())

    def _load(self) -> Any:
        try:
            return import_open_clip().create_model(
                self.model, pretrained=str(self.path), force_quick_gelu=self.quick_gelu
            )
        except Exception as error:
            reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else ""
            raise ConfigError(
                f"{self.path} cannot be loaded into {self.model} ({type(error).__name__}: {reason}): "
                "is it a checkpoint of this model?"
            ) from error


class _ImageEncoder(torch.nn.Module):
    def __init__(self, clip: Any) -> None:
        super().__init__()
        self.clip = clip

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embeddings, not normalised."""
        return self.clip.encode_image(images).float()


def _download(model: str, tag: str, settings: dict[str, Any]) -> Path:
    try:
        return open_clip_file(settings)
    except Exception as error:
        quick = f"{model}-quickgelu"  # a file does not tell its activation, so the model's name must
        named = quick if settings.get("quick_gelu") and quick in import_open_clip().list_models() else model
        raise ConfigError(
            f"the weights {tag} of {model} are not in the cache and cannot be downloaded ({type(error).__name__}): "
            f"download them where there is a network, or name a checkpoint file: clip:{named}@FILE."
        ) from error

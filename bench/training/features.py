"""Features of a frozen backbone: extracted once per dataset, backbone, weights and transform, then kept on disk."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import torch
from numpy.typing import NDArray

from bench.backbones.build import Weights, build_backbone, weights_digest
from bench.data.cache import cache_dir, cached_array, load_array
from bench.data.filling import filled_array
from bench.plugins.dataset import Dataset
from bench.training.devices import full_precision
from bench.training.inputs import ImageInputs
from bench.training.model import HashModel
from bench.training.progress import Observer, watching_decoding
from bench.training.regimes import TrainConfig
from bench.training.seeding import seeded
from bench.training.trainer import outputs_of

_BLOCK = 1024  # items written at a time, about
_VERSION = 2  # raised when the same key would give other features than before


def frozen_features(
    dataset: Dataset, config: TrainConfig, weights: Weights, device: torch.device, observer: Observer
) -> NDArray[np.float32]:
    """(N, D) float32 for all items, from the centre crop in evaluation mode; read from the cache if they are there."""
    key = features_key(dataset.fingerprint(), config, weights.id)
    stored = load_array(cache_dir() / f"{key}.npy")
    return _extract(key, dataset, config, weights, device, observer) if stored is None else stored


def kept_digest(dataset: str, config: TrainConfig, weights: str) -> str | None:
    """Digest of the network that made the features in the cache; None for random weights, or where it is not kept.

    Args:
        dataset, weights: as `features_key`.
    """
    stored = load_array(cache_dir() / f"{features_key(dataset, config, weights)}-weights.npy")
    return None if stored is None else stored.tobytes().decode()


def features_key(dataset: str, config: TrainConfig, weights: str) -> str:
    """What they are kept under in the cache.

    Args:
        dataset: its fingerprint.
        weights: their id.
    """
    facts = {
        "version": _VERSION, "dataset": dataset, "backbone": config.backbone, "weights": weights,
        "image_size": config.image_size, "store_size": config.store_size,
    }  # fmt: skip
    return "features-" + hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]


def _extract(
    key: str, dataset: Dataset, config: TrainConfig, weights: Weights, device: torch.device, observer: Observer
) -> NDArray[np.float32]:
    """Block by block into the cache: ended in the middle, it goes on there, with the same bits."""
    size = config.image_size or dataset.native_size or 224
    with watching_decoding(observer):
        images = dataset.images(config.store_size or size)
    inputs = ImageInputs(images, config, weights, flip_safe=False, device=device)
    with seeded(0, "network-init"):  # matters for random weights alone
        backbone, dim = build_backbone(config.backbone, weights, size)
    if weights.pretrained:
        cached_array(f"{key}-weights", lambda: np.frombuffer(weights_digest(backbone).encode(), dtype=np.uint8))
    network = backbone.to(device)
    observer.stage("extracting features", len(images))

    def block(rows: slice) -> NDArray[np.float32]:
        return embed(network, dim, inputs, np.arange(rows.start, rows.stop), observer)

    step = -(-_BLOCK // inputs.test_batch_size) * inputs.test_batch_size
    features = filled_array(key, (len(images), dim), np.float32, block, step)
    assert features is not None
    return features


@torch.inference_mode()
def embed(
    network: torch.nn.Module, dim: int, inputs: ImageInputs, rows: NDArray[np.int64], observer: Observer
) -> NDArray[np.float32]:
    """(n, D) float32: what a network in evaluation mode makes of some items, on every device in single precision.

    They are made once and kept for all: so a GPU's may serve a CPU, and the other way round.
    """
    model = HashModel(network, torch.nn.Identity(), full_precision=True).eval()
    if not len(rows):
        return np.empty((0, dim), dtype=np.float32)
    with full_precision():
        (features,) = outputs_of(lambda batch: (model(batch),), inputs, rows, observer)
    return features

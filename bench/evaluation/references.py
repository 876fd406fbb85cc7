"""Class similarities to compare centers with: the class tree, class means of a network's embeddings, CLIP's texts.

    hierarchy                     the dataset's class tree
    backbone:NAME[@WEIGHTS]       class means of a backbone's features ("imagenet" or a file)
    clip:MODEL[@PRETRAINED]       class means of CLIP's image embeddings (open_clip: a tag or a checkpoint file)
    clip-text:MODEL[@PRETRAINED]  CLIP's embeddings of the class names
    FILE.npz                      its array `similarity`, (C, C)

Class means are of L2-normalised embeddings of the training images, their similarity is the cosine. Embeddings are
computed once per dataset, weights and preprocessing, and kept in the cache.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from bench.backbones.build import Weights, build_backbone, resolve_weights
from bench.data.cache import cached_array
from bench.digests import file_digest
from bench.errors import ConfigError, DataError, UnknownNameError
from bench.evaluation.clip import DEFAULT_MODEL, Clip
from bench.evaluation.files import CodeFile
from bench.evaluation.semantics import hierarchy_similarity
from bench.plugins.dataset import Dataset
from bench.training.features import embed
from bench.training.inputs import ImageInputs
from bench.training.progress import Observer
from bench.training.regimes import TrainConfig
from bench.training.seeding import seeded

Weighting = Literal["each", "shared"]
KINDS = ("hierarchy", "backbone", "clip", "clip-text")
_IMAGE_SIZE = 224  # of backbones, where images come in all sizes
_PROMPT = "a photo of a {}."
_BLOCK = 2**14  # embeddings in double precision at a time


@dataclass(frozen=True)
class Reference:
    """A class similarity and where it is from.

    Attributes:
        similarity: (C, C), symmetric.
        facts: model, weights' checksum, preprocessing, fingerprint of the images: what the cache key is made of.
    """

    similarity: NDArray[np.float64]
    facts: dict[str, Any]


def reference(
    name: str, dataset: Dataset, weighting: Weighting = "each", device: torch.device | str = "cpu",
    observer: Observer | None = None,
) -> Reference:  # fmt: skip
    """A reference by name, see the module.

    Args:
        weighting: of an image with several classes: it counts 1 for "each", or is "shared" among them, 1 / |y|.

    Raises:
        UnknownNameError: no such kind of reference, model or pretrained tag.
        ConfigError: weights that cannot be loaded.
        DataError: the dataset has no tree, or no images; a file whose similarity does not fit.
    """
    if name.endswith(".npz") and not name.startswith(("clip", "backbone")):
        return _from_file(Path(name), dataset)
    kind, _, rest = name.partition(":")
    if kind not in KINDS:
        raise UnknownNameError("reference", kind, KINDS)
    device, observer = torch.device(device), observer or Observer()
    if kind == "hierarchy":
        if dataset.hierarchy is None:
            raise DataError(f"{dataset.name} has no class tree: use another reference, for example clip.")
        return Reference(hierarchy_similarity(dataset.hierarchy), {"reference": kind, "dataset": dataset.fingerprint()})
    model, _, weights = rest.partition("@")
    if kind == "backbone":
        embeddings, facts = _backbone_embeddings(dataset, model or "resnet34", weights or None, device, observer)
    else:
        clip = Clip.open(model or DEFAULT_MODEL, weights or None)
        if kind == "clip-text":
            return _from_texts(clip, dataset, device)
        embeddings, facts = _clip_embeddings(dataset, clip, device, observer)
    facts = {"reference": kind, **facts, "weighting": weighting, "images": "training"}
    return Reference(
        class_cosines(embeddings, dataset.labels[dataset.split.train], dataset.num_classes, weighting), facts
    )


def class_cosines(
    embeddings: NDArray[np.float32], labels: NDArray[Any], num_classes: int, weighting: Weighting = "each"
) -> NDArray[np.float64]:
    """(C, C): cosine of the class means of L2-normalised embeddings (N, D).

    Args:
        labels: (N,) class indices, or (N, C) multi-hot rows.
    """
    sums = np.zeros((num_classes, embeddings.shape[1]))
    for start in range(0, len(embeddings), _BLOCK):
        rows = slice(start, start + _BLOCK)
        sums += _memberships(labels[rows], num_classes, weighting).T @ _unit(embeddings[rows].astype(np.float64))
    means = _unit(sums)  # a mean's length does not change its cosine
    return np.asarray(means @ means.T)


def _memberships(labels: NDArray[Any], num_classes: int, weighting: Weighting) -> Any:
    """Weights of items in their classes, a sparse matrix (n, C): items have few classes of thousands."""
    if labels.ndim == 1:
        return sparse.csr_array((np.ones(len(labels)), labels, np.arange(len(labels) + 1)), (len(labels), num_classes))
    rows = sparse.csr_array(labels.astype(np.float64))
    if weighting == "shared":
        rows.data /= np.repeat(rows.sum(axis=1), np.diff(rows.indptr))
    return rows


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _backbone_embeddings(
    dataset: Dataset, name: str, choice: str | None, device: torch.device, observer: Observer
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    if not dataset.has_images:
        return dataset.features()[dataset.split.train], {"model": "features", "dataset": dataset.fingerprint()}
    weights, size = resolve_weights(name, choice), dataset.native_size or _IMAGE_SIZE

    def network() -> tuple[torch.nn.Module, int]:
        with seeded(0, "network-init"):  # matters for random weights alone
            return build_backbone(name, weights, size)

    return _embeddings(dataset, network, name, size, weights, device, observer)


def _clip_embeddings(
    dataset: Dataset, clip: Clip, device: torch.device, observer: Observer
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    if not dataset.has_images:
        raise DataError(f"{dataset.name} has no images: use the reference hierarchy, backbone or clip-text.")
    weights = Weights(clip.weights, clip.mean, clip.std)
    return _embeddings(dataset, clip.image_encoder, clip.model, clip.image_size, weights, device, observer)


def _embeddings(
    dataset: Dataset, network: Any, model: str, size: int, weights: Weights, device: torch.device, observer: Observer
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """(N, D) of the training images, from the cache if they are there, and what they depend on."""
    facts = {
        "model": model, "weights": weights.id, "dataset": dataset.fingerprint(),
        "preprocessing": {"center_square": size, "mean": weights.mean, "std": weights.std}, "precision": "float32",
    }  # fmt: skip

    def compute() -> NDArray[np.float32]:
        encoder, dim = network()
        config = TrainConfig(image_size=size, store_size=size)
        inputs = ImageInputs(dataset.images(size), config, weights, flip_safe=False, device=device)
        observer.stage("extracting features", len(dataset.split.train))
        return embed(encoder.to(device), dim, inputs, dataset.split.train, observer)

    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
    return cached_array(f"reference-{key}", compute), facts


def _from_texts(clip: Clip, dataset: Dataset, device: torch.device) -> Reference:
    texts = [_PROMPT.format(name.replace("_", " ")) for name in dataset.class_names]
    unit = _unit(clip.encode_texts(texts, device).astype(np.float64))
    facts = {"reference": "clip-text", "model": clip.model, "weights": clip.weights, "prompt": _PROMPT}
    return Reference(unit @ unit.T, facts)


def _from_file(path: Path, dataset: Dataset) -> Reference:
    file = CodeFile(path)
    if "similarity" not in file.names:
        raise ConfigError(f"{path} has no array `similarity` (C, C).")
    found, classes = file.array("similarity"), dataset.num_classes
    if found.shape != (classes, classes):
        raise DataError(f"similarity in {path} is {found.shape}; {dataset.name} has {classes} classes.")
    return Reference(found.astype(np.float64), {"reference": "file", "sha256": file_digest(path)[:16]})

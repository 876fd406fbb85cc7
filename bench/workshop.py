"""What the cells that run in one process share: datasets, images, features, and the references made of them."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.backbones.build import Weights, resolve_weights, weights_digest
from bench.clock import Clock
from bench.data.cache import cached_array
from bench.data.splits import part_split
from bench.errors import DataError
from bench.evaluation.references import class_cosines, reference
from bench.grid.job import Job
from bench.plugins.dataset import Dataset, Split
from bench.plugins.registry import registry
from bench.storage.cell import Cell
from bench.training.compiled import CompiledNetworks
from bench.training.devices import choose_device, torch_threads
from bench.training.features import frozen_features, kept_digest
from bench.training.inputs import FeatureInputs, ImageInputs
from bench.training.progress import Observer, watching_decoding
from bench.training.regimes import TrainConfig, regime_named
from bench.training.similarity import ConfusionStage


@dataclass
class Material:
    """What cells on one dataset and backbone share; `split` is the dataset's, or its training part cut for tuning.

    Attributes:
        key: what is kept on disk of them is kept under this name.
        networks: None where backbones are not compiled.
    """

    dataset: Dataset
    split: Split
    weights: Weights
    inputs: ImageInputs | FeatureInputs
    key: str
    networks: CompiledNetworks | None = None
    _features_map: float | None = None
    _weights_digest: str | None = None

    def features_map(self, measure: Callable[[], float]) -> float:
        """mAP of frozen features: the same for every cell, so measured once and kept on disk."""
        if self._features_map is None:
            array = cached_array(f"features-map-{self.key}", lambda: np.array([measure()]))
            self._features_map = float(array[0])
        return self._features_map

    def weights_digest(self, backbone: torch.nn.Module) -> str | None:
        """Of the pretrained network under the cells, which `backbone` is while it is not trained yet; None for others.

        Where features are frozen it is of the network that made them.
        """
        if self._weights_digest is None and self.weights.pretrained and isinstance(self.inputs, ImageInputs):
            self._weights_digest = weights_digest(backbone)
        return self._weights_digest

    @functools.cached_property
    def features_similarity(self) -> NDArray[np.float64] | None:
        """(C, C): cosine of class means of frozen features, training items; None for images."""
        if not isinstance(self.inputs, FeatureInputs):
            return None
        rows, data = self.split.train, self.dataset
        return class_cosines(self.inputs.features[rows].cpu().numpy(), data.labels[rows], data.num_classes)

    def similarity(
        self, cell: Cell, config: TrainConfig, clock: Clock, device: torch.device, observer: Observer
    ) -> tuple[NDArray[np.float64] | None, dict[str, Any]]:
        """The class similarity that the cell's method asks for, and what is worth storing of how it was made."""
        cls = registry("method").load(cell.method)
        source = cls.similarity_source(cls.Config.build(cell.method, cell.method_config))
        if source is None:
            return None, {}
        if source.startswith("classifier-"):
            form: Any = source.removeprefix("classifier-")
            found = ConfusionStage(
                form,
                self.dataset,
                self.split.train,
                self.inputs,
                self.weights,
                config,
                self.key,
                cell.seed,
                device,
                observer,
                self.networks,
            ).run()
            clock.add("classifier", found.seconds)
            return found.similarity, {"similarity": source, "classifier_accuracy": found.accuracy}
        with clock.phase("reference"):
            if source == "backbone" and self.features_similarity is not None:
                return self.features_similarity, {"similarity": "backbone: frozen features"}
            name = f"backbone:{cell.backbone}" if source == "backbone" else source
            given = reference(name, self.dataset, device=device, observer=observer)
        return given.similarity, {"similarity": source, "reference": given.facts}


class Workshop:
    """Datasets, images and features that the cells run in one process share. Holds one material at a time."""

    def __init__(self, observer: Observer, shared_threads: int | None = None) -> None:
        """Take an observer, and the threads for what all cells profit of; None: those of the process."""
        self._observer, self._shared_threads = observer, shared_threads
        self._material: Material | None = None
        self._device = ""
        self._networks: CompiledNetworks | None = None

    def material(self, job: Job, config: TrainConfig) -> Material:
        """The job's dataset and inputs, from the cell before if they are the same."""
        cell = job.cell
        facts = [
            cell.dataset, cell.dataset_config, cell.split, cell.fingerprint, cell.part, cell.regime, cell.backbone,
            cell.weights,
            [getattr(config, name) for name in ("image_size", "store_size", "crop", "pad", "flip")],
            choose_device(job.device).type,  # a GPU's last digits are not a CPU's; which GPU does not matter
        ]  # fmt: skip
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
        if self._material is None or (self._material.key, self._device) != (key, job.device):
            self._material = None  # freed before the next is made
            self._material, self._device = self._make(job, config, key), job.device
        return self._material

    def _make(self, job: Job, config: TrainConfig, key: str) -> Material:
        dataset, device = job.open_dataset(), choose_device(job.device)
        if dataset.fingerprint() != job.cell.fingerprint:
            raise DataError(f"{dataset.name} has changed since the run was planned: run again.")
        split = part_split(dataset.split, dataset.labels, job.cell.part)
        if not dataset.has_images:
            return Material(dataset, split, Weights("dataset"), FeatureInputs(dataset.features(), device), key)
        weights = resolve_weights(config.backbone, job.weights)
        if regime_named(job.cell.regime).frozen:
            with torch_threads(self._shared_threads):
                features = frozen_features(dataset, config, weights, device, self._observer)
            digest = kept_digest(job.cell.fingerprint, config, weights.id)
            return Material(dataset, split, weights, FeatureInputs(features, device), key, _weights_digest=digest)
        with watching_decoding(self._observer):
            images = dataset.images(config.store_size or config.image_size or dataset.native_size or 64)
        inputs = ImageInputs(images, config, weights, dataset.flip_safe, device)
        return Material(dataset, split, weights, inputs, key, self._networks_of(job))

    def _networks_of(self, job: Job) -> CompiledNetworks | None:
        if job.compile == "no":
            return None
        if self._networks is None or self._networks.how != job.compile:
            self._networks = CompiledNetworks(job.compile)
        return self._networks

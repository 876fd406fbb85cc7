"""The life of one cell, from top to bottom: data, centers, training, codes, evaluation, store."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.codes.packing import pack
from bench.data.cache import cached_array
from bench.errors import BenchError, BenchWarning, DataError
from bench.evaluation.audit import audit_centers, audit_codes
from bench.evaluation.cosine import cosine_map
from bench.evaluation.evaluate import evaluate
from bench.evaluation.semantics import hierarchy_similarity, pcc
from bench.evaluation.summary import measures
from bench.grid.cell import Cell
from bench.grid.job import Job
from bench.grid.provenance import peak_memory, provenance
from bench.grid.store import Store, StoredCell
from bench.plugins.dataset import Dataset
from bench.plugins.method import Method, Task
from bench.plugins.registry import registry
from bench.training.backbones import Weights, build_backbone, resolve_weights
from bench.training.devices import choose_device
from bench.training.features import frozen_features
from bench.training.inputs import FeatureInputs, ImageInputs
from bench.training.model import HashModel, build_head
from bench.training.progress import Observer
from bench.training.regimes import TrainConfig, regime_named
from bench.training.seeding import seeded
from bench.training.trainer import Encoded, Trained, encode, train


def run_cell(job: Job, workshop: Workshop, observer: Observer) -> StoredCell:
    """Run a cell and store what came of it: metrics, or the error that ended it.

    Raises:
        DataError: an image cannot be read, or the dataset has changed: every cell on it would end like this one.
        StoreError: the result cannot be written. Everything else that goes wrong is stored as a failed cell.
    """
    clock = Clock()
    result: dict[str, Any] = {
        "status": "ok",
        "reason": None,
        "traceback": None,
        "metrics": {},
        "audit": {},
        "history": [],
    }
    arrays: dict[str, NDArray[Any]] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BenchWarning)
        try:
            job.add_plugins()
            measured, arrays = _measure(job, workshop, clock, observer)
            result |= measured
        except DataError:
            raise
        except Exception as error:
            known = isinstance(error, BenchError)
            reason = str(error) if known else f"{type(error).__name__}: {error}"
            result |= {"status": "failed", "reason": reason, "traceback": traceback.format_exc()}
    result["notes"] = sorted({str(w.message) for w in caught if issubclass(w.category, BenchWarning)})
    result["seconds"] = clock.seconds()
    result["provenance"] = provenance(workshop.device_of(job)) | {"peak_memory_bytes": peak_memory()}
    return Store(job.out).write(job.cell, result, arrays)


def _measure(
    job: Job, workshop: Workshop, clock: Clock, observer: Observer
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    cell, device = job.cell, workshop.device_of(job)
    config = TrainConfig.build("train", {**cell.train, "backbone": cell.backbone})
    with clock.phase("data"):
        material = workshop.material(job, config)
        dataset = material.dataset
    with clock.phase("centers"):
        method = build_method(cell).to(device)
    with clock.phase("training"):
        model = build_model(material, config, cell, device)
        trained = train(
            model, method, material.inputs, dataset.labels, dataset.split.train, config,
            seed=cell.seed, pretrained=material.weights.pretrained, device=device, observer=observer,
        )  # fmt: skip
    with clock.phase("codes"):
        observer.stage("codes", len(dataset.split.query) + len(dataset.split.database))
        query = encode(model, material.inputs, dataset.split.query, observer)
        database = encode(model, material.inputs, dataset.split.database, observer)
    with clock.phase("evaluation"):
        observer.stage("evaluation", 0)
        labels = dataset.labels[dataset.split.query], dataset.labels[dataset.split.database]
        ranking = evaluate(query.codes, labels[0], database.codes, labels[1], ties=cell.ties, device=device)

        def features_map() -> float:
            return cosine_map(query.features, labels[0], database.features, labels[1], device)

        features = material.once(features_map) if regime_named(cell.regime).frozen else features_map()
        relaxed = cosine_map(query.relaxed, labels[0], database.relaxed, labels[1], device)
        centers, codes = _audit(cell, trained, database, labels[1])
    metrics = measures(ranking) | {
        "map_features": features, "map_relaxed": relaxed, "quantization_gap": relaxed - ranking.map,
        **_alignment(trained, dataset), "d_min": centers["d_min"], "duplicates": centers["duplicates"],
    }  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {
        "centers_used": trained.centers_used, "centers_final": trained.centers_final,
        "query_codes": pack(query.codes), "database_codes": pack(database.codes), "ap": ranking.ap,
    }  # fmt: skip
    return {"metrics": metrics, "audit": {"centers": centers, "codes": codes}, "history": trained.history}, arrays


def _alignment(trained: Trained, dataset: Dataset) -> dict[str, Any]:
    """PCC of the last centers with the dataset's class tree, and how many centers the last reassignment moved."""
    tree = dataset.hierarchy
    return {
        "pcc": None if tree is None else pcc(trained.centers_final, hierarchy_similarity(tree)),
        "pcc_reference": None if tree is None else "hierarchy",
        "centers_moved_last": int((trained.centers_used != trained.centers_final).any(axis=1).sum()),
    }


def _audit(
    cell: Cell, trained: Trained, database: Encoded, labels: NDArray[Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of the last centers and of the database's codes; classes that share a center are a warning."""
    centers = audit_centers(trained.centers_final)
    if centers["duplicates"]:
        warnings.warn(
            f"{cell.method_label}: {centers['duplicates']} pairs of the {cell.num_classes} classes share a center at "
            f"{cell.bits} bits: nothing in their codes can tell them apart.",
            BenchWarning,
            stacklevel=2,
        )
    return centers, audit_codes(database.codes, labels, trained.centers_used)


def build_method(cell: Cell) -> Method:
    """The cell's method for its task."""
    cls = registry("method").load(cell.method)
    task = Task(cell.num_classes, cell.bits, cell.seed, cell.multi_label)
    method: Method = cls(cls.Config.build(cell.method, cell.method_config), task)
    return method


def build_model(material: Material, config: TrainConfig, cell: Cell, device: torch.device) -> HashModel:
    """Backbone (none in the frozen regime) and head, random weights from the stream `network-init`."""
    with seeded(cell.seed, "network-init"):
        if isinstance(material.inputs, ImageInputs):
            backbone, dim = build_backbone(config.backbone, material.weights, material.inputs.size)
        else:
            backbone, dim = torch.nn.Identity(), material.inputs.features.shape[1]
        return HashModel(backbone, build_head(config, dim, cell.bits)).to(device)


@dataclasses.dataclass
class Material:
    """What cells on one dataset and backbone share."""

    dataset: Dataset
    weights: Weights
    inputs: ImageInputs | FeatureInputs
    key: str
    _features_map: float | None = None

    def once(self, features_map: Callable[[], float]) -> float:
        """mAP of frozen features: the same for every cell, so computed once and kept on disk."""
        if self._features_map is None:
            array = cached_array(f"features-map-{self.key}", lambda: np.array([features_map()]))
            self._features_map = float(array[0])
        return self._features_map


class Workshop:
    """Datasets, images and features that the cells run in one process share. Holds one material at a time."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._material: Material | None = None

    def device_of(self, job: Job) -> torch.device:
        """The job's device; "auto" is the GPU where there is one."""
        return choose_device(job.device)

    def material(self, job: Job, config: TrainConfig) -> Material:
        """The job's dataset and inputs, from the cell before if they are the same."""
        cell = job.cell
        facts = [
            cell.dataset, cell.dataset_config, cell.split, cell.fingerprint, cell.regime, cell.backbone, cell.weights,
            [getattr(config, name) for name in ("image_size", "store_size", "crop", "pad", "flip")], str(job.device),
        ]  # fmt: skip
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
        if self._material is None or self._material.key != key:
            self._material = None  # freed before the next is made
            self._material = self._make(job, config, key)
        return self._material

    def _make(self, job: Job, config: TrainConfig, key: str) -> Material:
        dataset, device = job.open_dataset(), self.device_of(job)
        if dataset.fingerprint() != job.cell.fingerprint:
            raise DataError(f"{dataset.name} has changed since the run was planned: run again.")
        if not dataset.has_images:
            return Material(dataset, Weights("dataset"), FeatureInputs(dataset.features(), device), key)
        weights = resolve_weights(config.backbone, job.weights)
        if regime_named(job.cell.regime).frozen:
            features = frozen_features(dataset, config, weights, device, self._observer)
            return Material(dataset, weights, FeatureInputs(features, device), key)
        self._observer.stage("decoding images", 0)
        images = dataset.images(config.store_size or config.image_size or dataset.native_size or 64)
        return Material(dataset, weights, ImageInputs(images, config, weights, dataset.flip_safe, device), key)


class Clock:
    """Wall seconds by phase."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._phases: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what runs inside."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._phases[name] = self._phases.get(name, 0.0) + time.perf_counter() - start

    def seconds(self) -> dict[str, float]:
        """Seconds by phase, and `total`."""
        return {**self._phases, "total": time.perf_counter() - self._start}

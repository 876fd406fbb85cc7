"""The life of one cell, from top to bottom: data, centers, training, codes, evaluation, store."""

from __future__ import annotations

import traceback
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.clock import Clock
from bench.codes.packing import pack
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
from bench.plugins.method import Method, Task
from bench.plugins.registry import registry
from bench.training.model import build_model
from bench.training.progress import Observer
from bench.training.regimes import TrainConfig, regime_named
from bench.training.trainer import Encoded, Trained, encode, train
from bench.workshop import Material, Workshop


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
        dataset, split = material.dataset, material.split
    similarity, similarity_facts = material.similarity(cell, config, clock, device, observer)
    with clock.phase("centers"):
        method = build_method(cell, similarity).to(device)
    with clock.phase("training"):
        seed = method.training_seed
        model = build_model(material.inputs, material.weights, config, method.outputs, seed, device)
        trained = train(
            model, method, material.inputs, dataset.labels, split.train, config,
            seed=seed, pretrained=material.weights.pretrained, device=device, observer=observer,
        )  # fmt: skip
    with clock.phase("codes"):
        observer.stage("codes", len(split.query) + len(split.database))
        query = encode(model, method, material.inputs, split.query, observer)
        database = encode(model, method, material.inputs, split.database, observer)
    with clock.phase("evaluation"):
        observer.stage("evaluation", 0)
        labels = dataset.labels[split.query], dataset.labels[split.database]
        ranking = evaluate(query.codes, labels[0], database.codes, labels[1], ties=cell.ties, device=device)

        def features_map() -> float:
            return cosine_map(query.features, labels[0], database.features, labels[1], device)

        features = material.once(features_map) if regime_named(cell.regime).frozen else features_map()
        relaxed = cosine_map(query.relaxed, labels[0], database.relaxed, labels[1], device)
        centers, codes = _audit(cell, trained, database, labels[1])
    metrics = measures(ranking) | {
        "map_features": features, "map_relaxed": relaxed, "quantization_gap": relaxed - ranking.map,
        **_alignment(trained, material), "d_min": centers["d_min"], "duplicates": centers["duplicates"],
    }  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {
        "centers_used": trained.centers_used, "centers_final": trained.centers_final,
        "query_codes": pack(query.codes), "database_codes": pack(database.codes), "ap": ranking.ap,
    }  # fmt: skip
    audit = {"centers": centers, "codes": codes, "construction": method.facts | similarity_facts}
    return {"metrics": metrics, "audit": audit, "history": trained.history}, arrays


def _alignment(trained: Trained, material: Material) -> dict[str, Any]:
    """PCC of the last centers with the class tree and, where they are at hand, with class means of frozen features;
    and how many centers the last reassignment moved.
    """
    tree, features = material.dataset.hierarchy, material.features_similarity
    return {
        "pcc": None if tree is None else pcc(trained.centers_final, hierarchy_similarity(tree)),
        "pcc_reference": None if tree is None else "hierarchy",
        "pcc_backbone": None if features is None else pcc(trained.centers_final, features),
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


def build_method(cell: Cell, similarity: NDArray[np.float64] | None = None) -> Method:
    """The cell's method for its task."""
    cls = registry("method").load(cell.method)
    task = Task(cell.num_classes, cell.bits, cell.seed, cell.multi_label, similarity)
    method: Method = cls.create(cls.Config.build(cell.method, cell.method_config), task)
    return method

"""What a trained network is worth: its codes, and all that is computed of them and of the centers.

All that reports show is stored here: they read cells and recompute nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from bench.clock import Clock
from bench.codes.packing import pack
from bench.errors import BenchWarning
from bench.evaluation.audit import audit_centers, audit_codes
from bench.evaluation.cosine import cosine_map
from bench.evaluation.curves import curves
from bench.evaluation.evaluate import evaluate
from bench.evaluation.semantics import hierarchy_similarity, pcc
from bench.evaluation.summary import measures
from bench.plugins.method import Method
from bench.storage.cell import Cell
from bench.training.device_errors import out_of_memory
from bench.training.devices import free_memory
from bench.training.model import HashModel
from bench.training.progress import Observer
from bench.training.regimes import regime_named
from bench.training.trainer import Encoded, Trained, encode
from bench.workshop import Material

Found = TypeVar("Found")

CUTS = (100, 1000, 5000)  # k of mAP@k, P@k and R@k: those of the papers' tables


def measure(
    cell: Cell, model: HashModel, method: Method, trained: Trained, material: Material, clock: Clock,
    device: torch.device, observer: Observer,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:  # fmt: skip
    """Metrics, audit, classes and history, and the arrays to store.

    centers_used, centers_final, centers_initial: (C, K) int8. query_codes, database_codes: (N, ceil(K / 8)) uint8.
    query_labels, database_labels: see `_stored_labels`. ap: (Q,) float64. class_similarity: (C (C - 1) / 2,) float16,
    pairs i < j of class means of frozen features, where features are frozen. And `bench.evaluation.curves`.
    """
    dataset, split = material.dataset, material.split
    with clock.phase("codes"):
        observer.stage("codes", len(split.query) + len(split.database))
        query = encode(model, method, material.inputs, split.query, observer)
        database = encode(model, method, material.inputs, split.database, observer)
    with clock.phase("evaluation"):
        observer.stage("evaluation", 0)
        labels = dataset.labels[split.query], dataset.labels[split.database]
        ranking = where_it_fits(
            lambda there: evaluate(query.codes, labels[0], database.codes, labels[1], ties=cell.ties, device=there),
            device,
        )

        def by_cosine(queries: NDArray[np.float32], items: NDArray[np.float32]) -> float:
            return where_it_fits(lambda there: cosine_map(queries, labels[0], items, labels[1], there), device)

        def by_features() -> float:
            return by_cosine(query.features, database.features)

        features = material.features_map(by_features) if regime_named(cell.regime).frozen else by_features()
        relaxed = by_cosine(query.relaxed, database.relaxed)
        centers, codes = _audit(cell, trained, database, labels[1])
    aligned, history = _alignment(trained, material)
    metrics = measures(ranking, CUTS) | {
        "map_features": features, "map_relaxed": relaxed, "quantization_gap": relaxed - ranking.map,
        **aligned, "d_min": centers["d_min"], "duplicates": centers["duplicates"],
    }  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {
        "centers_used": trained.centers_used, "centers_final": trained.centers_final,
        "centers_initial": trained.centers_path[0],
        "query_codes": pack(query.codes), "database_codes": pack(database.codes), "ap": ranking.ap,
        "query_labels": _stored_labels(labels[0], cell), "database_labels": _stored_labels(labels[1], cell),
        **curves(ranking),
    }  # fmt: skip
    if material.features_similarity is not None:
        pairs = np.triu_indices(cell.num_classes, 1)
        arrays["class_similarity"] = material.features_similarity[pairs].astype(np.float16)
    tree = dataset.hierarchy
    classes = {"names": list(dataset.class_names), "paths": None if tree is None else [list(p) for p in tree.paths]}
    audit = {"centers": centers, "codes": codes}
    return {"metrics": metrics, "audit": audit, "history": history, "classes": classes}, arrays


def where_it_fits(work: Callable[[torch.device], Found], device: torch.device) -> Found:
    """`work` on the device, or on the CPU where the device's memory does not hold it: a training must not be lost."""
    try:
        return work(device)
    except Exception as error:
        if device.type == "cpu" or not out_of_memory(error):
            raise
    free_memory()
    warnings.warn("the GPU's memory ran out: evaluated on the CPU.", BenchWarning, stacklevel=2)
    return work(torch.device("cpu"))


def _stored_labels(labels: NDArray[Any], cell: Cell) -> NDArray[Any]:
    """(N,) class indices in the smallest unsigned type, or (N, ceil(C / 8)) uint8, a bit for each class."""
    if cell.multi_label:
        return np.packbits(labels.astype(bool), axis=1)
    return labels.astype(np.min_scalar_type(cell.num_classes - 1))


def _alignment(trained: Trained, material: Material) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """PCC of the centers with the class tree and, where they are at hand, with class means of frozen features: of the
    last ones, of those at the start, and after each epoch; and how many centers the last reassignment moved.
    """
    tree = material.dataset.hierarchy
    references = {
        "pcc": None if tree is None else hierarchy_similarity(tree), "pcc_backbone": material.features_similarity
    }  # fmt: skip
    metrics: dict[str, Any] = {
        "pcc_reference": None if tree is None else "hierarchy",
        "centers_moved_last": int((trained.centers_used != trained.centers_final).any(axis=1).sum()),
    }
    history = [dict(epoch) for epoch in trained.history]
    for name, similarity in references.items():
        path = [None if similarity is None else pcc(centers, similarity) for centers in trained.centers_path]
        metrics |= {name: path[-1], f"{name}_initial": path[0]}
        step = 0
        for epoch in history:
            step += epoch["centers_moved"] > 0
            if (value := path[step]) is not None:
                epoch[name] = value
    return metrics, history


def _audit(
    cell: Cell, trained: Trained, database: Encoded, labels: NDArray[Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of the last centers and of the database's codes; classes that share a center are a warning."""
    centers = audit_centers(trained.centers_final)
    if equal := centers["duplicates"]:
        pairs = "1 pair" if equal == 1 else f"{equal} pairs"
        warnings.warn(
            f"{cell.method_label}: {pairs} of the {cell.num_classes} classes with the same center at {cell.bits} bits: "
            "nothing in their codes can tell them apart.",
            BenchWarning,
            stacklevel=2,
        )
    return centers, audit_codes(database.codes, labels, trained.centers_used)

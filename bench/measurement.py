"""What a trained network is worth: its codes, and all that is computed of them and of the centers."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from numpy.typing import NDArray

from bench.clock import Clock
from bench.codes.packing import pack
from bench.errors import BenchWarning
from bench.evaluation.audit import audit_centers, audit_codes
from bench.evaluation.cosine import cosine_map
from bench.evaluation.evaluate import evaluate
from bench.evaluation.semantics import hierarchy_similarity, pcc
from bench.evaluation.summary import measures
from bench.grid.cell import Cell
from bench.plugins.method import Method
from bench.training.model import HashModel
from bench.training.progress import Observer
from bench.training.regimes import regime_named
from bench.training.trainer import Encoded, Trained, encode
from bench.workshop import Material


def measure(
    cell: Cell, model: HashModel, method: Method, trained: Trained, material: Material, clock: Clock,
    device: torch.device, observer: Observer,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:  # fmt: skip
    """Metrics and audit, and the arrays to store: centers, packed codes, AP of each query."""
    dataset, split = material.dataset, material.split
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
    return {"metrics": metrics, "audit": {"centers": centers, "codes": codes}}, arrays


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

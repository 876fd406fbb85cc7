from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.storage.cell import Cell
from bench.storage.results import Results
from bench.storage.store import StoredCell

CELL: dict[str, Any] = {
    "dataset": "pets", "dataset_label": "pets", "split": "folders", "dataset_config": {}, "fingerprint": "abc",
    "num_classes": 12, "multi_label": False, "counts": {"train": 1200, "query": 30, "database": 4500},
    "method_config": {}, "method_version": 1, "seed": 0, "regime": "quick", "settings": "matched",
    "backbone": "small-cnn", "weights": "scratch",
    "train": {"epochs": 16, "optimizer": "adamw", "lr": 0.002, "batch_size": 32},
}  # fmt: skip
METRICS: dict[str, Any] = {
    "map_best": 0.9, "map_worst": 0.1, "map_stderr": 0.01, "map_chance": 0.0833, "map_features": 0.25, "pcc": -0.125,
    "map_relaxed": 0.55, "d_min": 4, "duplicates": 0, "pcc_reference": "hierarchy",
}  # fmt: skip

MakeCell = Callable[..., StoredCell]


@pytest.fixture
def made() -> MakeCell:
    """A stored cell: made("crh", 16, 0.5, seed=1, regime="frozen"); without mAP it has failed."""

    def make(method: str, bits: int, mean_ap: float | None, notes: tuple[str, ...] = (), **changes: Any) -> StoredCell:
        metrics = {k: changes.pop(k) for k in METRICS if k in changes}
        reason = changes.pop("reason", "out of luck")
        cell = Cell(**{**CELL, "method": method, "method_label": method, "bits": bits, **changes})
        result = {"status": "ok", "reason": None, "metrics": {**METRICS, "map": mean_ap, **metrics}}
        if mean_ap is None:
            result = {"status": "failed", "reason": reason, "metrics": {}}
        return StoredCell(cell, {**result, "seconds": {"total": 2.0}, "notes": list(notes)}, Path(cell.folder))

    return make


@pytest.fixture
def four(made: MakeCell) -> Results:
    """Two methods at two code lengths."""
    return Results([made("crh", 16, 0.5), made("crh", 32, 0.6), made("csq", 16, 0.4), made("csq", 32, 0.7, pcc=None)])


@pytest.fixture
def kept(tmp_path: Path) -> MakeCell:
    """A cell of `made` with arrays on disk and parts of its result: kept(cell, {"ranks": [1, 2]}, history=[...])."""

    def keep(stored: StoredCell, arrays: dict[str, Any] | None = None, **result: Any) -> StoredCell:
        folder = tmp_path / "cells" / stored.cell.folder
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "arrays.npz", **{name: np.asarray(value) for name, value in (arrays or {}).items()})
        return StoredCell(stored.cell, {**stored.result, **result}, folder)

    return keep


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder of images of 40 pixels: two of each class are queries, three train and are searched."""
    from PIL import Image

    for part, count in (("train", 3), ("test", 2)):
        for label, colour in (("cat", 40), ("dog", 120), ("oak", 200)):
            folder = tmp_path / "data" / "shelf" / part / label
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = np.random.default_rng([count, colour, i]).integers(colour, colour + 50, (40, 40, 3))
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")
    return tmp_path / "data" / "shelf"


@pytest.fixture
def shelved(made: MakeCell, kept: MakeCell, shelf: Path) -> MakeCell:
    """A cell on `shelf`, or on `root` and its `dataset`: shelved("crh", bits=8, codes=..., classes=[...], notes=...).

    Codes are random by method and seed unless they are given: `codes` for (queries, database), in {-1, +1}.
    """
    from bench.codes.packing import pack
    from bench.data.splits import part_split
    from bench.evaluation.evaluate import evaluate
    from bench.grid.job import open_dataset

    def make(
        method: str = "crh", bits: int = 8, root: Path = shelf, dataset: str = "image-folder", codes: Any = None,
        classes: Any = None, notes: Any = (), allow_missing: bool = False, config: Any = None, **changes: Any,
    ) -> StoredCell:  # fmt: skip
        opened = open_dataset(dataset, config or {}, "auto", root, allow_missing)
        split = part_split(opened.split, opened.labels, changes.get("part", "test"))
        rows = (split.query, split.database)
        if codes is None:
            rng = np.random.default_rng([*method.encode(), changes.get("seed", 0)])
            codes = [rng.choice([-1, 1], (len(part), bits)) for part in rows]
        labels = [opened.labels[part] for part in rows]
        ap = evaluate(codes[0], labels[0], codes[1], labels[1]).ap
        facts = {
            "dataset": dataset, "dataset_label": opened.name, "split": opened.split_name or "default",
            "fingerprint": opened.fingerprint(), "num_classes": opened.num_classes, "multi_label": opened.multi_label,
            "dataset_config": config or {},
            "counts": {"train": len(split.train), "query": len(rows[0]), "database": len(rows[1])},
        }  # fmt: skip
        names = {"names": list(opened.class_names) if classes is None else classes, "paths": None}
        held = [np.packbits(part, axis=1) if part.ndim == 2 else part.astype(np.uint8) for part in labels]
        centers = np.random.default_rng(bits).choice([-1, 1], (opened.num_classes, bits)).astype(np.int8)
        arrays = {
            "query_codes": pack(codes[0]), "database_codes": pack(codes[1]), "query_labels": held[0],
            "database_labels": held[1], "ap": ap, "centers_used": centers,
        }  # fmt: skip
        return kept(made(method, bits, float(ap.mean()), notes, **{**facts, **changes}), arrays, classes=names)

    return make


AUDIT: dict[str, Any] = {
    "centers": {"d_mean": 7.5, "constant_bits": 1, "gilbert_varshamov": 3, "plotkin": 8},
    "codes": {
        "bit_balance": 0.125, "bit_entropy": 0.9, "bit_correlation": 0.05, "own_center_distance": 1.25,
        "other_center_distance": 5.5,
    },
    "construction": {},
}  # fmt: skip
PROVENANCE: dict[str, Any] = {
    "bench": "0.0.1", "commit": "0123456789abcdef", "clean": True, "device": "cpu", "processor": "Abacus", "threads": 2,
    "gpu": None, "gpu_seconds": 0.0, "peak_memory_bytes": 300 * 2**20, "peak_gpu_memory_bytes": None,
    "trained_together": 1,
}  # fmt: skip
SECONDS = {"data": 0.001, "centers": 0.5, "training": 12.25, "codes": 1.0, "evaluation": 0.25, "total": 14.0}


@pytest.fixture
def whole(made: MakeCell, kept: MakeCell) -> MakeCell:
    """A cell of `made` with everything that tables show: whole("crh", 16, 0.5, ap=[...], facts={...}, made_by={...}).

    Args of it:
        facts: of the method's centers; `made_by`: of the provenance; `moved`: centers moved after each epoch.
    """

    def make(
        method: str, bits: int, mean_ap: float, ap: Any = None, facts: Any = None, made_by: Any = None, moved: Any = (),
        metrics: Any = None, **changes: Any,
    ) -> StoredCell:  # fmt: skip
        cell = made(method, bits, mean_ap, **changes)
        more = {f"map_at_{k}_hits": mean_ap + 0.1 for k in (100, 1000, 5000)}
        more |= {"precision_at_100": 0.4, "precision_radius_2": 0.3, "quantization_gap": 0.05, "pcc_initial": 0.0}
        return kept(
            cell, {} if ap is None else {"ap": ap}, metrics={**cell.result["metrics"], **more, **(metrics or {})},
            audit={**AUDIT, "construction": facts or {}}, provenance={**PROVENANCE, **(made_by or {})},
            seconds=SECONDS, history=[{"centers_moved": n} for n in moved],
        )  # fmt: skip

    return make


@pytest.fixture
def paged(made: MakeCell, kept: MakeCell) -> MakeCell:
    """A cell with what the page shows: paged("crh", 8, 0.5, names=[...], paths=[...], history=[...]).

    Four queries: two cats on the cat's center, a dog there too, an elm as near to the elm's as to the oak's.
    """
    from bench.codes.packing import pack

    halves = [1] * 8, [1] * 4 + [-1] * 4, [-1] * 4 + [1] * 4, [-1] * 8
    cat, dog, oak, elm = (np.array(half, dtype=np.int8) for half in halves)
    curves = {
        "radius_precision": [1, 0.5], "radius_recall": [0.25, 1], "ranks": [1, 2, 5], "rank_precision": [1, 0.75, 0.5],
    }  # fmt: skip
    tree = [["animal", "cat"], ["animal", "dog"], ["tree", "oak"], ["tree", "elm"]]
    trained = [{"loss": 2.0, "centers_moved": 4, "pcc": 0.1}, {"loss": 1.0, "centers_moved": 0, "pcc": 0.3}]
    run = {
        **PROVENANCE, "commit": "abc123", "python": "3.11.7", "packages": {"torch": "2.13.0"}, "seeds": {"cell": 0},
        "command": "bench run --methods crh,csq", "finished": "2031-05-06T07:08:09+00:00",
    }  # fmt: skip

    def make(
        method: str = "crh", bits: int = 8, mean_ap: float = 0.5, names: Any = ("cat", "dog", "oak", "elm"),
        paths: Any = tree, history: Any = trained, **changes: Any,
    ) -> StoredCell:  # fmt: skip
        centers = np.tile([cat, dog, oak, elm], bits // 8)
        codes = np.tile([cat, cat, cat, [-1] * 6 + [1] * 2], bits // 8)
        arrays = {
            **curves, "centers_used": centers, "centers_final": centers, "query_codes": pack(np.asarray(codes)),
            "query_labels": np.array([0, 0, 1, 3], dtype=np.uint8), "ap": [0.2, 0.4, 0.6, 0.8],
            "class_similarity": np.array([1, 0, 0, 0, 0, 0.5], dtype=np.float16),
        }  # fmt: skip
        counts = {"train": 8, "query": 4, "database": 8}
        stored = made(method, bits, mean_ap, num_classes=4, **{"counts": counts, **changes})
        return kept(stored, arrays, history=history, classes={"names": list(names), "paths": paths}, provenance=run)

    return make

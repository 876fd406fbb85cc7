"""The page's matrix of centers and the classes whose codes lie nearest to another's center."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.codes.packing import unpack
from bench.storage.store import StoredCell

from .._figures.classes import Paths, linkage_order, tree_order
from .._model import Entry, Panel
from .figure_data import rounded, stored_arrays

CONFUSED = 10  # pairs of classes shown of each method and code length
MOST_CLASSES = 2000  # of more, a matrix would be mostly larger than a screen and the page larger than a mail
_BLOCK = 4096  # queries whose distances to all centers are held at a time


def classes_data(panel: Panel, methods: Sequence[str]) -> dict[str, Any] | None:
    """Names and order of the classes, references, centers by method and bits; None where no cell names its classes.

    Centers are those after the last update, of the first seed, packed; the browser multiplies them.
    """
    cells = [s for row in panel.entries.values() for e in row.values() for s in e.cells if s.result.get("classes")]
    if not cells:
        return None
    classes = cells[0].result["classes"]
    names, paths = classes["names"], classes["paths"]
    nodes = list(dict.fromkeys(node for path in paths or [] for node in path))
    places = {node: i for i, node in enumerate(nodes)}
    tree = None if paths is None else [[places[node] for node in path] for path in paths]
    small = len(names) <= MOST_CLASSES
    similarity = _similarity(cells) if small else None
    return {
        "names": names, "nodes": nodes, "tree": tree, "order": _order(paths, similarity, len(names)),
        "features": None if similarity is None else _features(similarity),
        "centers": _centers(panel, methods) if small else [],
        "confused": _all_confused(panel, methods), "most": MOST_CLASSES,
    }  # fmt: skip


def _centers(panel: Panel, methods: Sequence[str]) -> list[dict[str, Any]]:
    found = []
    for method, row in panel.entries.items():
        for bits, entry in row.items():
            stored = next((s for s in entry.cells if s.result.get("classes")), None)
            centers = stored_arrays(stored, "centers_final").get("centers_final") if stored else None
            if stored is not None and centers is not None:
                packed = np.packbits(centers > 0, axis=1)
                found.append({"m": methods.index(method), "k": bits, "seed": stored.cell.seed, "rows": _base64(packed)})
    return found


def _similarity(cells: Sequence[StoredCell]) -> NDArray[np.float64] | None:
    """(C (C - 1) / 2,) that of class means of frozen features, pairs i < j; None where no cell has it."""
    for stored in cells:
        found = stored_arrays(stored, "class_similarity").get("class_similarity")
        if found is not None and found.size:
            return found.astype(np.float64)
    return None


def _order(paths: Paths | None, similarity: NDArray[np.float64] | None, count: int) -> list[int]:
    """The tree's; without one, like classes beside each other; the dataset's where nothing says which are alike."""
    if paths is not None:
        return tree_order(paths).tolist()
    if similarity is None:
        return list(range(count))
    full = np.zeros((count, count))
    full[np.triu_indices(count, 1)] = similarity
    return linkage_order(full + full.T).tolist()


def _features(similarity: NDArray[np.float64]) -> dict[str, Any]:
    """In steps of 1/255 of its range."""
    low, high = float(similarity.min()), float(similarity.max())
    steps = np.round((similarity - low) / ((high - low) or 1.0) * 255).astype(np.uint8)
    return {"low": rounded(low), "high": rounded(high), "pairs": _base64(steps)}


def _base64(array: NDArray[np.uint8]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _all_confused(panel: Panel, methods: Sequence[str]) -> list[dict[str, Any]]:
    if panel.cell.multi_label:
        return []
    entries = [(methods.index(m), k, e) for m, row in panel.entries.items() for k, e in row.items() if e.cells]
    return [{"m": m, "k": k, **found} for m, k, e in entries if (found := _confused(e)) is not None]


def _confused(entry: Entry) -> dict[str, Any] | None:
    """Share of queries nearest to their own center, and pairs (class, other class, share of the class's queries that
    lie nearest to the other's center), largest first; means over seeds.
    """
    shares = [found for stored in entry.cells if (found := nearest_centers(stored)) is not None]
    if not shares:
        return None
    mean = np.mean(shares, axis=0)
    own = float(np.diagonal(mean).mean())
    np.fill_diagonal(mean, 0)
    order = np.argsort(-mean, axis=None, kind="stable")[:CONFUSED]
    pairs = [(int(i) // len(mean), int(i) % len(mean)) for i in order if mean.flat[i] > 0]
    return {"own": rounded(own), "pairs": [[a, b, rounded(float(mean[a, b]))] for a, b in pairs]}


def nearest_centers(stored: StoredCell) -> NDArray[np.float64] | None:
    """(C, C): of each class's queries the share that lies nearest to each class's center; of a tie, each its part.

    Rows of classes without a query are 0. None where the cell has no codes, or its items several classes.
    """
    arrays = stored_arrays(stored, "query_codes", "query_labels", "centers_used")
    if len(arrays) < 3 or stored.cell.multi_label:
        return None
    centers = arrays["centers_used"].astype(np.float32)
    labels = arrays["query_labels"].astype(np.int64)
    counts = np.zeros((len(centers), len(centers)))
    for start in range(0, len(labels), _BLOCK):
        rows = slice(start, start + _BLOCK)
        products = unpack(arrays["query_codes"][rows], centers.shape[1]).astype(np.float32) @ centers.T
        nearest = products == products.max(axis=1, keepdims=True)
        query, center = np.nonzero(nearest)
        places = labels[rows][query] * len(centers) + center
        counts += np.bincount(places, 1 / np.bincount(query)[query], counts.size).reshape(counts.shape)
    return counts / np.maximum(np.bincount(labels, minlength=len(centers)), 1)[:, None]

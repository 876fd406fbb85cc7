"""Whose centers are near: inner products of all pairs of classes for each method, beside the classes' own kinship."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.semantics import hierarchy_similarity
from bench.plugins import PluginInfo
from bench.plugins.dataset import Hierarchy
from bench.plugins.report import Report
from bench.storage.results import Results
from bench.storage.store import StoredCell

from ._figures.classes import Groups, Paths, borders, linkage_order, paths_of, top_groups, tree_order
from ._figures.figure import save_each
from ._figures.labels import decimals
from ._figures.matrices import Matrix, matrix_figure
from ._figures.one_run import OneRun, one_run
from ._model import Panel

INFO = PluginInfo(
    name="center-similarity",
    summary="figure of the similarity of all centers, for each method, beside the classes': PNG, PDF, SVG",
    licence="MIT",
)
_QUANTILE = 0.99  # of the inner products that the colours tell apart
_LEAST_SCALE = 0.1
_TREE, _FEATURES = "class tree", "class means of features"


@dataclass(frozen=True)
class Reference:
    """A similarity of the classes that is not the method's.

    Attributes:
        name: for a title.
        metric: what the PCC with it is called.
        similarity: (C, C).
    """

    name: str
    metric: str
    similarity: NDArray[np.float64]


class CenterSimilarity(Report):
    """One seed at one code length. Classes stand in the order of their tree; without one, alike ones are together."""

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/center_similarity.pdf, .svg and .png, for each protocol."""
        return save_each(results, out, "center_similarity", similarity_figure)


def similarity_figure(panel: Panel) -> Any | None:
    """The figure of one protocol, None where no cell has its centers; to be called inside of `style`."""
    run = one_run(panel, "centers_final")
    if run is None:
        return None
    any_cell = next(iter(run.cells.values()))
    paths = paths_of(any_cell)
    given = references(any_cell)
    order = class_order(any_cell.cell.num_classes, paths, given)
    groups = top_groups(paths) if paths else None
    products = {method: center_products(cell) for method, cell in run.cells.items()}
    limit = _limit(list(products.values()))
    shown = [
        Matrix(method, p[np.ix_(order, order)], _below(run.cells[method], given)) for method, p in products.items()
    ]
    beside = [Matrix(r.name, r.similarity[np.ix_(order, order)], "darker: nearer") for r in given]
    lines = [_what(run, given), _missing(panel, run)]
    return matrix_figure(panel.title, lines, beside, shown, limit, _runs(groups, order))


def references(cell: StoredCell) -> list[Reference]:
    """The class tree's and the frozen features' similarity, where they are stored."""
    found = []
    paths, number = paths_of(cell), cell.cell.num_classes
    if paths:
        tree = hierarchy_similarity(Hierarchy(tuple(tuple(path) for path in paths)))
        found.append(Reference(_TREE, "pcc", tree))
    stored = cell.arrays("class_similarity").get("class_similarity")
    if stored is not None:
        half = np.zeros((number, number))
        half[np.triu_indices(number, 1)] = stored
        found.append(Reference(_FEATURES, "pcc_backbone", half + half.T + np.eye(number)))
    return found


def class_order(number: int, paths: Paths | None, given: Sequence[Reference]) -> NDArray[np.int64]:
    """(C,) by the tree; without one by clustering the first reference; without that as they are."""
    if paths:
        return tree_order(paths)
    return linkage_order(given[0].similarity) if given else np.arange(number)


def center_products(cell: StoredCell) -> NDArray[np.float64]:
    """(C, C): inner products of the last centers over their length, 1 on the diagonal."""
    centers = cell.arrays("centers_final")["centers_final"].astype(np.float64)
    return np.asarray(centers @ centers.T / centers.shape[1])


def _limit(products: Sequence[NDArray[np.float64]]) -> float:
    """Where the colours end, both ways: all but the rarest inner products of different classes lie within."""
    pairs = np.triu_indices(len(products[0]), 1)
    sizes = np.concatenate([abs(matrix[pairs]) for matrix in products])
    return max(float(np.quantile(sizes, _QUANTILE)), _LEAST_SCALE)


def _runs(groups: Groups | None, order: NDArray[np.int64]) -> list[tuple[str, int, int]]:
    return [] if groups is None else borders(groups, order)


def _below(cell: StoredCell, given: Sequence[Reference]) -> str:
    """`PCC 0.31 | 0.40`: with each reference; – where it is undefined."""
    words = [decimals(cell.result["metrics"].get(reference.metric)) for reference in given]
    return f"PCC {' | '.join(words)}" if words else ""


def _what(run: OneRun, given: Sequence[Reference]) -> str:
    pcc = f"; PCC with {' | with '.join(r.name for r in given)}" if given else "; no class tree and no features stored"
    return f"centers at {run.bits} bits, seed {run.seed}{pcc}"


def _missing(panel: Panel, run: OneRun) -> str:
    left = sum(method not in run.cells for method in panel.entries)
    if not left:
        return ""
    return f"without {left} method{'s' if left > 1 else ''} that {'have' if left > 1 else 'has'} not finished there"

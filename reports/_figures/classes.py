"""Classes in the order of their tree, and in groups: what figures of classes have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.storage.store import StoredCell

Paths = Sequence[Sequence[str]]  # of each class: names from the tree's top to the class


@dataclass(frozen=True)
class Groups:
    """The classes by the first level of the tree at which they part.

    Attributes:
        names: of the groups, in depth-first order.
        of_class: (C,) the group of each class.
    """

    names: list[str]
    of_class: NDArray[np.int64]


def paths_of(cell: StoredCell) -> Paths | None:
    """The class tree, None where the dataset has none or nothing is stored of it."""
    return (cell.result.get("classes") or {}).get("paths") or None


def names_of(cell: StoredCell) -> list[str]:
    """C names; `class 7` where none are stored."""
    return (cell.result.get("classes") or {}).get("names") or [f"class {c}" for c in range(cell.cell.num_classes)]


def tree_order(paths: Paths) -> NDArray[np.int64]:
    """(C,) the classes depth first; children stand in the order in which their classes come first."""
    first: dict[tuple[str, ...], int] = {}
    for place, path in enumerate(paths):
        for depth in range(1, len(path) + 1):
            first.setdefault(tuple(path[:depth]), place)
    keys = [[first[tuple(path[:depth])] for depth in range(1, len(path) + 1)] for path in paths]
    return np.array(sorted(range(len(paths)), key=lambda c: (keys[c], c)), dtype=np.int64)


def top_groups(paths: Paths) -> Groups | None:
    """None where the tree has none: every class by itself, or no two classes ever part."""
    for depth in range(1, max(map(len, paths)) + 1):
        nodes = [tuple(path[:depth]) for path in paths]
        found = list(dict.fromkeys(nodes[c] for c in tree_order(paths)))
        if len(found) == len(paths):
            return None
        if len(found) > 1:
            return Groups([node[-1] for node in found], np.array([found.index(node) for node in nodes]))
    return None


def linkage_order(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """(C,) the classes by average-linkage clustering, leaves so that neighbours are alike.

    Args:
        similarity: (C, C) symmetric; its diagonal is not read.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    distances = (similarity.max() - similarity)[np.triu_indices(len(similarity), 1)]
    if len(distances) < 2:
        return np.arange(len(similarity))
    return np.asarray(leaves_list(linkage(distances, "average", optimal_ordering=True)), dtype=np.int64)


def borders(groups: Groups, order: NDArray[np.int64]) -> list[tuple[str, int, int]]:
    """Name, first place and place after the last of each run of one group in this order."""
    of_place = groups.of_class[order]
    starts = [0, *(np.flatnonzero(np.diff(of_place)) + 1).tolist()]
    ends = [*starts[1:], len(order)]
    return [(groups.names[of_place[start]], start, end) for start, end in zip(starts, ends, strict=True)]

"""Which methods differ by more than chance, on the same queries: paired tests over stored results."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.uncertainty import Comparison, Interval, bootstrap_interval, compare
from bench.storage.cell import Cell
from bench.storage.results import Results


class Family(NamedTuple):
    """Methods of one protocol at one code length.

    Attributes:
        cell: any of its cells, for what they have in common.
        seeds: how many seeds all its methods share.
        map: mAP and its interval over queries (and seeds, where there are several), by method.
        comparisons: of every two methods; Holm's correction is over these.
    """

    cell: Cell
    seeds: int
    map: dict[str, tuple[float, Interval]]
    comparisons: list[Comparison]


def compare_results(results: Results, seed: int = 0) -> list[Family]:
    """Every protocol and code length with two or more methods.

    Methods are compared over the seeds that all of them have: a mean over different seeds would not be paired.

    Args:
        seed: of resamples and sign flips.
    """
    groups: dict[tuple[str, int], dict[str, dict[int, NDArray[np.float64]]]] = defaultdict(lambda: defaultdict(dict))
    cells: dict[tuple[str, int], Cell] = {}
    for stored in results.cells:
        if stored.ok:
            key = stored.cell.protocol, stored.cell.bits
            cells.setdefault(key, stored.cell)
            groups[key][stored.cell.method_label][stored.cell.seed] = stored.arrays()["ap"]
    families = []
    for key, methods in groups.items():
        shared = sorted(set.intersection(*(set(seeds) for seeds in methods.values())))
        if len(methods) > 1 and shared:
            ap = {name: np.stack([seeds[s] for s in shared]) for name, seeds in methods.items()}
            means = {name: (float(table.mean()), bootstrap_interval(table, seed=seed)) for name, table in ap.items()}
            families.append(Family(cells[key], len(shared), means, compare(ap, seed=seed)))
    return families

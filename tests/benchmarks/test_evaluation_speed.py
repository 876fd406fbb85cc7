"""Exact mAP of a whole database from histograms, against sorting each query's distances."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import bench

QUERIES, DATABASE, CLASSES, BITS = 500, 20_000, 100, 64

pytestmark = pytest.mark.benchmark


def by_sorting(query: np.ndarray, query_labels: np.ndarray, database: np.ndarray, labels: np.ndarray) -> float:
    """mAP of one order of ties: a stable sort for each query, as toolkits do it."""
    precisions = []
    for code, label in zip(query.astype(np.float32), query_labels, strict=True):
        order = np.argsort(BITS - database @ code, kind="stable")
        ranks = np.flatnonzero(labels[order] == label) + 1
        precisions.append(float((np.arange(1, len(ranks) + 1) / ranks).mean()))
    return float(np.mean(precisions))


def test_map_of_a_whole_database(benchmark: Any) -> None:
    rng = np.random.default_rng(0)
    centers = rng.integers(0, 2, (CLASSES, BITS)) * 2 - 1
    query_labels, labels = rng.integers(0, CLASSES, QUERIES), rng.integers(0, CLASSES, DATABASE)

    def noisy(classes: np.ndarray) -> np.ndarray:
        return (centers[classes] * np.where(rng.random((len(classes), BITS)) < 0.3, -1, 1)).astype(np.int8)

    query, database = noisy(query_labels), noisy(labels)
    start = time.perf_counter()
    sorted_map = by_sorting(query, query_labels, database.astype(np.float32), labels)
    plain_seconds = time.perf_counter() - start
    measured = benchmark(lambda: bench.evaluate(query, query_labels, database, labels))
    assert measured.map_worst <= sorted_map <= measured.map_best
    assert measured.map == pytest.approx(sorted_map, abs=0.01)
    benchmark.extra_info["times faster than a sort per query"] = round(plain_seconds / benchmark.stats["min"], 1)

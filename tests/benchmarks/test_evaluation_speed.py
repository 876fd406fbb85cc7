"""Exact mAP of a whole database, against what others do: time of each in one run, and memory above the inputs.

Peers that would take minutes get a part of the queries, and their time is scaled up to all of them: their work is the
same for every query. `-s` shows a line for each.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bench
from bench.codes.packing import pack

pytestmark = pytest.mark.benchmark

CASES = {"64 bits": (5_000, 50_000, 64, 0), "16 bits": (5_000, 50_000, 16, 0), "COCO": (10_000, 118_000, 64, 80)}
CLASSES = 100


class Data:
    """Codes around random centers, a tenth to a third of the bits flipped; labels single or of 2.9 classes per item."""

    def __init__(self, queries: int, items: int, bits: int, several: int) -> None:
        rng = np.random.default_rng(0)
        classes = several or CLASSES
        centers = rng.integers(0, 2, (classes, bits)) * 2 - 1
        self.bits, first = bits, [rng.integers(0, classes, n) for n in (queries, items)]
        self.query, self.database = (
            (centers[c] * np.where(rng.random((len(c), bits), dtype=np.float32) < 0.25, -1, 1)).astype(np.int8)
            for c in first
        )
        self.query_labels, self.labels = first
        if several:
            self.query_labels, self.labels = (rng.random((len(c), several)) < 1.9 / several for c in first)
            for rows, c in zip((self.query_labels, self.labels), first, strict=True):
                rows[np.arange(len(c)), c] = True
        self.packed = pack(self.query), pack(self.database)
        self.floats = self.query.astype(np.float32), self.database.astype(np.float32)
        rows = (self.query_labels, self.labels) if several else np.eye(CLASSES)[[*self.query_labels, *self.labels]]
        if not several:
            rows = rows[:queries], rows[queries:]
        self.rows = tuple(np.asarray(each, dtype=np.float32) for each in rows)

    def ours(self) -> float:
        return bench.evaluate(self.packed[0], self.query_labels, self.packed[1], self.labels, bits=self.bits).map

    def argsort_per_query(self, queries: int) -> float:
        """DeepHash-pytorch's way: labels are one-hot rows whose product says what is relevant."""
        return float(np.mean([self._ap(i, np.argsort(self._distances(i))) for i in range(queries)]))

    def whole_matrix(self, queries: int) -> float:
        """All distances, then one sort call."""
        distances = self.bits - self.floats[0][:queries] @ self.floats[1].T
        order = np.argsort(distances, axis=1)
        return float(np.mean([self._ap(i, order[i]) for i in range(queries)]))

    def faiss_search(self, queries: int) -> float:
        """Exhaustive binary search with k = n."""
        faiss = pytest.importorskip("faiss")
        index = faiss.IndexBinaryFlat(8 * self.packed[1].shape[1])
        index.add(self.packed[1])
        _, order = index.search(self.packed[0][:queries], len(self.labels))
        return float(np.mean([self._ap(i, order[i]) for i in range(queries)]))

    def torchmetrics(self, queries: int) -> float:
        from bench.compat import import_torchvision

        import_torchvision()
        retrieval = pytest.importorskip("torchmetrics.retrieval")
        metric = retrieval.RetrievalMAP()
        for i in range(queries):
            similarity = torch.from_numpy(2 * self.bits - self._distances(i))
            index = torch.full((len(similarity),), i)
            metric.update(similarity, torch.from_numpy(self.rows[0][i] @ self.rows[1].T > 0), indexes=index)
        return float(metric.compute())

    def _distances(self, i: int) -> np.ndarray:
        return np.asarray(0.5 * (self.bits - self.floats[1] @ self.floats[0][i]))

    def _ap(self, i: int, order: np.ndarray) -> float:
        places = np.flatnonzero((self.rows[0][i] @ self.rows[1].T > 0)[order]) + 1
        return float((np.arange(1, len(places) + 1) / places).mean()) if len(places) else 0.0


def peak_memory(function: Callable[[], Any]) -> int:
    """Bytes above what the process held before; the kernel's own high-water mark."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if sys.platform != "linux":
        return 0

    def entry(name: str) -> int:
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith(name))

    ctypes.CDLL(None).malloc_trim(0)  # memory that was freed before must not hide what is used now
    before = entry("VmRSS")
    reset.write_text("5")
    function()
    return entry("VmHWM") - before


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[str, Data]:
    return request.param, Data(*CASES[request.param])


def test_map_of_a_whole_database(benchmark: Any, case: tuple[str, Data]) -> None:
    name, data = case
    ours = benchmark.pedantic(data.ours, rounds=5, warmup_rounds=1)
    queries = len(data.query_labels)
    pairs = queries * len(data.labels)
    print(f"\n{name}: {queries:,} x {len(data.labels):,}, mAP {ours:.4f}")
    print(f"  ours                 {benchmark.stats['min']:9.3f} s  {peak_memory(data.ours) / 2**20:7.0f} MiB"
          f"  {pairs / benchmark.stats['min'] / 1e9:.2f} G pairs/s")  # fmt: skip
    result = bench.evaluate(data.packed[0], data.query_labels, data.packed[1], data.labels, bits=data.bits)
    for peer, some in {
        data.argsort_per_query: 200, data.whole_matrix: 200, data.faiss_search: 200, data.torchmetrics: 40,
    }.items():  # fmt: skip
        found: list[float] = []
        start = time.perf_counter()
        memory = peak_memory(lambda peer=peer, some=some, found=found: found.append(peer(some)))
        seconds = (time.perf_counter() - start) * queries / some
        part = result.ap[:some].mean()
        assert found[0] == pytest.approx(part, abs=0.03), peer  # theirs is one order of ties
        ratio = seconds / benchmark.stats["min"]
        benchmark.extra_info[f"times faster than {peer.__name__}"] = round(ratio)
        print(
            f"  {peer.__name__:<20} {seconds:9.1f} s  {memory / 2**20:7.0f} MiB  {ratio:6.0f} x  ({some} queries run)"
        )


def test_distance_from_the_limits_of_one_core(benchmark: Any) -> None:
    """Pairs a second of one core: ours, popcounts alone, and increments of a histogram alone."""
    from numba import njit

    from bench.codes._kernels import popcount
    from bench.codes.histograms import distance_histograms
    from bench.codes.packing import words

    data = Data(1_000, 50_000, 64, 0)
    query, database = words(data.packed[0])[:, 0], words(data.packed[1])[:, 0]
    distances = np.bitwise_count(database ^ query[0])

    @njit
    def popcounts(query: np.ndarray, database: np.ndarray) -> int:
        total = 0
        for word in query:
            for j in range(len(database)):
                total += popcount(word ^ database[j])
        return total

    @njit
    def increments(times: int, distances: np.ndarray) -> np.ndarray:
        a, b = np.zeros(256, np.uint32), np.zeros(256, np.uint32)
        c, d = np.zeros(256, np.uint32), np.zeros(256, np.uint32)
        for _ in range(times):
            for j in range(0, len(distances), 4):
                a[distances[j]] += np.uint32(1)
                b[distances[j + 1]] += np.uint32(1)
                c[distances[j + 2]] += np.uint32(1)
                d[distances[j + 3]] += np.uint32(1)
        return a + b + c + d

    def ours() -> Any:
        return distance_histograms(data.packed[0], data.query_labels, data.packed[1], data.labels, 64, threads=1)

    result = benchmark.pedantic(ours, rounds=7, warmup_rounds=1)
    rates = {"ours": benchmark.stats["min"]}
    for name, work in {
        "popcounts alone": lambda: popcounts(query, database),
        "increments alone": lambda: increments(len(query), distances),
    }.items():
        work()
        times = []
        for _ in range(7):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        rates[name] = min(times)
    distance = np.arange(65)
    assert (result.items * distance).sum() == popcounts(query, database)
    assert increments(3, distances).sum() == 3 * len(distances)
    for name, seconds in rates.items():
        print(f"\n  {name:<20} {len(query) * len(database) / seconds / 1e9:6.2f} G pairs/s a core", end="")
    print()

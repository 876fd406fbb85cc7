"""Evaluation and CRH's reassignment on a GPU: the same integers as on a CPU, and the time of both."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import bench
from bench.evaluation.cosine import cosine_map

pytestmark = [pytest.mark.gpu, pytest.mark.benchmark]

BITS = 64
CASES = {  # queries, items, classes, several classes an item
    "SHC's CIFAR-100": (5_000, 45_000, 100, False), "CIFAR-10": (1_000, 59_000, 10, False),
    "COCO": (10_000, 118_000, 80, True), "a million": (10_000, 1_000_000, 100, False),
}  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    """On the CPU, after one run that loads."""
    work()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def labels(rng: np.random.Generator, count: int, classes: int, several: bool) -> np.ndarray:
    if not several:
        return rng.integers(0, classes, count)
    rows = rng.random((count, classes)) < 1.9 / classes
    rows[np.arange(count), rng.integers(0, classes, count)] = True
    return rows


@pytest.mark.parametrize("case", CASES)
def test_hamming(benchmark: Any, case: str) -> None:
    (queries, items, classes, several), rng = CASES[case], np.random.default_rng(0)
    sides = [
        (rng.integers(0, 256, (n, BITS // 8), dtype=np.uint8), labels(rng, n, classes, several))
        for n in (queries, items)
    ]

    def measured(device: str) -> float:
        return bench.evaluate(*sides[0], *sides[1], bits=BITS, device=device).map

    on_cpu = seconds(lambda: measured("cpu"))
    found = benchmark.pedantic(lambda: measured("cuda"), rounds=5, warmup_rounds=1)
    print(f"{case}: {1e3 * benchmark.stats['median']:.1f} ms, on the CPU {1e3 * on_cpu:.1f} ms")
    assert found == measured("cpu")


def test_cosine(benchmark: Any) -> None:
    (queries, items, classes, several), rng = CASES["SHC's CIFAR-100"], np.random.default_rng(0)
    sides = [(rng.standard_normal((n, BITS), dtype=np.float32), labels(rng, n, classes, several))
             for n in (queries, items)]  # fmt: skip
    on_cpu = seconds(lambda: cosine_map(*sides[0], *sides[1], "cpu"))
    found = benchmark.pedantic(lambda: cosine_map(*sides[0], *sides[1], "cuda"), rounds=5, warmup_rounds=1)
    print(f"cosine: {1e3 * benchmark.stats['median']:.1f} ms, on the CPU {1e3 * on_cpu:.1f} ms")
    assert found == pytest.approx(cosine_map(*sides[0], *sides[1], "cpu"), abs=1e-6)


@pytest.mark.parametrize("reassignment", ["greedy", "hungarian"])
def test_reassignment(benchmark: Any, reassignment: str) -> None:
    """NABirds' size: 555 classes, 24,000 items, 1,110 candidates, four heads."""
    rng, device = np.random.default_rng(0), torch.device("cuda")
    codes = torch.from_numpy(rng.integers(0, 2, (24_000, BITS)).astype(np.int8) * 2 - 1)
    targets = torch.from_numpy(rng.permutation(np.arange(24_000) % 555))
    there, here = (bench.method("crh", 555, BITS, reassignment=reassignment).to(d) for d in (device, "cpu"))
    on_device = codes.to(device), targets.to(device)
    benchmark.pedantic(lambda: there.after_epoch(0, *on_device), rounds=9, warmup_rounds=1)
    here.after_epoch(0, codes, targets)
    print(f"reassignment, {reassignment}: {1e3 * benchmark.stats['median']:.1f} ms")
    assert torch.equal(there.centers.cpu(), here.centers)

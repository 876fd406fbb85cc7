"""CRH's reassignment at NABirds' size (64 bits), against the formula as it is written: equality asserted, time not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from bench.centers.assignment import assign_greedy, assignment_cost, class_code_sums
from bench.centers.codebook import sample_codebook

ITEMS, CLASSES, CANDIDATES, HEADS, DIM = 24_000, 555, 1_110, 4, 16

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def problem() -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    rng = np.random.default_rng(0)
    codes = torch.from_numpy(rng.integers(0, 2, (ITEMS, HEADS * DIM)).astype(np.int8) * 2 - 1)
    targets = torch.from_numpy(rng.permutation(np.arange(ITEMS) % CLASSES))
    return codes, targets, sample_codebook(rng, HEADS, CANDIDATES, DIM)


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def plain_cost(codes: torch.Tensor, targets: torch.Tensor, book: np.ndarray) -> np.ndarray:
    """Mean squared distance of each class's codes to each candidate: items x candidates, head by head."""
    words = torch.from_numpy(book).float()
    split = codes.float().reshape(len(codes), HEADS, DIM)
    counts = torch.bincount(targets, minlength=CLASSES).double()
    heads = []
    for h in range(HEADS):
        distances = torch.cdist(split[:, h], words[h]).double().square().round()
        heads.append(torch.zeros(CLASSES, CANDIDATES).double().index_add_(0, targets, distances) / counts[:, None])
    return torch.stack(heads).numpy()


def plain_greedy(gains: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """One class after the other, each takes the best candidate that is left."""
    chosen = np.empty((HEADS, CLASSES), np.int64)
    for h in range(HEADS):
        free = np.ones(CANDIDATES, bool)
        for c in orders[h]:
            candidates = np.flatnonzero(free)
            chosen[h, c] = candidates[np.argmax(gains[h, c, candidates])]
            free[chosen[h, c]] = False
    return chosen


def test_cost(benchmark: Any, problem: tuple) -> None:
    codes, targets, book = problem
    plain_seconds, expected = seconds(lambda: plain_cost(codes, targets, book))
    cost = benchmark(lambda: assignment_cost(*class_code_sums(codes, targets, CLASSES), book))
    assert np.allclose(cost, expected, atol=1e-9)
    benchmark.extra_info["times faster than items x candidates"] = round(plain_seconds / benchmark.stats["min"], 1)


def test_greedy(benchmark: Any, problem: tuple) -> None:
    codes, targets, book = problem
    sums, _ = class_code_sums(codes, targets, CLASSES)
    orders = np.stack([np.random.default_rng(h).permutation(CLASSES) for h in range(HEADS)])
    gains = np.einsum("chd,hmd->hcm", sums.reshape(CLASSES, HEADS, DIM), book.astype(np.float64))
    plain_seconds, expected = seconds(lambda: plain_greedy(gains, orders))
    chosen = benchmark(lambda: assign_greedy(sums, book, orders))
    assert np.array_equal(chosen, expected)
    benchmark.extra_info["times faster than class by class"] = round(plain_seconds / benchmark.stats["min"], 1)

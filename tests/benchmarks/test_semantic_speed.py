"""SHC's second stage at CIFAR-100's size (32 bits), against loops over all pairs: equality asserted, time not."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from bench.centers.bounds import target_distance
from bench.centers.semantic import semantic_centers

CLASSES, BITS = 100, 32
TARGET = target_distance(BITS, CLASSES)
CYCLES = {"code": 30, "paper": 20}

pytestmark = pytest.mark.benchmark


def spread(rng: np.random.Generator, size: int, bits: int, target: int) -> np.ndarray:
    """Random words, each at least `target` from those before it: (C, K)."""
    kept: list[np.ndarray] = []
    while len(kept) < size:
        word = rng.integers(0, 2, bits) * 2 - 1
        if all((word != other).sum() >= target for other in kept):
            kept.append(word)
    return np.array(kept, dtype=np.int8)


def tree_similarity(rng: np.random.Generator, size: int, group: int) -> np.ndarray:
    """Classes in groups, groups in groups, with noise: symmetric (C, C)."""
    fine, coarse = np.arange(size) // group, np.arange(size) // (4 * group)
    similarity = 0.4 * (fine[:, None] == fine) + 0.2 * (coarse[:, None] == coarse) + rng.normal(0, 0.02, (size, size))
    similarity = (similarity + similarity.T) / 2
    np.fill_diagonal(similarity, 1.0)
    return similarity


def plain_centers(start: np.ndarray, similarity: np.ndarray, target: int, form: str) -> np.ndarray:
    """The second stage as it is written: for every update a sum over classes and the distances of all pairs."""
    h = start.T.astype(np.float64)
    bits, size = h.shape
    rho, mu, beta, eta, limit = 0.2, 0.625, 1e-6, 0.5, bits - 2 * target
    multipliers, alpha, diagonal = np.full((bits, size), 0.1), np.zeros((size, size)), bits * np.eye(size)

    def loss() -> float:
        return float(((similarity - h.T @ h / bits) ** 2).mean())

    best, least = (h.copy(), loss()) if form == "paper" else (h.copy(), np.inf)
    for _ in range(CYCLES[form]):
        m = np.linalg.inv(2 / bits**2 * h @ h.T + rho * np.eye(bits)) @ (
            2 / bits * h @ similarity + multipliers + rho * h
        )
        k = np.maximum(limit - h.T @ h + alpha / beta, 0)
        for _ in range(3):
            for i in range(size):
                balance, slack = np.zeros(bits), np.zeros(bits)
                for j in range(size):
                    if j != i:
                        balance += 2 * mu * h[:, j]
                        quadratic = h[:, j] @ h[:, j] * h[:, i] if form == "code" else h[:, j] * (h[:, j] @ h[:, i])
                        slack += 2 * quadratic - 2 * (limit - k[i, j] + alpha[i, j] / beta) * h[:, j]
                others = balance + beta * slack
                gradient = 2 / bits**2 * m @ (m.T @ h[:, i]) - 2 / bits * m @ similarity[:, i] + multipliers[:, i]
                gradient += rho * (h[:, i] - m[:, i]) + (others / 10_000 if form == "code" else others)
                trial = h.copy()
                trial[:, i] = np.where(h[:, i] - gradient / eta >= 0, 1, -1)
                if ((bits - trial.T @ trial) / 2 + diagonal).min() >= target:
                    h = trial
        multipliers += rho * (h - m)
        if form == "paper":
            alpha += beta * (limit - h.T @ h - k) * (1 - np.eye(size))
        if loss() < least * (1 - 1e-12):
            best, least = h.copy(), loss()
    return best.T


@pytest.mark.parametrize("form", ["code", "paper"])
def test_semantic_centers(benchmark: Any, form: str) -> None:
    rng = np.random.default_rng(0)
    start, similarity = spread(rng, CLASSES, BITS, TARGET), tree_similarity(rng, CLASSES, 5)
    begin = time.perf_counter()
    expected = plain_centers(start, similarity, TARGET, form)
    plain_seconds = time.perf_counter() - begin
    found = benchmark(lambda: semantic_centers(start, similarity, TARGET, form=form))
    assert np.array_equal(found.centers, expected)
    assert found.accepted > 0
    benchmark.extra_info["times faster than pair by pair"] = round(plain_seconds / benchmark.stats["min"], 1)

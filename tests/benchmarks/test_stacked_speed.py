"""45 cells on frozen features, stacked against one after another: equality of codes asserted, time not."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import bench
from bench.backbones.build import Weights
from bench.conformance.probes import similarity
from bench.evaluation.evaluate import evaluate
from bench.plugins.method import Method
from bench.training.inputs import FeatureInputs
from bench.training.model import build_model
from bench.training.progress import Observer
from bench.training.regimes import train_config
from bench.training.stacked import Member, train_stacked
from bench.training.trainer import encode, train

ITEMS, WIDTH, CLASSES, EPOCHS = 10_000, 512, 100, 2
METHODS, BITS, SEEDS = ("crh", "csq", "orthohash", "mds", "shc"), (16, 32, 64), (0, 1, 2)

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore::bench.errors.BenchWarning")]


def features() -> tuple[np.ndarray, np.ndarray]:
    """(N, D) float32 and their classes (N,)."""
    rng = np.random.default_rng(0)
    labels = np.arange(ITEMS) % CLASSES
    found = rng.standard_normal((CLASSES, WIDTH))[labels] + 4 * rng.standard_normal((ITEMS, WIDTH))
    return found.astype(np.float32), labels


class Cells:
    """45 heads on the same features, all as they begin."""

    def __init__(self, device: torch.device, clock: Callable[[], float]) -> None:
        self.device, self.clock = device, clock
        vectors, self.labels = features()
        self.rows = np.arange(ITEMS)
        self.inputs = FeatureInputs(vectors, device)
        self.config = train_config("frozen", None, {"backbone": "features", "epochs": EPOCHS})
        wanted = similarity(CLASSES)
        self.fresh = [
            self._member(bench.method(name, CLASSES, bits, seed, similarity=wanted), bits, seed)
            for name in METHODS for bits in BITS for seed in SEEDS
        ]  # fmt: skip

    def _member(self, method: Method, bits: int, seed: int) -> Member:
        model = build_model(self.inputs, Weights("features"), self.config, bits, seed, self.device)
        return Member(model, method.to(self.device), seed)

    def together(self, some: list[Member]) -> None:
        train_stacked(
            some, self.inputs, self.labels, self.rows, self.config, device=self.device, observer=Observer()
        )  # fmt: skip

    def apart(self, some: list[Member]) -> None:
        for one in some:
            train(
                one.model, one.method, self.inputs, self.labels, self.rows, self.config,
                seed=one.seed, pretrained=False, device=self.device, observer=Observer(),
            )  # fmt: skip

    def seconds(self, work: Callable[[list[Member]], None], some: list[Member]) -> float:
        begin = self.clock()
        work(some)  # its last epoch's loss is read, so a GPU has done it all
        return self.clock() - begin

    def compared(self, alone: list[Member], together: list[Member]) -> dict[str, float]:
        """Codes of trainings of both kinds."""
        equal, gaps = [], []
        for one, other in zip(alone, together, strict=True):
            codes = [encode(m.model, m.method, self.inputs, self.rows, Observer()).codes for m in (one, other)]
            equal.append((codes[0] == codes[1]).mean())
            maps = [evaluate(c[:1000], self.labels[:1000], c[1000:], self.labels[1000:]).map for c in codes]
            gaps.append(abs(maps[0] - maps[1]))
        return {"share of code bits that are equal": float(np.mean(equal)), "largest gap of mAP": max(gaps)}


@pytest.mark.benchmark(timer=time.process_time)  # all on one thread: what else runs here counts for little
def test_stacked_training(benchmark: Any) -> None:
    cells = Cells(torch.device("cpu"), time.process_time)
    cells.apart(copy.deepcopy(cells.fresh[:1]))  # what is loaded at the first use is nobody's time
    alone, together = copy.deepcopy(cells.fresh), copy.deepcopy(cells.fresh)
    seconds = min(cells.seconds(cells.apart, some) for some in (alone, copy.deepcopy(cells.fresh)))
    cells.together(together)
    benchmark.pedantic(cells.together, setup=lambda: ((copy.deepcopy(cells.fresh),), {}), rounds=3)
    found = cells.compared(alone, together)
    assert found["share of code bits that are equal"] >= 0.999
    assert found["largest gap of mAP"] < 1e-3
    benchmark.extra_info["times faster than one after another"] = round(seconds / benchmark.stats["min"], 2)
    benchmark.extra_info |= found


@pytest.mark.gpu
def test_stacked_training_on_a_gpu(benchmark: Any) -> None:
    cells = Cells(torch.device("cuda"), time.perf_counter)
    for work in (cells.apart, cells.together):
        work(copy.deepcopy(cells.fresh[::9]))  # loads
    alone, together = copy.deepcopy(cells.fresh), copy.deepcopy(cells.fresh)
    seconds = cells.seconds(cells.apart, alone)
    benchmark.pedantic(cells.together, args=(together,), rounds=1)
    found = cells.compared(alone, together)
    benchmark.extra_info |= found | {
        "times faster than one after another": round(seconds / benchmark.stats["min"], 2), "seconds apart": seconds,
    }  # fmt: skip
    print(benchmark.extra_info, benchmark.stats["min"])
    assert found["share of code bits that are equal"] >= 0.999

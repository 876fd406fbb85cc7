"""A grid of Cars' size on a GPU (ResNet-34, 224 px): seconds of a cell by method and length, and of its 300 epochs.

Two epochs of each cell are run. What a whole cell takes is what its last epochs took, 300 times, and all that is not
training: no cell is charged with what the process loads for the first.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.grid.plan import make_plan
from bench.grid.run import run_plan
from bench.grid.spec import grid_spec
from bench.storage.cell import Cell
from bench.training.progress import Observer

pytestmark = [pytest.mark.gpu, pytest.mark.benchmark]

CLASSES, TRAIN, TEST, SIDE, EPOCHS, WHOLE = 196, 8144, 8041, 256, 2, 300
METHODS, BITS = ("crh", "csq", "orthohash", "mds", "shc"), (16, 32, 64)


@pytest.fixture
def cars(tmp_path: Path) -> Path:
    """As many images as Stanford Cars has, of a color by class under noise, decoded already."""
    rng = np.random.default_rng(0)
    colors = rng.integers(60, 196, (CLASSES, 1, 1, 3), dtype=np.uint8)
    parts: dict[str, np.ndarray] = {}
    for part, count in (("train", TRAIN), ("query", TEST)):
        labels = np.arange(count) % CLASSES
        noise = rng.integers(0, 60, (256, SIDE, SIDE, 3), dtype=np.uint8)
        parts |= {f"{part}_labels": labels, f"{part}_images": noise[np.arange(count) % len(noise)] + colors[labels]}
    np.savez(tmp_path / "cars.npz", **parts)  # type: ignore[arg-type]
    return tmp_path / "cars.npz"


class Epochs(Observer):
    """Seconds of the last epoch of each cell's own training."""

    def __init__(self) -> None:
        self.last: dict[str, float] = {}
        self._cell, self._training, self._begun = "", False, 0.0

    def begin(self, cells: Sequence[Cell]) -> None:
        self._cell = cells[0].id

    def stage(self, name: str, total: int) -> None:
        self._training, self._begun = name == "training", time.perf_counter()

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        now = time.perf_counter()
        if self._training:
            self.last[self._cell] = now - self._begun
        self._begun = now


@pytest.mark.parametrize("how", ["no", "kernels"])
def test_all_methods_and_lengths(benchmark: Any, cars: Path, tmp_path: Path, how: str) -> None:
    heard = Epochs()
    spec = grid_spec(
        options={
            "methods": list(METHODS), "datasets": [str(cars)], "bits": list(BITS), "out": tmp_path / how,
            "regime": "finetune", "weights": "scratch", "device": "cuda", "compile": how,
            # what MDS does in nearly all of its epochs
            "set": {"train": {"epochs": EPOCHS}, "mds": {"pair_from": 1}},
        }
    )  # fmt: skip
    results = benchmark.pedantic(lambda: run_plan(make_plan(spec), heard), rounds=1)
    for stored in results.cells:
        seconds = stored.result["seconds"]
        epoch, beside = heard.last[stored.cell.id], seconds["total"] - seconds["training"]
        print(
            f"{stored.cell.method_label:>17} {stored.cell.bits:>3} bits: {epoch:.2f} s an epoch, "
            f"{beside:.2f} s beside, {(beside + WHOLE * epoch) / 60:.1f} min with {WHOLE} epochs"
        )
    assert all(stored.ok for stored in results.cells)

"""What the command line does, for a notebook; these names are stable and looked up as `bench.<name>`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.evaluation.evaluate import evaluate
from bench.evaluation.semantics import pcc
from bench.grid.plan import make_plan
from bench.grid.run import run_plan, write_reports
from bench.grid.spec import grid_spec
from bench.plugins.method import Method, Task
from bench.plugins.registry import registry
from bench.storage.results import Results

__all__ = ["evaluate", "hash_centers", "method", "pcc", "run"]


def method(
    name: str, num_classes: int, bits: int, seed: int = 0, multi_label: bool = False,
    similarity: ArrayLike | None = None, **config: Any,
) -> Method:  # fmt: skip
    """A built method, ready for a training loop of your own.

    Args:
        name: of a method or variant ("crh", "crh-m", ...), one's centers with another's loss ("crh+csq-loss"), or a
            .py file with a method.
        num_classes: C >= 2.
        bits: code length K >= 1.
        seed: root seed; the same seed gives the same centers.
        multi_label: whether an item can have several classes.
        similarity: (C, C) class similarity, for methods that need one (SHC).
        config: the method's settings, as in `bench list crh`.

    Returns:
        A module with `.centers` (C, K) in {-1, +1}, `.loss(relaxed, targets)`, `.after_epoch(epoch, codes, targets)`.
    """
    cls: type[Method] = registry("method").load(name)
    variant = registry("method").entry(name).info.name if name.endswith(".py") else name
    wanted = None if similarity is None else np.asarray(similarity, dtype=np.float64)
    return cls.build(Task(num_classes, bits, seed, multi_label, wanted), variant, **config)


def hash_centers(
    name: str, num_classes: int, bits: int, seed: int = 0, similarity: ArrayLike | None = None, **config: Any
) -> NDArray[np.int8]:
    """A method's centers before training: (C, K) int8 in {-1, +1}. Arguments as `method`."""
    return method(name, num_classes, bits, seed, similarity=similarity, **config).centers.numpy().astype(np.int8)


def run(
    methods: Sequence[str] = ("crh", "csq"),
    datasets: Sequence[str] = ("glyphs",),
    bits: Sequence[int] = (16, 32, 64),
    seeds: Sequence[int] = (0,),
    out: str | Path = "results",
    set: dict[str, dict[str, Any]] | None = None,  # noqa: A002 - as --set
    reports: bool = True,
    **options: Any,
) -> Results:
    """Run a grid, or finish one, and write its reports.

    Args:
        set: settings, owner -> field -> value: `{"crh": {"margin": 0.3}, "train": {"epochs": 20}}`.
        reports: whether to write tables and figures of all that is in `out`.
        options: regime, settings, backbone, weights, data_root, device, executor, overwrite, allow_missing, ...: as on
            the command line.

    Returns:
        Results, with a pandas frame behind: `.frame`, one row per cell.
    """
    chosen = {
        "methods": list(methods), "datasets": list(datasets), "bits": list(bits), "seeds": list(seeds), "out": out,
        "set": set or {}, **options,
    }  # fmt: skip
    results = run_plan(make_plan(grid_spec(options=chosen)))
    if reports:
        write_reports(Path(out))
    return results

"""Equal tuning: for each method the training settings that do best on a validation part of the training items.

Every method gets the same trials, so that none is ahead because it was given more of them. The test set is not looked
at: queries are a fifth of the training items, the database is the rest of them, on which the methods are trained.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import statistics
from pathlib import Path
from typing import Any

from bench.config import Config, setting
from bench.errors import ConfigError
from bench.grid.choice import method_choice
from bench.grid.plan import Plan, Planned, make_plan, open_source
from bench.grid.run import run_plan
from bench.grid.spec import GridSpec
from bench.grid.tuned import read_choices, tuning_key, write_choices
from bench.randomness import stream
from bench.storage.cell import TUNED
from bench.storage.store import StoredCell
from bench.training.progress import Observer


class SearchSpace(Config):
    """Values to try; a trial is one of each."""

    lr: tuple[float, ...] = setting((3e-4, 1e-3, 3e-3, 1e-2), "learning rates", min_length=1)
    weight_decay: tuple[float, ...] = setting((0.0, 1e-4), "weight decays", min_length=1)
    epochs: tuple[int, ...] = setting((30, 60), "epochs", min_length=1)
    trials: int | None = setting(None, "how many of all combinations, drawn at random; none: all", ge=1)

    def draw(self) -> list[dict[str, Any]]:
        """The trials, the same for every method."""
        every = [
            {"lr": lr, "weight_decay": decay, "epochs": epochs}
            for lr, decay, epochs in itertools.product(self.lr, self.weight_decay, self.epochs)
        ]
        if self.trials is None or self.trials >= len(every):
            return every
        chosen = stream(0, "tuning").permutation(len(every))[: self.trials]
        return [every[i] for i in sorted(chosen)]


def budget_digest(spec: GridSpec, space: SearchSpace) -> str:
    """Of trials, code lengths and seeds: what must be the same for methods to be compared."""
    text = json.dumps([space.draw(), sorted(spec.bits), sorted(spec.seeds)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def plan_tuning(spec: GridSpec, space: SearchSpace) -> Plan:
    """All trials of all methods on the validation part, as one plan; stored below OUT/tuning."""
    if spec.settings != "matched":
        raise ConfigError("bench tune starts from the matched settings: leave out --settings.")
    cells: list[Planned] = []
    for trial in space.draw():
        sets = {**spec.set, "train": {**spec.set.get("train", {}), **trial}}
        own = spec.model_copy(update={"set": sets, "part": "validation", "out": spec.out / "tuning"})
        cells += make_plan(own).cells
    return Plan(own, cells)


def tune(
    spec: GridSpec, space: SearchSpace, observer: Observer | None = None, plan: Plan | None = None
) -> tuple[Path, dict[str, Any]]:
    """Run the trials and write the best of each method into OUT/tuned.json, beside choices that are there.

    Returns:
        The file, and what was chosen now: key -> method -> entry (train, map, budget, trials).
    """
    plan = plan or plan_tuning(spec, space)
    results = run_plan(plan, observer)
    found = _choose(spec, results.cells, budget_digest(spec, space))
    path = spec.tuned or spec.out / "tuned.json"
    choices = read_choices(path)
    for key, methods in found.items():
        choices.setdefault(key, {}).update(methods)
    write_choices(path, choices)
    return path, found


def _choose(spec: GridSpec, cells: list[StoredCell], budget: str) -> dict[str, Any]:
    """The trial of the highest mean mAP over code lengths and seeds; one that failed anywhere is out."""
    labels = {method_choice(text).label(spec.set) for text in spec.methods}
    keys = {}
    for text in spec.datasets:
        source = open_source(text, spec)
        keys[source.dataset.fingerprint()] = source
    trials: dict[tuple[str, str], dict[str, list[float | None]]] = {}
    for stored in cells:
        cell = stored.cell
        source = keys[cell.fingerprint]
        key = tuning_key(source.dataset, source.split, cell.regime, spec.backbone)
        train = json.dumps({name: cell.train[name] for name in TUNED}, sort_keys=True)
        value = stored.result["metrics"]["map"] if stored.ok else None
        trials.setdefault((key, cell.method_label), {}).setdefault(train, []).append(value)
    found: dict[str, Any] = {}
    for (key, label), values in trials.items():
        means = {
            t: statistics.fmean(v for v in maps if v is not None) for t, maps in values.items() if None not in maps
        }
        if label not in labels or not means:
            raise ConfigError(f"every trial of {label} failed: see the cells in {spec.out / 'tuning'}.")
        best = max(means, key=means.__getitem__)
        found.setdefault(key, {})[label] = {
            "train": json.loads(best), "map": means[best], "budget": budget,
            "trials": [{**json.loads(t), "map": means.get(t)} for t in values],
        }  # fmt: skip
    return found

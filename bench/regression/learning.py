"""Learning a baseline: the grid is run with every seed, through the ordinary plan, and what each gave is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bench.errors import ConfigError, TrainingError
from bench.grid.plan import Plan, make_plan
from bench.grid.run import run_plan
from bench.grid.spec import GridSpec
from bench.regression.baseline import LEAST_SEEDS, SCHEMA, Baseline, BaselineCell, Learned, kept
from bench.regression.quantities import centers_digest, exact_centers, measured
from bench.storage.store import Store, StoredCell
from bench.training.progress import Observer

SEEDS = 20  # to learn from
AGAIN = 2  # of them, that a check runs
FALSE_ALARMS = 0.01  # share of checks of an unchanged program
_PACKAGES = ("torch", "numpy", "numba", "pillow")  # that round or draw


def plan_learning(spec: GridSpec, seeds: int = SEEDS, again: int = AGAIN) -> Plan:
    """The plan that a baseline is learned from: the spec with seeds 0 ... seeds - 1.

    Raises:
        ConfigError: numbers of seeds that cannot be; and all that `make_plan` refuses.
    """
    if seeds < LEAST_SEEDS:
        raise ConfigError(f"{seeds} seeds tell nothing of a spread: learn from at least {LEAST_SEEDS}.")
    if not 1 <= again <= seeds:
        raise ConfigError(f"a check cannot run {again} of {seeds} seeds: give a number from 1 to {seeds}.")
    return make_plan(spec.model_copy(update={"seeds": tuple(range(seeds))}))


def learn(
    plan: Plan, reason: str, again: int = AGAIN, before: Sequence[Learned] = (), observer: Observer | None = None
) -> Baseline:
    """Run what is missing of the plan, and make a baseline of all of it.

    Args:
        plan: of `plan_learning`.
        reason: why, for the history.
        again: how many seeds a check runs.
        before: the history so far.

    Raises:
        ConfigError: no reason.
        TrainingError: a cell failed: nothing can be learned of it.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise ConfigError("a baseline is not learned without a reason: say why with --reason TEXT.")
    groups = run_groups(plan, observer)
    for stored in (stored for group in groups for stored in group if not stored.ok):
        raise TrainingError(f"no baseline was learned: {stored.cell.title} failed: {stored.result['reason']}")
    now = Learned(
        date=datetime.now(UTC).isoformat(timespec="seconds"), reason=reason, seeds=len(plan.spec.seeds),
        learned_with=versions(groups[0][0].result["provenance"]),
    )  # fmt: skip
    return Baseline(
        schema=SCHEMA, grid=kept(plan.spec), seeds=plan.spec.seeds, again=again, false_alarms=FALSE_ALARMS,
        history=(*before, now), cells=tuple(_learned(group, again) for group in groups),
    )  # fmt: skip


def run_groups(plan: Plan, observer: Observer | None = None) -> list[list[StoredCell]]:
    """Run what is missing of a plan; for each dataset, method and bits its cells, one for each seed."""
    run_plan(plan, observer)
    store = Store(plan.spec.out)
    stored = [store.read(planned.job.cell) for planned in plan.cells]
    whole = [each for each in stored if each is not None]
    if len(whole) < len(stored):
        raise TrainingError(f"{len(stored) - len(whole)} of {len(stored)} cells were not run: run the same again.")
    count = len(plan.spec.seeds)
    return [whole[start : start + count] for start in range(0, len(whole), count)]


def versions(provenance: dict[str, Any]) -> dict[str, str | int | None]:
    """Of what rounds and draws, of this program, and how many threads a cell had."""
    packages = provenance["packages"]
    found = {name: packages.get(name) for name in _PACKAGES}
    return {"bench": provenance["bench"], "commit": provenance["commit"], **found, "threads": provenance["threads"]}


def _learned(group: list[StoredCell], again: int) -> BaselineCell:
    """Of one method, code length and dataset."""
    rows = [measured(stored) for stored in group]
    cell = group[0].cell
    return BaselineCell(
        cell=cell, values={name: tuple(row.get(name) for row in rows) for name in rows[0]},
        centers=tuple(map(centers_digest, group[:again])) if exact_centers(cell) else (),
    )  # fmt: skip

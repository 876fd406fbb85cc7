"""A check: the baseline's grid is run with its first seeds, and every quantity's mean is looked for in its band."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

from bench.errors import ConfigError
from bench.grid.plan import Plan, make_plan
from bench.grid.spec import GridSpec
from bench.plugins.registry import registry
from bench.regression.bands import band
from bench.regression.baseline import Baseline, BaselineCell
from bench.regression.findings import CENTERS, CellCheck, Check, Finding
from bench.regression.learning import run_groups, versions
from bench.regression.quantities import centers_digest, measured, quantity_named
from bench.storage.cell import Cell
from bench.storage.store import StoredCell
from bench.training.progress import Observer

_TOLD = ("method_config", "train", "dataset_config", "backbone", "weights", "regime", "num_classes", "counts")


def plan_check(baseline: Baseline, where: GridSpec, out: Path) -> Plan:
    """The plan of a check, every cell of which is run anew.

    Args:
        where: a spec that says where and how cells run (data_root, device, workers, ...) and nothing else.

    Raises:
        ConfigError: the file's cells are not those of its grid; and all that `make_plan` refuses.
    """
    wanted = baseline.changed(where).model_copy(update={"seeds": baseline.checked, "out": out, "overwrite": "always"})
    plan = make_plan(wanted)
    now = [planned.job.cell for planned in plan.cells[:: baseline.again]]
    if [_key(cell) for cell in now] != [_key(each.cell) for each in baseline.cells]:
        raise ConfigError("the baseline's cells are not those of its grid: learn it again with --update --reason TEXT.")
    return plan


def check(baseline: Baseline, plan: Plan, observer: Observer | None = None) -> Check:
    """Run the plan of `plan_check` and compare."""
    groups = run_groups(plan, observer)
    rate = _rate(baseline)
    cells = tuple(compared(each, group, rate) for each, group in zip(baseline.cells, groups, strict=True))
    now = versions(groups[0][0].result["provenance"])
    then = baseline.history[-1].learned_with
    changed = [f"{k} was {then[k]}, is {v}" for k, v in now.items() if k in then and then[k] != v and k != "commit"]
    data = sorted({note for each, group in zip(baseline.cells, groups, strict=True) for note in _data(each, group)})
    return Check(cells, (*changed, *data))


def compared(before: BaselineCell, group: Sequence[StoredCell], rate: float) -> CellCheck:
    """The seeds of one method, code length and dataset, against what was learned of them.

    Args:
        rate: share of false alarms of one quantity.
    """
    cell = group[0].cell
    notes = tuple(_differences(before.cell, cell))
    if why := _failure(before.cell, group):
        return CellCheck(before.title, cell, failure=why, notes=notes)
    rows = [measured(stored) for stored in group]
    findings = [_finding(name, values, [row.get(name) for row in rows], rate) for name, values in before.values.items()]
    if before.centers:
        same = before.centers == tuple(map(centers_digest, group))
        findings.append(Finding(CENTERS, None, None, None, same))
    return CellCheck(before.title, cell, tuple(f for f in findings if f is not None), notes=notes)


def compared_baselines(before: Baseline, after: Baseline) -> list[CellCheck]:
    """What of a baseline learned anew is outside the bands of the one before; cells that both have."""
    rate = _rate(before)
    known = {_key(each.cell): each for each in after.cells}
    found = []
    for old in before.cells:
        if (new := known.get(_key(old.cell))) is not None:
            findings = [
                _finding(name, values, new.values.get(name, (None,)), rate) for name, values in old.values.items()
            ]
            notes = tuple(_differences(old.cell, new.cell))
            found.append(CellCheck(old.title, new.cell, tuple(f for f in findings if f is not None), notes=notes))
    return found


def _rate(baseline: Baseline) -> float:
    """Share of false alarms of one quantity."""
    judged = sum(None not in values for each in baseline.cells for values in each.values.values())
    return baseline.false_alarms / max(1, judged)


def _finding(
    name: str, values: Sequence[float | None], found: Sequence[float | None], rate: float
) -> Finding | None:  # fmt: skip
    """None for what is not judged: it was, and is, not defined, or was defined for some seeds alone."""
    learned, now = [v for v in values if v is not None], [v for v in found if v is not None]
    mean = fmean(now) if now and len(now) == len(found) else None
    if not learned:
        return Finding(name, None, fmean(now), None, False) if now else None
    if len(learned) < len(values):
        return None
    place = band(learned, quantity_named(name), len(found), rate)
    then = fmean(learned[: len(found)])
    return Finding(name, place, mean, then, mean is not None and place.holds(mean))


def _failure(before: Cell, group: Sequence[StoredCell]) -> str | None:
    cell = group[0].cell
    if before.method_version != cell.method_version:
        return (
            f"{cell.method} is version {cell.method_version} here, and the baseline was learned with version "
            f"{before.method_version}, whose results differ on purpose: learn it again with --update --reason TEXT."
        )
    if before.fingerprint != cell.fingerprint and registry("dataset").load(cell.dataset).needs_root:
        return (
            f"the files of {cell.dataset_label} are not those the baseline was learned on (their fingerprint differs): "
            "use the same, or learn it again with --update --reason TEXT."
        )
    failed = [stored for stored in group if not stored.ok]
    return f"{failed[0].cell.title} failed: {failed[0].result['reason']}" if failed else None


def _data(before: BaselineCell, group: Sequence[StoredCell]) -> Iterable[str]:
    """Images that are rendered here may be drawn otherwise by another version of what draws them."""
    if before.cell.fingerprint != group[0].cell.fingerprint:
        yield (
            f"the fingerprint of {group[0].cell.dataset_label} is not that of the data it was learned on: its images "
            "may differ in some pixels"
        )


def _differences(before: Cell, now: Cell) -> Iterable[str]:
    """Settings that have another value than then, as `train.lr was 0.001, is 0.002`; not those that are new or gone."""
    for name in _TOLD:
        one, other = getattr(before, name), getattr(now, name)
        if not isinstance(one, dict):
            one, other = {"": one}, {"": other}
        for key in one:
            if key in other and one[key] != other[key]:
                yield f"{name}{'.' if key else ''}{key} was {one[key]}, is {other[key]}"


def _key(cell: Cell) -> tuple[str, str, str, str, int]:
    return cell.dataset, cell.dataset_label, cell.split, cell.method_label, cell.bits

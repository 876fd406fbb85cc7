"""The ablation of CRH: without reassignment, with one head, with all (its Table 2)."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from .._model import Panel
from .._studies.arms import Arm
from .._studies.pairs import Paired
from .difference_table import difference_tables
from .facts import facts, mixtures, seeds
from .study_values import entry_map, percent
from .table import Table, Value
from .values import NOTHING, marked, mean, stored, table_name


def ablation_tables(panel: Panel, arms: Sequence[Arm]) -> list[Table]:
    """mAP by code length; then what is lost, in pairs.

    Args:
        arms: CRH-U, CRH-M and CRH.
    """
    lost = ("without reassignment", "without several heads", "without both")
    pairs = list(zip(ablation_pairs(arms), lost, strict=True))
    differences = difference_tables(panel, "ablation-differences", "Ablation of CRH: what is lost", pairs)
    return [ablation_table(panel, arms), *differences]


def ablation_pairs(arms: Sequence[Arm]) -> list[Paired]:
    """CRH-U against CRH-M, CRH-M against CRH, CRH-U against CRH."""
    without, single, full = arms
    return [Paired(without, single), Paired(single, full), Paired(without, full)]


def ablation_table(panel: Panel, arms: Sequence[Arm]) -> Table:
    """mAP by code length, its average, and how far that is from CRH's."""
    without, single, full = arms
    several = len(panel.bits) > 1
    averages = [_average(arm, panel.bits) for arm in arms]
    columns = [marked([entry_map(panel, arm.row[k]) for arm in arms]) for k in panel.bits]
    columns += [marked(averages)] if several else []
    columns.append([_relative(value, averages[-1]) for value in averages[:-1]] + [NOTHING])
    rows = zip((Value(arm.label) for arm in arms), *columns, strict=True)
    lengths = (*(f"{k} bits" for k in panel.bits), *(["average"] if several else []))
    said = (
        (
            f"{without.label}: one head, centers never reassigned (how many heads the paper gives it is not known); "
            f"{single.label}: one head, reassigned; {full.label}: heads by the rule, reassigned."
        ),
        f"mAP over the whole database, {panel.ties}; {seeds(panel)}.",
        f"Relative: of the {'averages' if several else 'mAP'}. Best in bold, second underlined.",
    )
    return Table(
        table_name("ablation", panel), "Ablation of CRH: mAP", ("variant", *lengths, f"relative to {full.label}"),
        tuple(rows), facts(panel, *said), (*_single_headed(full, single, panel.bits), *mixtures(panel)), panel.title,
    )  # fmt: skip


def _average(arm: Arm, lengths: Sequence[int]) -> Value:
    """Mean over code lengths of each seed that has all of them, then over seeds."""
    by_bits = [{cell.cell.seed: cell.result["metrics"]["map"] for cell in arm.row[k].cells} for k in lengths]
    shared = sorted(set.intersection(*map(set, by_bits)))
    return mean([statistics.fmean(values[seed] for values in by_bits) for seed in shared], 4)


def _relative(value: Value, base: Value) -> Value:
    return percent(value.number / base.number - 1) if value.number is not None and base.number else NOTHING


def _single_headed(full: Arm, single: Arm, lengths: Sequence[int]) -> list[str]:
    """Where the rule gives CRH one head, which leaves nothing of it to take away."""
    found = [str(k) for k in lengths if 1 in stored(full.row[k], "audit", "construction", "heads")]
    if not found:
        return []
    return [f"At {', '.join(found)} bits the rule gives {full.label} one head: there it is {single.label} itself."]

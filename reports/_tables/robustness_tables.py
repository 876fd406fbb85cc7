"""The robustness of CRH to its own randomness (its Table 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .._model import Panel
from .._studies.arms import Arm
from .._studies.pairs import Paired
from .difference_table import difference_tables
from .facts import facts, mixtures
from .study_values import single
from .table import Table, Value
from .values import Column, by_bits, mean, table_name

_MEANING = {
    "crh-seed": "the class orders of the greedy reassignment follow the seed; codebook, first assignment and network "
    "keep seed 0",
    "crh-init": "codebook and first assignment follow the seed; class orders and network keep seed 0",
    "crh-init-h": "the initialisations of crh-init, Hungarian reassignment",
}


def robustness_tables(panel: Panel, arms: Sequence[Arm]) -> list[Table]:
    """mAP over runs for each arm; then Hungarian against greedy reassignment, where both are there."""
    found = [robustness_table(panel, arms)]
    by_name = {arm.name: arm for arm in arms}
    if {"crh-init", "crh-init-h"} <= by_name.keys():
        greedy, hungarian = by_name["crh-init"], by_name["crh-init-h"]
        pairs = [(Paired(hungarian, greedy), "the same initialisations")]
        found += difference_tables(panel, "robustness-hungarian", "Hungarian against greedy reassignment", pairs)
    return found


def robustness_table(panel: Panel, arms: Sequence[Arm]) -> Table:
    """Mean, deviation and extremes over runs, a rule between code lengths."""
    columns = (
        Column("runs", lambda e: Value(str(len(e.cells)), number=len(e.cells))),
        Column("mAP", lambda e: mean(e.values("map"), 4)),
        Column("least", lambda e: single(min(e.values("map")), 4)),
        Column("largest", lambda e: single(max(e.values("map")), 4)),
    )
    header, rows = by_bits(replace(panel, entries={arm.label: dict(arm.row) for arm in arms}), columns)
    said = (
        " ".join(f"{arm.label}: {_MEANING[arm.name]}." for arm in arms),
        f"mAP over the whole database, {panel.ties}; mean ± standard deviation over runs (n − 1), each a seed.",
    )
    return Table(
        table_name("robustness", panel), "Robustness of CRH: mAP over runs", ("arm", *header[1:]), rows,
        facts(panel, *said), mixtures(panel), panel.title,
    )  # fmt: skip

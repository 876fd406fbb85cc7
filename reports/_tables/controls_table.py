"""Controls side by side: what of a method's mAP is geometry, and what semantics of its centers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .._known_methods import method_info
from .._model import Panel
from .._studies.arms import Arm
from .facts import facts, mixtures, seeds
from .pcc import COLUMNS, pcc_meaning
from .study_values import entry_map
from .table import Table
from .values import Column, by_bits, extreme, mean, stored, table_name


def controls_table(panel: Panel, arms: Sequence[Arm]) -> Table:
    """mAP, distances and PCC of each control's centers, a rule between code lengths."""
    entries = [entry for arm in arms for entry in arm.row.values()]
    metrics = [metric for metric in COLUMNS if any(entry.values(metric) for entry in entries)]
    columns = (
        Column("mAP", lambda e: entry_map(panel, e), best=True),
        Column("distance", lambda e: extreme(stored(e, "metrics", "d_min"), min)),
        Column("mean distance", lambda e: mean(stored(e, "audit", "centers", "d_mean"), 2, spread=False)),
        *(_pcc(metric) for metric in metrics),
    )
    header, rows = by_bits(replace(panel, entries={arm.label: dict(arm.row) for arm in arms}), columns)
    said = (
        " ".join(f"{arm.label}: {summary}." for arm in arms if (summary := _summary(arm.name))),
        f"mAP over the whole database, {panel.ties}; {seeds(panel)}.",
        "Geometry: least distance of any two centers, over all seeds, and mean distance of all pairs.",
        f"Semantics, {pcc_meaning(metrics)}" if metrics else "No PCC is stored.",
        "Best in bold, second underlined.",
    )
    return Table(
        table_name("controls", panel), "Controls: geometry or semantics", ("centers", *header[1:]), rows,
        facts(panel, *said), mixtures(panel), panel.title,
    )  # fmt: skip


def _pcc(metric: str) -> Column:
    return Column(COLUMNS[metric], lambda e: mean(stored(e, "metrics", metric), 3))


def _summary(name: str) -> str:
    """What a variant is, in the words of its method; empty where that is not installed."""
    info = method_info(name)
    return "" if info is None or name not in info.variants else info.variants[name][0]

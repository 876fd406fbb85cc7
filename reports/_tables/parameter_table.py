"""One method with one setting varied."""

from __future__ import annotations

from collections.abc import Sequence

from .._model import Panel
from .._studies.parameters import ParameterStudy, Point
from .facts import facts, mixtures, seeds
from .pcc import COLUMNS, pcc_meaning
from .study_values import entry_map
from .table import Table, Value
from .values import Row, extreme, marked, mean, stored, table_name

_MEANING = {
    "codebook-size": "A head of d bits holds M distinct candidates where 2^d ≥ M; heads that are not set follow from "
    "M: d is the least divisor of the code length that holds them.",
    "head-dim": "A head of d bits, a divisor of the code length, holds M distinct candidates where 2^d ≥ M.",
    "update-frequency": "Times: reassignments in the whole training.",
}


def parameter_table(panel: Panel, study: ParameterStudy) -> Table:
    """A row for each value at each code length, a rule between code lengths."""
    metrics = references(study)
    rows: list[Row | None] = []
    for bits, points in study.points.items():
        maps = marked([entry_map(panel, point.entry) for point in points])
        rows += [None] if rows else []
        rows += [_row(point, bits, value, metrics) for point, value in zip(points, maps, strict=True)]
    header = (
        study.name, "bits", *study.beside, "mAP", *(COLUMNS[m] for m in metrics), "distance"
    )  # fmt: skip
    said = (
        f"{study.held} with one setting varied, all others held. {_MEANING.get(study.kind, '')}".rstrip(),
        f"mAP over the whole database, {panel.ties}; {seeds(panel)}.",
        *([pcc_meaning(metrics)] if metrics else []),
        "Distance: the least of any two centers, over all seeds. Best of a code length in bold, second underlined.",
    )
    name, title = table_name(f"parameter-{study.key}", panel), f"Parameter study of {study.held}: {study.name}"
    return Table(name, title, header, tuple(rows), facts(panel, *said), mixtures(panel), panel.title)


def parameter_cost_table(panel: Panel, study: ParameterStudy) -> Table:
    """Seconds of training for each value at each code length."""
    rows: list[Row | None] = []
    for bits, points in study.points.items():
        rows += [None] if rows else []
        for point in points:
            seconds = [mean(stored(point.entry, "seconds", phase), 2) for phase in ("training", "total")]
            rows.append((Value(_text(point)), Value(str(bits), number=bits), *map(Value, point.beside), *seconds))
    header = (study.name, "bits", *study.beside, "training (s)", "total (s)")
    said = (
        f"{study.held} with one setting varied, all others held.",
        (
            f"Wall seconds of a cell's training and of all its phases; {seeds(panel)}. Of a training pass that several "
            "cells shared, each has its part."
        ),
    )
    name, title = table_name(f"parameter-{study.key}-cost", panel), f"Cost of {study.held}: {study.name}"
    return Table(name, title, header, tuple(rows), facts(panel, *said), mixtures(panel), panel.title)


def references(study: ParameterStudy) -> list[str]:
    """The metrics of PCC that some cell has."""
    entries = [point.entry for points in study.points.values() for point in points]
    return [metric for metric in COLUMNS if any(entry.values(metric) for entry in entries)]


def _row(point: Point, bits: int, value: Value, metrics: Sequence[str]) -> Row:
    entry = point.entry
    return (
        Value(_text(point)), Value(str(bits), number=bits), *map(Value, point.beside), value,
        *(mean(stored(entry, "metrics", metric), 3) for metric in metrics),
        extreme(stored(entry, "metrics", "d_min"), min),
    )  # fmt: skip


def _text(point: Point) -> str:
    return f"{point.text} (default)" if point.default and point.text != "default" else point.text

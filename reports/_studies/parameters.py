"""Parameter studies: one method with one setting varied and all others held."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.storage.cell import Cell
from bench.studies.catalogue import SCHEDULE, reassigned_after

from .._model import Entry, Panel
from .arms import is_default, label_without

_FEWEST = 3  # values of a setting that is not CRH's own


@dataclass(frozen=True)
class Point:
    """A value of the setting that is varied, at one code length.

    Attributes:
        value: what it comes to: candidates, bits per head, reassignments in all epochs, or the setting itself.
        text: the value for a table.
        tick: the same for an axis; may be of two lines.
        default: whether it is the method's own.
        beside: what else follows from it: heads and bits per head, or reassignments.
    """

    label: str
    value: Any
    text: str
    tick: str
    default: bool
    beside: tuple[str, ...]
    entry: Entry


@dataclass(frozen=True)
class ParameterStudy:
    """One method with one setting varied and all others held.

    Attributes:
        kind: codebook-size, head-dim, update-frequency, or the setting: letters, digits and hyphens.
        key: the same, with a number at its end where a protocol has several of a kind.
        name: of the setting, in words, for the head of a table and an axis.
        beside: heads of columns for `Point.beside`.
        held: the method with what is not varied, `crh` or `crh[margin=0.3]`.
        points: bits -> values from least to largest.
    """

    kind: str
    key: str
    name: str
    beside: tuple[str, ...]
    held: str
    points: dict[int, list[Point]]

    @property
    def ticks(self) -> list[str]:
        """Of all code lengths, from the least value to the largest."""
        found = {(_order(p.value), p.tick): p.tick for points in self.points.values() for p in points}
        return list(dict.fromkeys(found[key] for key in sorted(found)))


@dataclass(frozen=True)
class _Parameter:
    """What is varied: settings that go together, and how they are shown."""

    fields: tuple[str, ...]
    key: str
    name: str
    beside: tuple[str, ...] = ()
    fewest: int = 2


_KNOWN = (
    _Parameter(("codebook_size",), "codebook-size", "candidates M", ("heads", "bits per head")),
    _Parameter(("heads",), "head-dim", "bits per head d", ("heads",)),
    _Parameter(SCHEDULE, "update-frequency", "reassignment", ("times",)),
)


def parameter_studies(panel: Panel, cells: Mapping[str, Cell]) -> list[ParameterStudy]:
    """Every method with one setting varied: CRH's own in two ways or more, any other in three.

    Settings of CRH that say when centers are reassigned count as one.
    """
    found: list[ParameterStudy] = []
    for parameter in [*_KNOWN, *_others(cells.values())]:
        for labels in _groups(parameter, cells):
            study = _study(parameter, {label: cells[label] for label in labels}, panel)
            if max(len(points) for points in study.points.values()) >= 2:
                found.append(study)
    return _named_apart(found)


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"centers": {"heads": 1}}` -> `{"centers.heads": 1}`."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat


def _others(cells: Iterable[Cell]) -> list[_Parameter]:
    known = {field for parameter in _KNOWN for field in parameter.fields}
    fields = {field for cell in cells for field in _flat(cell.method_config)} - known
    return [_Parameter((field,), _slug(field), field, fewest=_FEWEST) for field in sorted(fields)]


def _groups(parameter: _Parameter, cells: Mapping[str, Cell]) -> list[list[str]]:
    """Labels of one variant each that differ in nothing else, in at least so many values."""
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for label, cell in cells.items():
        config = _flat(cell.method_config)
        if all(field in config for field in parameter.fields):
            others = {k: v for k, v in config.items() if k not in parameter.fields}
            own = json.dumps([config[field] for field in parameter.fields])
            group = groups.setdefault((cell.method, json.dumps(others, sort_keys=True)), {})
            if own not in group or is_default(label, parameter.fields):
                group[own] = label
    return [list(group.values()) for group in groups.values() if len(group) >= parameter.fewest]


def _study(parameter: _Parameter, cells: Mapping[str, Cell], panel: Panel) -> ParameterStudy:
    points: dict[int, list[Point]] = {}
    for bits in panel.bits:
        by_value: dict[Any, Point] = {}
        for label, cell in cells.items():
            entry = panel.entries[label][bits]
            if entry.cells or entry.failures:
                point = _point(parameter, cell, entry, bits)
                if point.value not in by_value or point.default:
                    by_value[point.value] = point
        if by_value:
            points[bits] = sorted(by_value.values(), key=lambda p: (_order(p.value), p.text))
    held = label_without(next(iter(cells)), parameter.fields)
    return ParameterStudy(parameter.key, parameter.key, parameter.name, parameter.beside, held, points)


def _point(parameter: _Parameter, cell: Cell, entry: Entry, bits: int) -> Point:
    config, facts = _flat(cell.method_config), _facts(entry)
    default = is_default(cell.method_label, parameter.fields)
    beside: tuple[str, ...] = ()
    value: Any
    match parameter.key:
        case "codebook-size":
            value = _whole(config["codebook_size"]) or _whole(facts.get("codebook_size"))
            beside = (_text(_whole(facts.get("heads"))), _text(_whole(facts.get("head_dim"))))
        case "head-dim":
            heads = _whole(config["heads"]) or _whole(facts.get("heads"))
            value = None if heads is None else bits // heads
            beside = (_text(heads),)
        case "update-frequency":
            return _schedule_point(cell, entry, default)
        case _:
            value = config[parameter.fields[0]]
    value = value if isinstance(value, int | float | str) or value is None else json.dumps(value)
    text = "default" if value is None and default else _text(value)
    return Point(cell.method_label, value, text, text, default, beside, entry)


def _schedule_point(cell: Cell, entry: Entry, default: bool) -> Point:
    config, epochs = cell.method_config, cell.train["epochs"]
    first, period, how = config["warmup_epochs"], config["period"], config["reassignment"]
    if how == "never":
        return Point(cell.method_label, "", "never", "never", default, ("0",), entry)
    always = period == 1 or first >= epochs
    text = "every epoch" if always else f"every {period} epochs"
    tick = "1" if always else str(period)
    if first > 0 and not always:
        text, tick = f"the first {first} epochs, then {text}", f"first {first},\nthen {period}"
    if how != "greedy":
        text, tick = f"{text}, {how}", f"{tick}\n{how}"
    times = len(reassigned_after(config, epochs) or ())
    return Point(cell.method_label, (times, text), text, tick, default, (str(times),), entry)


def _facts(entry: Entry) -> Mapping[str, Any]:
    """What the method told of how its centers were made."""
    found = [(cell.result.get("audit") or {}).get("construction") or {} for cell in entry.cells]
    return found[0] if found else {}


def _whole(value: Any) -> int | None:
    """A number of things, or None for whatever else a method has under that name."""
    return value if isinstance(value, int) and value > 0 else None


def _named_apart(studies: Sequence[ParameterStudy]) -> list[ParameterStudy]:
    """With a number at the end where one setting is varied in several surroundings."""
    seen: Counter[str] = Counter()
    found = []
    for study in studies:
        seen[study.kind] += 1
        number = seen[study.kind]
        found.append(study if number == 1 else replace(study, key=f"{study.kind}-{number}"))
    return found


def _order(value: Any) -> tuple[int, float, str]:
    """Never and unknown first, then numbers, then words."""
    if isinstance(value, tuple):
        return 1, float(value[0]), str(value[1])
    if isinstance(value, int | float):
        return 1, float(value), ""
    return (0, 0.0, "") if value in (None, "") else (2, 0.0, str(value))


def _text(value: Any) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _slug(text: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in text)

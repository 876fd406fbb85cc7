"""Which studies of variants a protocol's results hold, and what the label of a method says of its settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bench.grid.choice import split_outside_brackets
from bench.storage.cell import Cell
from bench.storage.results import Results
from bench.studies.catalogue import ABLATION, CONTROLS, ROBUSTNESS

from .._model import Entry, Panel

_FEWEST_CONTROLS = 3
_BASE = "crh"


@dataclass(frozen=True)
class Arm:
    """A variant that takes part in a study: its name, its label in these results, and its entries by bits."""

    name: str
    label: str
    row: Mapping[int, Entry]


def ablation_arms(panel: Panel, cells: Mapping[str, Cell]) -> list[Arm]:
    """CRH-U, CRH-M and CRH, where all three are there."""
    found = _arms(panel, cells, ABLATION)
    return found if len(found) == len(ABLATION) else []


def robustness_arms(panel: Panel, cells: Mapping[str, Cell]) -> list[Arm]:
    """Of Seed, Init and Init-H those that are there."""
    return _arms(panel, cells, ROBUSTNESS)


def control_arms(panel: Panel, cells: Mapping[str, Cell]) -> list[Arm]:
    """The controls, where there are three or more, with CRH before the bar of a plain classifier."""
    controls = _arms(panel, cells, CONTROLS)
    if len(controls) < _FEWEST_CONTROLS:
        return []
    return _arms(panel, cells, (*CONTROLS[:-1], _BASE, CONTROLS[-1]))


def cells_by_label(results: Results, panel: Panel) -> dict[str, Cell]:
    """A cell of each method of the protocol, finished or not: for its settings."""
    protocol = panel.cell.protocol
    return {s.cell.method_label: s.cell for s in results.cells if s.cell.protocol == protocol}


def is_default(label: str, fields: Collection[str]) -> bool:
    """Whether a label names none of these settings: it names those that were changed."""
    return not any(field in fields for piece in _pieces(label) for field in piece.changed)


def label_without(label: str, fields: Collection[str]) -> str:
    """The label as it were without these settings."""
    return "+".join(piece.without(fields) for piece in _pieces(label))


@dataclass(frozen=True)
class _Piece:
    """A part of a label: `csq[margin=0.3]-loss`; of a combination, its settings are called `loss.margin`."""

    name: str
    changed: dict[str, str]  # field -> `margin=0.3`
    tail: str

    def without(self, fields: Collection[str]) -> str:
        kept = ",".join(text for field, text in self.changed.items() if field not in fields)
        return f"{self.name}[{kept}]{self.tail}" if kept else self.name + self.tail


def _pieces(label: str) -> list[_Piece]:
    parts = split_outside_brackets(label, "+")
    prefixes = ["centers.", "loss."] if len(parts) == 2 else [""] * len(parts)
    found = []
    for part, prefix in zip(parts, prefixes, strict=True):
        name, _, rest = part.partition("[")
        inside, _, tail = rest.rpartition("]")
        settings = [text for text in split_outside_brackets(inside, ",") if text]
        found.append(_Piece(name, {prefix + text.partition("=")[0].strip(): text for text in settings}, tail))
    return found


def _arms(panel: Panel, cells: Mapping[str, Cell], names: Sequence[str]) -> list[Arm]:
    """In the order of `names`; of a variant with several settings the plain one, and none where none is plain."""
    found = []
    for name in names:
        labels = [label for label in panel.entries if label in cells and cells[label].method == name]
        label = name if name in labels else labels[0] if len(labels) == 1 else None
        if label is not None:
            found.append(Arm(name, label, panel.entries[label]))
    return found

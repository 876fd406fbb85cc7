"""Centers by losses: what the same centers reach with each loss, and the same loss with each centers."""

from __future__ import annotations

from pathlib import Path

from bench.grid.results import Results
from bench.plugins import PluginInfo, registry
from bench.plugins.report import Report

from ._markdown import escape, table
from ._model import Entry, Panel, panels
from ._text import plus_minus

INFO = PluginInfo(
    name="centers-by-losses",
    summary="centers_by_losses.md: a matrix for each code length, where methods were combined",
    licence="MIT",
)
Matrix = dict[str, dict[str, Entry]]  # centers -> loss -> entry


class CentersByLosses(Report):
    """Written only where a result combines one method's centers with another's loss."""

    when = "run"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write centers_by_losses.md."""
        sections = [_section(panel, bits) for panel in panels(results) for bits in panel.bits]
        found = [section for section in sections if section]
        if not found:
            return []
        file = out / "centers_by_losses.md"
        file.write_text("# Centers by losses\n\n" + "\n".join(found), encoding="utf-8")
        return [file]


def _section(panel: Panel, bits: int) -> str:
    matrix = _matrix(panel, bits)
    losses = list(dict.fromkeys(loss for row in matrix.values() for loss in row))
    if not any("+" in label for label in panel.entries) or len(matrix) < 2:
        return ""
    lines = [f"## {escape(panel.title)}, {bits} bits", "", "mAP; rows: centers, columns: losses.", ""]
    header = ["centers", *losses, "range over losses"]
    rows = [
        [name, *(plus_minus(row.get(loss, Entry())) for loss in losses), _range(list(row.values()))]
        for name, row in matrix.items()
    ]
    columns = [_range([row[loss] for row in matrix.values() if loss in row]) for loss in losses]
    return "\n".join([*lines, *table(header, [*rows, ["*range over centers*", *columns, ""]])]) + "\n"


def _matrix(panel: Panel, bits: int) -> Matrix:
    matrix: Matrix = {}
    for label, row in panel.entries.items():
        entry = row.get(bits, Entry())
        if entry.cells:
            centers, _, loss = label.partition("+")
            matrix.setdefault(centers, {})[_family(loss.removesuffix("-loss")) if loss else _own(centers)] = entry
    return {name: row for name, row in matrix.items() if len(row) > 1}  # the others were crossed with nothing


def _own(label: str) -> str:
    """Whose loss a method by itself has, whatever its settings."""
    return _family(label.partition("[")[0])


def _family(loss: str) -> str:
    """A variant's loss is its method's: `shc-search` stands in the column `shc`; settings in brackets stay."""
    name, bracket, settings = loss.partition("[")
    entries = registry("method").entries().values()
    family = next((e.info.name for e in entries if name == e.info.name or name in e.info.variants), name)
    return family + bracket + settings


def _range(entries: list[Entry]) -> str:
    means = [mean for entry in entries if (mean := entry.mean()) is not None]
    return f"{max(means) - min(means):.4f}" if len(means) > 1 else "–"

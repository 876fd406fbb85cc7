"""Centers by losses: what the same centers reach with each loss, and the same loss with each centers."""

from __future__ import annotations

from pathlib import Path

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._tables.markdown import document
from ._tables.matrix_table import matrix_tables

INFO = PluginInfo(
    name="centers-by-losses",
    summary="centers_by_losses.md: a matrix for each code length, where methods were combined",
    licence="MIT",
)


class CentersByLosses(Report):
    """Written only where a result combines one method's centers with another's loss."""

    when = "run"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write centers_by_losses.md."""
        found = matrix_tables(results)
        if not found:
            return []
        file = out / "centers_by_losses.md"
        file.write_text(document("Centers by losses", found), encoding="utf-8")
        return [file]

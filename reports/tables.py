"""The results as tables: Markdown, LaTeX, CSV, and in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._model import REFERENCES, Panel, panels
from ._tables import latex, markdown
from ._tables.all_tables import cost_tables, result_tables
from ._tables.csv_text import csv_text
from ._tables.terminal import STYLES
from ._tables.text import plus_minus

INFO = PluginInfo(
    name="tables",
    summary="results.md, results.tex (booktabs), results.csv, cost.md, cost.tex and tables/*.csv; mAP in the terminal",
    licence="MIT",
)
_FOLDER = "tables"


class Tables(Report):
    """Tables for each protocol: settings and splits are never mixed.

    Time and memory have files of their own, so that a run that was interrupted ends in the same results.* as one that
    was not.
    """

    when = "run"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write results.md, .tex and .csv, cost.md and .tex, and a CSV file for each table."""
        found, cost = result_tables(results), cost_tables(results)
        texts = {
            "results.md": markdown.document("Results", found),
            "results.tex": latex.document(found),
            "results.csv": results.frame.to_csv(index=False, lineterminator="\n"),
        }
        if cost:
            texts |= {"cost.md": markdown.document("Cost", cost), "cost.tex": latex.document(cost)}
        texts |= {f"{_FOLDER}/{table.name}.csv": csv_text(table) for table in found + cost}
        (out / _FOLDER).mkdir(exist_ok=True)
        for name, text in texts.items():
            (out / name).write_text(text, encoding="utf-8", newline="\n")
        return [out / name for name in texts]

    def terminal(self, results: Results) -> Any:
        """A rich table for each protocol."""
        from rich.console import Group

        return Group(*(_terminal(panel) for panel in panels(results)))


def _terminal(panel: Panel) -> Any:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table()
    table.add_column("method", no_wrap=True)
    for bits in panel.bits:
        table.add_column(f"{bits} bits", justify="right", no_wrap=True)
    for method, row in panel.entries.items():
        values = [Text(plus_minus(entry), style=STYLES[entry.rank]) for entry in row.values()]
        table.add_row(Text(method), *values)
    for name, metric in REFERENCES.items():
        shared = panel.shared(metric)
        if shared is not None:
            table.add_row(Text(name, style="italic"), *[f"{shared:.4f}"] * len(panel.bits))
    return Group(Text(panel.title, style="bold"), table, Text(panel.facts()[-1], style="dim"))

"""The results as tables: Markdown, LaTeX, CSV, and in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.grid.results import Results
from bench.plugins import PluginInfo
from bench.plugins.report import Report

from ._latex import latex
from ._markdown import markdown
from ._model import Panel, panels
from ._text import DETAILS, plus_minus

INFO = PluginInfo(
    name="tables",
    summary="results.md, results.tex (booktabs) and results.csv; the table in the terminal",
    licence="MIT",
)


class Tables(Report):
    """One table for each protocol: settings and splits are never mixed."""

    when = "run"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write the three files."""
        found = panels(results)
        texts = {
            "results.md": "# Results\n\n" + "\n".join(markdown(panel) for panel in found) + f"\n{DETAILS}\n",
            "results.tex": "% Needs \\usepackage{booktabs}.\n" + "\n".join(latex(panel) for panel in found),
            "results.csv": results.frame.to_csv(index=False, lineterminator="\n"),
        }
        for name, text in texts.items():
            (out / name).write_text(text, encoding="utf-8")
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
    style = {0: "", 1: "bold green", 2: "underline"}
    for method, row in panel.entries.items():
        values = [Text(plus_minus(entry), style=style[entry.rank]) for entry in row.values()]
        table.add_row(Text(method), *values)
    for name, metric in (("real-valued features", "map_features"), ("chance", "map_chance")):
        shared = panel.shared(metric)
        if shared is not None:
            table.add_row(Text(name, style="italic"), *[f"{shared:.4f}"] * len(panel.bits))
    return Group(Text(panel.title, style="bold"), table, Text(panel.facts()[-1], style="dim"))

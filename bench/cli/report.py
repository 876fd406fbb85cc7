"""`bench report`: tables and figures again, from what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import complete_list

Folder = Annotated[Path, typer.Argument(help="Output folder of a run.")]
Reports = Annotated[
    str | None,
    typer.Option("--reports", help="Reports, comma-separated. [default: all]", autocompletion=complete_list("report")),
]


def report_command(folder: Folder = Path("results"), reports: Reports = None) -> None:
    """Render every report, or those named, and show the table."""
    from rich.console import Console

    from bench.grid.results import Results
    from bench.grid.run import write_reports
    from bench.plugins.registry import registry

    names = [part.strip() for part in reports.split(",")] if reports else registry("report").names()
    for name in names:
        registry("report").entry(name)
    results = Results.read(folder)
    show_reports(results, write_reports(results, folder, names), Console())


def show_reports(results: object, files: list[Path], console: object) -> None:
    """What the reports have for a terminal, then the files written."""
    from rich.console import Console

    from bench.grid.results import Results
    from bench.plugins.registry import registry

    assert isinstance(results, Results) and isinstance(console, Console)
    for name in registry("report").names():
        shown = registry("report").load(name)().terminal(results)
        if shown is not None:
            console.print(shown)
    for file in files:
        console.print(f"wrote {file}", highlight=False, soft_wrap=True)

"""`bench report`: tables and figures again, from what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.cost import cost_line
from bench.cli.options import DataRoot, Folder, complete_list, names

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from bench.storage.results import Results

Reports = Annotated[
    str | None,
    typer.Option(
        "--reports", help="Reports, comma-separated. [default: all but the page]",
        autocompletion=complete_list("report"),
    ),
]  # fmt: skip
Html = Annotated[bool, typer.Option("--html", help="The page too: one file that opens offline, with a gallery.")]


def report_command(
    folder: Folder = Path("results"), reports: Reports = None, html: Html = False, data_root: DataRoot = None
) -> None:
    """Render every report, or those named, and show the table. Reads stored cells; nothing is computed again."""
    from bench.cli.format import output_console
    from bench.grid.run import reports_of, write_reports
    from bench.plugins.registry import registry
    from bench.storage.results import Results

    chosen = names("reports", reports) or reports_of("run", "report")
    chosen += ["page"] if html and "page" not in chosen else []
    for name in chosen:
        registry("report").entry(name)
    files = write_reports(folder, chosen, data_root)
    show_reports(Results.read(folder), files, output_console())


def show_reports(results: Results, files: list[Path], console: Console) -> None:
    """What the reports have for a terminal, then the files written."""
    for shown in shown_in_terminal(results):
        console.print(shown)
    if results.unread:
        console.print(results.unread_sentence, highlight=False)
    if results.cells:
        console.print(cost_line(results.cells), highlight=False, soft_wrap=True)
    for file in files:
        console.print(f"wrote {file}", highlight=False, soft_wrap=True)


def shown_in_terminal(results: Results) -> list[RenderableType]:
    """What each report has for a terminal."""
    from bench.plugins.registry import registry

    shown = (registry("report").load(name)().terminal(results) for name in registry("report").names())
    return [each for each in shown if each is not None]

"""`bench compare`: which methods differ by more than chance, or how far ours are from a paper's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import Folder
from bench.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bench.studies.comparison import Family

Seed = Annotated[int, typer.Option(help="Of the resamples and of the sign flips.")]


def _complete_paper(incomplete: str) -> list[str]:
    from bench.papers.files import paper_names

    return [name for name in paper_names() if name.startswith(incomplete)]


PaperName = Annotated[
    str | None,
    typer.Option(
        "--paper", help="A paper whose printed numbers to set beside ours, with a verdict on each: see bench list "
        "papers; or a TOML file of yours.",
        metavar="NAME|FILE.toml", autocompletion=_complete_paper,
    ),
]  # fmt: skip


def compare_command(folder: Folder = Path("results"), seed: Seed = 0, paper: PaperName = None) -> None:
    """A table for each dataset and code length; with a paper, for each of its datasets and metrics."""
    from bench.cli.format import output_console
    from bench.storage.results import Results
    from bench.studies.comparison import compare_results

    if paper is not None:
        from bench.cli.papers import show_beside

        show_beside(folder, paper, output_console())
        return
    families = compare_results(Results.read(folder), seed)
    if not families:
        raise ConfigError(f"{folder} has no two methods on the same dataset, code length and seed to compare.")
    console = output_console()
    for family in families:
        console.print(_table(family))
    console.print(
        "95% intervals: queries resampled, seeds too where there are several. p: paired randomisation test on the AP "
        "of each query, two-sided, with Holm's correction over the rows of a table.",
        style="dim",
    )


def _table(family: Family) -> RenderableType:
    from rich.markup import escape
    from rich.table import Table

    cell = family.cell
    seeds = f"{family.seeds} seed{'s' if family.seeds > 1 else ''}"
    table = Table(
        title=f"{cell.dataset_at_split}, {cell.bits} bits, {cell.regime}, {cell.settings} settings, {seeds}",
        title_justify="left",
    )
    for name in ("method", "mAP", "95% interval", "against", "difference", "p (Holm)"):
        table.add_column(name, justify="left" if name in ("method", "against") else "right", no_wrap=True)
    for row in family.comparisons:
        mean, interval = family.map[row.first]
        table.add_row(
            escape(row.first), f"{mean:.4f}", f"{interval.low:.4f}-{interval.high:.4f}",
            f"{escape(row.second)} {family.map[row.second][0]:.4f}", f"{row.difference:+.4f}", f"{row.p_holm:.2g}",
        )  # fmt: skip
    return table

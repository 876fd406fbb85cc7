"""`bench compare`: which methods differ by more than chance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bench.grid.comparison import Family

Folder = Annotated[Path, typer.Argument(help="Output folder of a run.")]
Seed = Annotated[int, typer.Option(help="Of the resamples and of the sign flips.")]


def compare_command(folder: Folder = Path("results"), seed: Seed = 0) -> None:
    """A table for each dataset and code length."""
    from bench.cli.format import output_console
    from bench.grid.comparison import compare_results
    from bench.grid.results import Results

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
        title=f"{cell.dataset_label}@{cell.split}, {cell.bits} bits, {cell.regime}, {cell.settings} settings, {seeds}",
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

"""`bench regress`: whether methods still give what they gave, within bands learned from many seeds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options as o
from bench.cli.format import print_line
from bench.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from bench.grid.plan import Plan
    from bench.grid.spec import GridSpec
    from bench.regression.baseline import Baseline
    from bench.regression.findings import CellCheck, Check, Finding
    from bench.training.progress import Observer

File = Annotated[Path | None, typer.Option(help="File of the baseline. [default: the one that comes with bench]")]
Update = Annotated[bool, typer.Option("--update", help="Learn the baseline, or learn it again.")]
Reason = Annotated[str | None, typer.Option(help="Why it is learned; kept in the file with the date.")]
Count = Annotated[int | None, typer.Option("--seeds", help="Seeds to learn from. [default: 20, or as in the file]")]
Again = Annotated[
    int | None, typer.Option("--check-seeds", help="Seeds that a check runs of these. [default: 2, or as in the file]")
]
Json = Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")]
Out = Annotated[Path | None, typer.Option(help="Folder that keeps the cells. [default: a temporary one]")]


def regress_command(
    grid: o.GridFile = None, baseline: File = None, update: Update = False, reason: Reason = None,
    seeds: Count = None, check_seeds: Again = None, as_json: Json = False,
    methods: o.Methods = None, datasets: o.Datasets = None, bits: o.Bits = None, regime: o.Regime = None,
    settings: o.Settings = None, backbone: o.Backbone = None, weights: o.Weights = None,
    from_scratch: o.FromScratch = None, set_: o.Sets = None, tuned: o.TunedFile = None,
    allow_missing: o.AllowMissing = None, data_root: o.DataRoot = None, device: o.Device = None,
    workers: o.Workers = None, timeout: o.Timeout = None, out: Out = None,
) -> None:  # fmt: skip
    """Run the baseline's grid again and end with 1 if a quantity is outside its band; or learn a baseline."""
    from bench.regression.baseline import KEPT, OWN

    spec = o.spec_of(
        grid, methods, datasets, bits, None, set_, regime=regime, settings=settings, backbone=backbone,
        weights=weights, from_scratch=from_scratch, tuned=tuned, allow_missing=allow_missing,
        data_root=data_root, device=device, workers=workers, timeout=timeout,
    )  # fmt: skip
    chosen = spec.model_fields_set & set(KEPT) - {"set"}  # "set" holds workers and timeout, too
    given = grid is not None or bool(set_) or bool(chosen)
    if update:
        if not (reason or "").strip():
            raise ConfigError("a baseline is not learned without a reason: say why with --reason TEXT.")
        if given and baseline is None:
            raise ConfigError("a grid of your own needs a baseline of your own: name its file with --baseline FILE.")
        _update(baseline or OWN, spec, grid is not None, str(reason), seeds, check_seeds, out, as_json)
    elif given or reason is not None or seeds is not None or check_seeds is not None:
        raise ConfigError(
            "a check runs the grid and the seeds that its baseline was learned with: to choose others, learn one with "
            "--update --reason TEXT."
        )
    else:
        _check(baseline or OWN, spec, out, as_json)


def _check(path: Path, where: GridSpec, out: Path | None, as_json: bool) -> None:
    from bench.cli.format import output_console
    from bench.regression.baseline import read_baseline
    from bench.regression.checking import check, plan_check

    baseline, console = read_baseline(path), output_console()
    with _folder(out) as folder:
        plan = plan_check(baseline, where, folder)
        with _watched(plan, console, as_json) as observer:
            found = check(baseline, plan, observer)
    if as_json:
        print(json.dumps({"baseline": str(path), **found.as_json()}, indent=2))
    else:
        show(found, baseline, console)
    if not found.passed:
        raise typer.Exit(1)


def _update(
    path: Path, spec: GridSpec, from_file: bool, reason: str, seeds: int | None, again: int | None, out: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    from bench.cli.format import output_console
    from bench.regression.baseline import read_baseline, write_baseline
    from bench.regression.learning import AGAIN, SEEDS, learn, plan_learning

    before, console = read_baseline(path) if path.exists() else None, output_console()
    count = seeds or (SEEDS if before is None else len(before.seeds))
    again = again or min(count, AGAIN if before is None else before.again)
    with _folder(out) as folder:
        wanted = spec if before is None or from_file else before.changed(spec)
        plan = plan_learning(wanted.model_copy(update={"out": folder}), count, again)
        with _watched(plan, console, as_json) as observer:
            learned = learn(plan, reason, again, () if before is None else before.history, observer)
    write_baseline(path, learned)
    facts = {"baseline": str(path), "cells": len(learned.cells), "seeds": count, "check_seeds": again}
    if as_json:
        print(json.dumps(facts))
        return
    for line in [] if before is None else moved(before, learned):
        print_line(console, line)
    print_line(console, f"wrote {path}: {len(learned.cells)} cells, {count} seeds, of which a check runs {again}")


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """The folder that the user names, or one that is gone in the end."""
    if out is not None:
        yield out
        return
    with TemporaryDirectory(prefix="bench-regress-") as folder:
        yield Path(folder)


@contextmanager
def _watched(plan: Plan, console: Console, quiet: bool) -> Iterator[Observer]:
    """As `bench run` shows it, or nothing at all."""
    from bench.cli.plan import summary
    from bench.cli.progress import watching
    from bench.training.progress import Observer

    if quiet:
        yield Observer()
        return
    console.print(summary(plan), highlight=False)
    with watching(plan, console) as observer:
        yield observer


def show(found: Check, baseline: Baseline, console: Console) -> None:
    """A table for each dataset, then what is outside and what is known of why."""
    for dataset in dict.fromkeys(checked.cell.dataset_at_split for checked in found.cells):
        console.print(_table(dataset, [c for c in found.cells if c.cell.dataset_at_split == dataset]))
    lines = [f"note: {note}" for note in found.notes]
    for cell in found.cells:
        if cell.passed:
            continue
        lines += [f"outside: {cell.title}: {cell.failure}"] if cell.failure else []
        lines += [f"outside: {cell.title}: {finding.sentence()}" for finding in cell.outside]
        lines += [f"    setting: {note}" for note in cell.notes]
    count = sum(len(cell.findings) for cell in found.cells)
    outside = sum(len(cell.outside) for cell in found.cells)
    failed = sum(cell.failure is not None for cell in found.cells)
    last = baseline.history[-1]
    lines.append(
        f"{count - outside} of {count} quantities are inside their bands, learned from {len(baseline.seeds)} seeds on "
        f"{last.date[:10]} ({last.reason})"
    )
    lines.append(found.drift())
    lines += [f"{failed} of {len(found.cells)} cells were not compared"] if failed else []
    lines.append(
        "pass: all is as it was learned" if found.passed
        else "fail: if this was meant, learn the baseline again with --update --reason TEXT"
    )  # fmt: skip
    for line in lines:
        print_line(console, line)


def _table(title: str, cells: list[CellCheck]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in ("method", "bits", "quantity", "found", "band", "verdict"):
        table.add_column(name, justify="right" if name in ("bits", "found") else "left", no_wrap=True)
    for cell in cells:
        table.add_section()
        head = escape(cell.cell.method_label), str(cell.cell.bits)
        if cell.failure:
            table.add_row(*head, "-", "-", "-", "[bold red]not compared[/]")
        for i, finding in enumerate(cell.findings):
            verdict = "inside" if finding.inside else "[bold red]OUTSIDE[/]"
            table.add_row(*(("", "") if i else head), finding.title, *_shown(finding), verdict)
    return table


def _shown(finding: Finding) -> tuple[str, str]:
    """What was found, and the band."""
    from bench.regression.findings import CENTERS, number

    if finding.name == CENTERS:
        return ("the same" if finding.inside else "others"), "the same"
    if finding.band is None:
        return number(finding.found), "not defined"
    return number(finding.found), f"{number(finding.band.low)} to {number(finding.band.high)}"


def moved(before: Baseline, learned: Baseline) -> Iterator[str]:
    """What learning anew has changed: quantities whose new mean is outside the old band."""
    from bench.regression.checking import compared_baselines

    for cell in compared_baselines(before, learned):
        yield from (f"moved: {cell.title}: {finding.sentence()}" for finding in cell.outside)
        yield from (f"    setting: {note}" for note in cell.notes)

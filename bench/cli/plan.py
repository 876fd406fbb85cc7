"""`bench plan`: what a run would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli import options as o
from bench.cli.format import duration

if TYPE_CHECKING:
    from rich.console import Console

    from bench.grid.plan import Plan


def plan_command(
    grid: o.GridFile = None, methods: o.Methods = None, datasets: o.Datasets = None, bits: o.Bits = None,
    seeds: o.Seeds = None, regime: o.Regime = None, settings: o.Settings = None, backbone: o.Backbone = None,
    weights: o.Weights = None, data_root: o.DataRoot = None, device: o.Device = None, executor: o.ExecutorName = None,
    out: o.Out = None, overwrite: o.Overwrite = None, tuned: o.TunedFile = None, set_: o.Sets = None,
) -> None:  # fmt: skip
    """Resolve and check every cell, and show a line for each; trains nothing."""
    spec = o.spec_of(
        grid, methods, datasets, bits, seeds, set_, regime=regime, settings=settings, backbone=backbone,
        weights=weights, data_root=data_root, device=device, executor=executor, out=out, overwrite=overwrite,
        tuned=tuned,
    )  # fmt: skip
    from bench.cli.format import output_console
    from bench.grid.plan import make_plan

    show(make_plan(spec), output_console())


def show(plan: Plan, console: Console) -> None:
    """One line per cell, then the sum."""
    from rich.markup import escape
    from rich.table import Table

    from bench.grid.plan import expected_seconds
    from bench.grid.store import Store

    stored = Store(plan.spec.out).read_all()
    table = Table(box=None, pad_edge=False)
    for column in ("cell", "dataset", "method", "bits", "seed", "regime", "backbone", "state", "time"):
        table.add_column(column, justify="right" if column in ("bits", "seed", "time") else "left", no_wrap=True)
    for planned in plan.cells:
        cell = planned.job.cell
        seconds = expected_seconds(cell, stored)
        state = planned.state if not planned.runs or planned.state != "done" else "done, runs again"
        table.add_row(
            cell.id[:8], f"{cell.dataset_label}@{cell.split}", escape(cell.method_label), str(cell.bits),
            str(cell.seed), cell.regime, cell.backbone, state, "?" if seconds is None else duration(seconds),
        )  # fmt: skip
    console.print(table)
    console.print(summary(plan))


def summary(plan: Plan) -> str:
    """`6 cells: 4 done, 2 to run, about 40 s.`"""
    counts = {state: sum(p.state == state for p in plan.cells) for state in ("done", "failed", "missing")}
    parts = [f"{n} {state}" for state, n in counts.items() if n and state != "missing"] + [f"{len(plan.to_run)} to run"]
    seconds = plan.expected_seconds() if plan.to_run else 0.0
    time = "" if not plan.to_run else ", time not known yet" if seconds is None else f", about {duration(seconds)}"
    noun = "cell" if len(plan.cells) == 1 else "cells"
    return f"{len(plan.cells)} {noun}: {', '.join(parts)}{time}."

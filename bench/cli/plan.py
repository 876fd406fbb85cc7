"""`bench plan`: what a run would do."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.cli import options as o
from bench.cli.format import cell_count, duration, print_line

if TYPE_CHECKING:
    from rich.console import Console

    from bench.grid.plan import Plan, Planned


def plan_command(
    grid: o.GridFile = None, methods: o.Methods = None, datasets: o.Datasets = None, bits: o.Bits = None,
    seeds: o.Seeds = None, regime: o.Regime = None, settings: o.Settings = None, backbone: o.Backbone = None,
    weights: o.Weights = None, from_scratch: o.FromScratch = None, data_root: o.DataRoot = None,
    device: o.Device = None, deterministic: o.Deterministic = None, compile_: o.Compile = None,
    executor: o.ExecutorName = None, workers: o.Workers = None, timeout: o.Timeout = None,
    out: o.Out = None, overwrite: o.Overwrite = None, tuned: o.TunedFile = None,
    allow_missing: o.AllowMissing = None, tracking: o.Tracking = None, set_: o.Sets = None,
) -> None:  # fmt: skip
    """Resolve and check every cell, and show a line for each; trains nothing."""
    spec = o.spec_of(
        grid, methods, datasets, bits, seeds, set_, regime=regime, settings=settings, backbone=backbone,
        weights=weights, from_scratch=from_scratch, data_root=data_root, device=device,
        deterministic=deterministic, compile=compile_, executor=executor, workers=workers, timeout=timeout, out=out,
        overwrite=overwrite,
        tuned=tuned, allow_missing=allow_missing, tracking=tracking,
    )  # fmt: skip
    from bench.cli.format import output_console
    from bench.grid.plan import make_plan

    show(make_plan(spec), output_console())


_COLUMNS = ("cell", "dataset", "method", "bits", "seed", "regime", "backbone", "state", "time")
_NUMBERS = ("bits", "seed", "time")


def show(plan: Plan, console: Console) -> None:
    """One line per cell, what is shared, then the sum."""
    from rich.text import Text

    lines = "\n".join(_aligned([_COLUMNS, *map(functools.partial(_row, plan), plan.cells)]))
    console.print(Text(lines, no_wrap=True, overflow="ellipsis"))
    for note in plan.notes:
        print_line(console, f"note: {note}")
    for sentence in plan.forecast.shared():
        print_line(console, f"shared: {sentence}")
    if plan.gpu_room is not None:
        print_line(console, f"gpu: {plan.gpu_room.sentence()}")
    console.print(summary(plan), highlight=False)


def _row(plan: Plan, planned: Planned) -> tuple[str, ...]:
    cell, seconds = planned.job.cell, plan.timings.seconds(planned.job.cell)
    state = planned.state if not planned.runs or planned.state != "done" else "done, runs again"
    return (
        cell.id[:8], cell.dataset_at_split, cell.method_label, str(cell.bits), str(cell.seed),
        cell.regime, cell.backbone, state, "?" if seconds is None else duration(seconds),
    )  # fmt: skip


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """The rows as lines of equal columns. A table of rich's takes a second for a thousand rows."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, _COLUMNS, strict=True)
        yield "  ".join(t.rjust(w) if name in _NUMBERS else t.ljust(w) for t, w, name in cells).rstrip()


def summary(plan: Plan) -> str:
    """`6 cells: 4 done, 2 to run, about 40 s with 2 workers.`"""
    counts = {state: sum(p.state == state for p in plan.cells) for state in ("done", "failed", "missing")}
    parts = [f"{n} {state}" for state, n in counts.items() if n and state != "missing"] + [f"{len(plan.to_run)} to run"]
    return f"{cell_count(len(plan.cells))}: {', '.join(parts)}{_time(plan)}."


def _time(plan: Plan) -> str:
    if not plan.to_run:
        return ""
    seconds, workers = plan.forecast.seconds, plan.forecast.workers
    if seconds is None:
        return ", time not known yet"
    return f", about {duration(seconds)}{f' with {workers} workers' if workers > 1 else ''}"

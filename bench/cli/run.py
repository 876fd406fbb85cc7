"""`bench run`: the grid, watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli import options as o

if TYPE_CHECKING:
    from bench.grid.plan import Plan


def run_command(
    grid: o.GridFile = None, methods: o.Methods = None, datasets: o.Datasets = None, bits: o.Bits = None,
    seeds: o.Seeds = None, regime: o.Regime = None, settings: o.Settings = None, backbone: o.Backbone = None,
    weights: o.Weights = None, from_scratch: o.FromScratch = None, data_root: o.DataRoot = None,
    device: o.Device = None, deterministic: o.Deterministic = None, compile_: o.Compile = None,
    executor: o.ExecutorName = None, workers: o.Workers = None, timeout: o.Timeout = None,
    out: o.Out = None, overwrite: o.Overwrite = None, tuned: o.TunedFile = None,
    allow_missing: o.AllowMissing = None, tracking: o.Tracking = None, set_: o.Sets = None,
) -> None:  # fmt: skip
    """Run what is missing, report, and end with 1 if a cell failed."""
    spec = o.spec_of(
        grid, methods, datasets, bits, seeds, set_, regime=regime, settings=settings, backbone=backbone,
        weights=weights, from_scratch=from_scratch, data_root=data_root, device=device,
        deterministic=deterministic, compile=compile_, executor=executor, workers=workers, timeout=timeout, out=out,
        overwrite=overwrite,
        tuned=tuned, allow_missing=allow_missing, tracking=tracking,
    )  # fmt: skip
    from bench.grid.plan import make_plan

    run_and_report(make_plan(spec))


def run_and_report(plan: Plan) -> None:
    """Run a plan's missing cells, watched; then reports of all that is in its folder."""
    import typer

    from bench.cli.format import output_console
    from bench.cli.plan import summary
    from bench.cli.progress import watching
    from bench.cli.report import show_reports
    from bench.grid.run import run_plan, write_reports

    console = output_console()
    console.print(summary(plan), highlight=False)
    with watching(plan, console) as observer:
        results = run_plan(plan, observer)
    show_reports(results, write_reports(plan.spec.out), console)
    failed = sum(not stored.ok for stored in results.cells)
    if failed:
        console.print(f"{failed} of {len(plan.cells)} cells failed; run again to try them once more.", highlight=False)
        raise typer.Exit(1)

"""`bench study`: a named question, the grid that answers it, run and reported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options as o

if TYPE_CHECKING:
    from bench.grid.spec import GridSpec


def _complete(incomplete: str) -> list[str]:
    from bench.studies.catalogue import STUDIES

    return [name for name in STUDIES if name.startswith(incomplete)]


Name = Annotated[
    str | None,
    typer.Argument(
        help="factorial, ablation, robustness, codebook-size, head-dim, update-frequency or controls; none: list them.",
        autocompletion=_complete,
    ),
]
Methods = Annotated[
    str | None, typer.Option(help="Of the factorial: methods to cross. Of others: methods to run beside.")
]
PlanOnly = Annotated[bool, typer.Option("--plan", help="Show what would be run, as bench plan does, and end.")]


def study_command(
    name: Name = None, grid: o.GridFile = None, methods: Methods = None, datasets: o.Datasets = None,
    bits: o.Bits = None, seeds: o.Seeds = None,
    regime: o.Regime = None, settings: o.Settings = None, backbone: o.Backbone = None, weights: o.Weights = None,
    from_scratch: o.FromScratch = None,
    data_root: o.DataRoot = None, device: o.Device = None, deterministic: o.Deterministic = None,
    compile_: o.Compile = None, executor: o.ExecutorName = None,
    workers: o.Workers = None, timeout: o.Timeout = None, out: o.Out = None,
    overwrite: o.Overwrite = None, tuned: o.TunedFile = None, allow_missing: o.AllowMissing = None,
    tracking: o.Tracking = None, set_: o.Sets = None, plan_only: PlanOnly = False,
) -> None:  # fmt: skip
    """Expand the study and run it as `bench run` does; the output folder is named after it unless given."""
    from bench.studies.catalogue import STUDIES, plan_study, study_named

    if name is None:
        for known, study in STUDIES.items():
            print(f"{known:<18}{study.summary}")
        return
    study = study_named(name)
    spec = o.spec_of(
        grid, methods, datasets, bits, seeds, set_, regime=regime, settings=settings, backbone=backbone,
        weights=weights, from_scratch=from_scratch,
        data_root=data_root, device=device, deterministic=deterministic, compile=compile_, executor=executor,
        workers=workers, timeout=timeout, out=out, overwrite=overwrite, tuned=tuned,
        allow_missing=allow_missing, tracking=tracking,
    )  # fmt: skip
    asked = spec.methods if "methods" in spec.model_fields_set else ()
    plan = plan_study(name, _with_defaults(spec, name, study.seeds), asked)
    from bench.cli.format import output_console, print_line

    if plan_only:
        from bench.cli.plan import show

        show(plan, output_console())
        return
    from bench.cli.run import run_and_report

    for note in plan.notes:
        print_line(output_console(), f"note: {note}")
    run_and_report(plan)


def _with_defaults(spec: GridSpec, name: str, seeds: tuple[int, ...]) -> GridSpec:
    """The study's own seeds and folder where neither the command line nor the grid file says any."""
    defaults = {"seeds": seeds, "out": Path("results") / name}
    return spec.model_copy(update={k: v for k, v in defaults.items() if k not in spec.model_fields_set})

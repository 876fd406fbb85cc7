"""`bench study`: a named question, the grid that answers it, run and reported."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli import options as o

Name = Annotated[
    str | None,
    typer.Argument(
        help="factorial, ablation, robustness, codebook-size, head-dim, update-frequency or controls; none: list them."
    ),
]
Methods = Annotated[
    str | None, typer.Option(help="Of the factorial: methods to cross. Of others: methods to run beside.")
]


def study_command(
    name: Name = None, methods: Methods = None, datasets: o.Datasets = None, bits: o.Bits = None, seeds: o.Seeds = None,
    regime: o.Regime = None, settings: o.Settings = None, backbone: o.Backbone = None, weights: o.Weights = None,
    from_scratch: o.FromScratch = None,
    data_root: o.DataRoot = None, device: o.Device = None, executor: o.ExecutorName = None,
    workers: o.Workers = None, timeout: o.Timeout = None, out: o.Out = None,
    overwrite: o.Overwrite = None, tuned: o.TunedFile = None, allow_missing: o.AllowMissing = None,
    tracking: o.Tracking = None, set_: o.Sets = None,
) -> None:  # fmt: skip
    """Expand the study and run it as `bench run` does; the output folder is named after it unless given."""
    from pathlib import Path

    from bench.grid.studies import STUDIES, plan_study

    if name is None:
        for known, study in STUDIES.items():
            print(f"{known:<18}{study.summary}")
        return
    chosen = o.names("methods", methods) or []
    seeds = seeds or ",".join(map(str, STUDIES[name].seeds if name in STUDIES else (0,)))
    spec = o.spec_of(
        None, None, datasets, bits, seeds, set_, regime=regime, settings=settings, backbone=backbone, weights=weights,
        from_scratch=from_scratch,
        data_root=data_root, device=device, executor=executor, workers=workers, timeout=timeout,
        out=out or Path("results") / name, overwrite=overwrite,
        tuned=tuned, allow_missing=allow_missing, tracking=tracking,
    )  # fmt: skip
    from bench.cli.run import run_and_report

    run_and_report(plan_study(name, spec, chosen))

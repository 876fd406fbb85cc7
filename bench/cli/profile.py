"""`bench profile`: where a cell's time goes."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import options as o
from bench.cli.again import AllowMissing, Plugins, shown_stages, stored_job
from bench.cli.profile_text import lines
from bench.errors import ConfigError

if TYPE_CHECKING:
    from bench.grid.job import Job
    from bench.training.regimes import Compile

Name = Annotated[
    str | None,
    typer.Argument(metavar="[CELL]", help="Stored cell: its id, the first digits of it, or its folder. Without one, "
                                          "the one that --methods, --datasets, --bits, ... name."),
]  # fmt: skip
Epochs = Annotated[int, typer.Option(min=1, help="Epochs to run; encoding and evaluation follow.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Of the processor. [default: as then; of a cell not stored, one]")
]
Trace = Annotated[Path | None, typer.Option(help="File to write a trace to, for Perfetto or chrome://tracing.")]
Top = Annotated[int, typer.Option(min=0, help="Operators or kernels to show.")]


def profile_command(
    cell: Name = None, methods: o.Methods = None, datasets: o.Datasets = None, bits: o.Bits = None,
    seeds: o.Seeds = None, regime: o.Regime = None, settings: o.Settings = None, backbone: o.Backbone = None,
    weights: o.Weights = None, from_scratch: o.FromScratch = None, data_root: o.DataRoot = None,
    device: o.Device = None, deterministic: o.Deterministic = None, compile_: o.Compile = None, out: o.Out = None,
    allow_missing: AllowMissing = False, plugin: Plugins = None,
    set_: o.Sets = None, epochs: Epochs = 2, threads: Threads = None, trace: Trace = None, top: Top = 10,
    as_json: o.Json = False,
) -> None:  # fmt: skip
    """Run a few epochs of a cell, its encoding and evaluation, and tell where the time went; nothing is stored."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # torch's profiler tells stderr that it starts, and that it ends
    if trace is not None and (trace.is_dir() or not trace.absolute().parent.is_dir()):
        raise ConfigError(f"--trace {trace} cannot be written: name a file in a folder that exists.")
    choices: dict[str, Any] = {
        "methods": methods, "datasets": datasets, "bits": bits, "seeds": seeds, "regime": regime,
        "settings": settings, "backbone": backbone,
    }  # fmt: skip
    if cell is None:
        if plugin:
            raise ConfigError("--plugin is for a stored cell: name the file with --methods or --datasets instead.")
        job = _chosen(
            **choices, weights=weights, from_scratch=from_scratch, data_root=data_root, device=device,
            deterministic=deterministic, compile=compile_, out=out, allow_missing=allow_missing or None, sets=set_,
        )  # fmt: skip
    else:
        if given := [f"--{name}" for name, value in {**choices, "set": set_}.items() if value is not None]:
            raise ConfigError(f"{given[0]} changes nothing of the stored cell '{cell}': leave one of the two out.")
        weights = "scratch" if from_scratch else weights
        place = out or Path("results")
        stored, job = stored_job(cell, place, data_root, weights, device, plugin or [], allow_missing)
        threads = threads or stored.result["provenance"].get("threads")
        job = replace(job, deterministic=deterministic or job.deterministic, compile=_compile(compile_) or job.compile)
    from bench.profiling import profile_cell

    with shown_stages(job.cell.title) as observer:
        found = profile_cell(job, epochs, threads or 1, trace, observer)
    print(json.dumps(found.as_json(), indent=2) if as_json else "\n".join(lines(found, top)))


def _compile(text: str | None) -> Compile | None:
    from bench.grid.spec import grid_spec

    return None if text is None else grid_spec(options={"compile": text}).compile


def _chosen(**choices: Any) -> Job:
    """The one cell that choices like those of `bench run` name."""
    from bench.grid.plan import make_plan

    cells = make_plan(o.spec_of(None, **choices)).cells
    if len(cells) != 1:
        raise ConfigError(
            f"these choices name {len(cells)} cells: name one, for example with --methods crh --bits 16, or a stored "
            "cell by its id."
        )
    return cells[0].job

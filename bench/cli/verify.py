"""`bench verify`: whether a stored cell comes out again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.again import AllowMissing, Plugins, shown_stages, stored_job
from bench.cli.options import DataRoot, Json
from bench.errors import ConfigError

if TYPE_CHECKING:
    from bench.studies.reproduction import Reproduction

Name = Annotated[str, typer.Argument(metavar="CELL", help="Id of a cell, the first digits of it, or its folder.")]
Out = Annotated[Path, typer.Option(help="Output folder that holds the cell.")]
Weights = Annotated[Path | None, typer.Option(help="File of weights, for a cell that began from a file.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N. [default: as then, where there is one]")]
Tolerance = Annotated[
    float | None,
    typer.Option(help="Largest difference of mAP. [default: identical bits on a CPU of the same kind, else the larger "
                      "of 0.02 and 5 standard errors]"),
]  # fmt: skip


def verify_command(
    cell: Name, out: Out = Path("results"), data_root: DataRoot = None, weights: Weights = None, device: Device = None,
    plugin: Plugins = None, allow_missing: AllowMissing = False, tolerance: Tolerance = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Run a cell again into a temporary folder, compare codes and mAP, and end with 1 if it did not come out again."""
    if tolerance is not None and not 0 <= tolerance <= 1:
        raise ConfigError(f"--tolerance {tolerance:g} is no difference of mAP: give one from 0 to 1.")
    from bench.studies.reproduction import reproduce

    file = None if weights is None else str(weights)
    stored, job = stored_job(cell, out, data_root, file, device, plugin or [], allow_missing)
    with shown_stages(stored.cell.title) as observer:
        found = reproduce(job, stored, tolerance, observer)
    if as_json:
        print(json.dumps(vars(found), indent=2))
    else:
        _show(found)
    if not found.passed:
        raise typer.Exit(1)


def _show(found: Reproduction) -> None:
    print(f"{found.title}, cell {found.cell}")
    if found.map_again is not None and found.query_bits is not None and found.database_bits is not None:
        print(f"  query codes     {_share(found.query_bits)} of the bits are equal")
        print(f"  database codes  {_share(found.database_bits)} of the bits are equal")
        difference = found.map_again - found.map_stored
        print(f"  mAP             {found.map_stored:.6f} stored, {found.map_again:.6f} again, {difference:+.2g}")
    allowed = "identical bits" if found.tolerance is None else f"mAP within {found.tolerance:.4g}"
    print(f"  expected        {allowed}: {found.why}")
    for change in found.changes:
        print(f"  note            {change}")
    print(f"{'pass' if found.passed else 'fail'}: {found.verdict}")


def _share(value: float) -> str:
    """`100%` only where every bit is equal."""
    return "100%" if value == 1 else f"{min(100 * value, 99.9999):.4f}%"

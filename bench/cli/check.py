"""`bench check`: whether a method keeps to its contract."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import Json, complete_list

if TYPE_CHECKING:
    from rich.table import Table

    from bench.conformance import Outcome

_COLORS = {"ok": "green", "refused": "yellow", "skipped": "dim", "failed": "bold red"}
Name = Annotated[
    str,
    typer.Argument(metavar="METHOD", help="Method or variant, 'crh\\[margin=0.3]', crh+csq-loss, or a .py file.",
                   autocompletion=complete_list("method")),
]  # fmt: skip
Verbose = Annotated[bool, typer.Option("--verbose", help="Show tracebacks.")]


def check_command(method: Name, verbose: Verbose = False, as_json: Json = False) -> None:
    """Run every check, print a line for each, end with 1 if one failed."""
    from rich.console import Console

    from bench.conformance import check_method

    console = Console(stderr=True)
    with console.status("") as status:
        outcomes = check_method(method, watch=lambda check: status.update(f"{method}: {check}"))
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if as_json:
        table = {"method": method, "ok": not failed, "checks": [_plain(outcome, verbose) for outcome in outcomes]}
        print(json.dumps(table, indent=2))
    else:
        _print(method, outcomes, verbose)
    if failed:
        raise typer.Exit(1)


def _plain(outcome: Outcome, verbose: bool) -> dict[str, object]:
    return {key: value for key, value in asdict(outcome).items() if key != "traceback" or verbose}


def _print(method: str, outcomes: list[Outcome], verbose: bool) -> None:
    from bench.cli.format import output_console

    console = output_console()
    console.print(_table(outcomes))
    for outcome in outcomes:
        if verbose and outcome.traceback:
            console.print(f"\n{outcome.check}:\n{outcome.traceback}", markup=False, highlight=False)
    console.print(_sentence(method, outcomes), markup=False, highlight=False)


def _table(outcomes: list[Outcome]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from bench.conformance import CHECKS

    table = Table(box=None, pad_edge=False)
    for column in ("check", "result", "time"):
        table.add_column(column, no_wrap=True, justify="right" if column == "time" else "left")
    table.add_column("", overflow="fold")
    for outcome in outcomes:
        text = outcome.detail or CHECKS[outcome.check].summary
        color = _COLORS[outcome.status]
        result = f"[{color}]{outcome.status}[/{color}]"
        table.add_row(outcome.check, result, f"{outcome.seconds:.2f} s", escape(" ".join(text.split())))
    return table


def _sentence(method: str, outcomes: list[Outcome]) -> str:
    """`crh keeps to the contract: 25 checks ok, 1 refused, 2 skipped, in 1.3 s.`"""
    counts = {status: sum(outcome.status == status for outcome in outcomes) for status in _COLORS}
    named = ", ".join(f"{count} {status}" for status, count in counts.items() if count and status != "failed")
    seconds = f"{sum(outcome.seconds for outcome in outcomes):.1f} s"
    if not counts["failed"]:
        return f"{method} keeps to the contract: {named}, in {seconds}."
    names = ", ".join(outcome.check for outcome in outcomes if outcome.status == "failed")
    return f"{method} breaks the contract: {counts['failed']} of {len(outcomes)} checks failed ({names}), in {seconds}."

"""`bench status`: how far the runs of an output folder are, from another terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.format import cell_count, duration, print_line
from bench.cli.options import Folder

if TYPE_CHECKING:
    from bench.grid.status import Run, Running, Status
    from bench.grid.watch import Watch

Again = Annotated[bool, typer.Option("--watch", help="Look again and again, until nothing runs.")]
Every = Annotated[float, typer.Option("--every", help="Seconds between looks.", min=0.1)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, with --watch one a line.")]
_SHOWN = 5  # cells that failed in one way, named


def status_command(
    folder: Folder = Path("results"), watch: Again = False, every: Every = 2.0, json: AsJson = False
) -> None:
    """Show cells done, failed, running and left; reads only, and needs nothing of the run."""
    from bench.grid.watch import Watch

    with suppress(KeyboardInterrupt):  # of the watching alone
        (_json if json else _show)(Watch(folder), every if watch else None)


def _json(looked: Watch, every: float | None) -> None:
    from json import dumps

    for status in _looks(looked, every):
        print(dumps(status.as_json(), ensure_ascii=False), flush=True)


def _show(looked: Watch, every: float | None) -> None:
    from rich.live import Live
    from rich.text import Text

    from bench.cli.format import output_console

    console = output_console()
    if every is None or not console.is_terminal:
        for status in _looks(looked, every):
            print_line(console, "\n".join(lines(status)))
        return
    with Live(console=console, auto_refresh=False) as live:
        for status in _looks(looked, every):
            live.update(Text("\n".join(lines(status))), refresh=True)


def _looks(looked: Watch, every: float | None) -> Iterator[Status]:
    """One look, or one after the other until nothing runs."""
    status = looked.look()
    yield status
    while every is not None and status.goes_on:
        time.sleep(every)
        status = looked.look()
        yield status


def lines(status: Status) -> list[str]:
    """What is shown."""
    return [_sum(status), *_runs(status), *_failures(status)]


def _sum(status: Status) -> str:
    """`12 of 48 cells done, 1 failed, 2 running, 33 left; 90 cells an hour, about 24 min left`"""
    now = sum(len(one.cells) for one in status.running) + len(status.other_ids)
    whole = cell_count(status.done) if status.planned is None else f"{status.done} of {cell_count(status.planned)}"
    parts = [f"{whole} done", f"{len(status.failed)} failed", f"{now} running"]
    if status.left is not None:
        parts.append(f"{max(0, status.left - sum(len(one.cells) for one in status.running))} waiting")
    text = ", ".join(parts)
    if status.per_hour is not None:
        text += f"; {status.per_hour:,.3g} cells an hour"
    if status.seconds_left is not None and status.left:
        text += f", about {duration(status.seconds_left)} left"
    return text + (f"; {cell_count(status.others)} of other grids in the folder" if status.others else "")


def _runs(status: Status) -> Iterator[str]:
    if not status.runs:
        yield "no run has written log.jsonl here: what is planned and running cannot be told"
    for run in status.runs:
        yield f"{run.pid}@{run.host} since {_clock(run.started)}: {run.command or 'bench'}; {_state(run)}"
        for one in [*status.running, *status.lost]:
            if one.run == run.id:
                until = run.last if run.goes_on is False else status.time
                yield f"  worker {one.worker}: {_doing(one, until)}"
    if status.other_ids:
        yield f"{cell_count(len(status.other_ids))} claimed by a run that does not write log.jsonl"


def _state(run: Run) -> str:
    if run.ended is not None:
        return f"ended at {_clock(run.last)}: {run.ended}"
    if run.goes_on:
        return "runs"
    if run.goes_on is None:
        return f"whether it runs cannot be told from here, last heard of at {_clock(run.last)}"
    return f"gone without a word, last heard of at {_clock(run.last)}; it had in hand:"


def _doing(one: Running, now: float) -> str:
    """`glyphs@default crh 32 bits seed 0, for 42 s: training epoch 12/30 loss 0.1234, for 40 s`"""
    name = one.cells[0] if len(one.cells) == 1 else f"{one.cells[0]} and {len(one.cells) - 1} more together"
    text = f"{name}, for {duration(max(0.0, now - one.since))}"
    if one.stage:
        loss = "" if one.loss is None else f" loss {one.loss:.4f}"
        epoch = "" if one.epoch is None else f" epoch {one.epoch + 1}/{one.epochs}{loss}"
        text += f": {one.stage}{epoch}, for {duration(max(0.0, now - one.stage_since))}"
    return text


def _failures(status: Status) -> Iterator[str]:
    from bench.storage.failures import KINDS

    for kind, count in Counter(failed.failure for failed in status.failed).most_common():
        meaning = dict(KINDS).get(kind)  # type: ignore[call-overload]
        yield f"{count} failed, {kind}{f' ({meaning})' if meaning else ''}:"
        some = [failed for failed in status.failed if failed.failure == kind]
        for failed in some[:_SHOWN]:
            yield f"  {failed.title}: {failed.reason}"
        if len(some) > _SHOWN:
            yield f"  and {len(some) - _SHOWN} more"


def _clock(seconds: float) -> str:
    """`14:05` of today, else with the day."""
    then = time.localtime(seconds)
    today = time.strftime("%Y-%m-%d") == time.strftime("%Y-%m-%d", then)
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M", then)

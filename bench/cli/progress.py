"""Progress of a run: bars and a growing table in a terminal, one line per cell in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.cli.format import duration
from bench.cli.report import shown_in_terminal
from bench.grid.plan import Plan
from bench.grid.results import Results
from bench.grid.store import StoredCell
from bench.training.progress import Observer

_LOG_EVERY = 30.0  # seconds between lines about a long stage, in a log


@contextmanager
def watching(plan: Plan, console: Console) -> Iterator[tuple[Observer, Callable[[StoredCell], None]]]:
    """An observer, and what to call with each finished cell, for a terminal or a log."""
    lines = _Lines(console, len(plan.to_run))
    if not console.is_terminal:
        yield _Log(console), lines
        return
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        console=console,
    )  # fmt: skip
    cells = progress.add_task("cells", total=len(plan.to_run), note="")
    finished = {p.job.cell.id: p.stored for p in plan.cells if p.stored is not None and not p.runs}
    methods = [p.job.cell.method for p in plan.cells]

    def screen() -> Group:  # bars above: they stay in sight when the table is longer than the terminal
        return Group(progress, *shown_in_terminal(Results(list(finished.values()), methods)))

    with Live(screen(), console=console, transient=True, refresh_per_second=8) as live:

        def on_cell(stored: StoredCell) -> None:
            lines(stored)
            progress.advance(cells)
            finished[stored.cell.id] = stored
            live.update(screen())

        yield _Bars(progress), on_cell


class _Lines:
    """`[2/6] glyphs@default crh 32 bits seed 0: mAP 0.7312 +- 0.0101 (12 s)`."""

    def __init__(self, console: Console, total: int) -> None:
        self.console, self.total, self.done = console, total, 0

    def __call__(self, stored: StoredCell) -> None:
        self.done += 1
        time_taken = duration(stored.result["seconds"]["total"])
        head = f"[{self.done}/{self.total}] {stored.cell.title}"
        if stored.ok:
            metrics = stored.result["metrics"]
            text = f"{head}: mAP {metrics['map']:.4f} ± {metrics['map_stderr']:.4f} ({time_taken})"
        else:
            text = f"{head}: failed after {time_taken}: {stored.result['reason']}"
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
        for note in stored.result["notes"]:
            self.console.print(f"    note: {note}", markup=False, highlight=False, soft_wrap=True)


class _Bars(Observer):
    """One bar for the running cell's stage: items, items a second, loss, time left."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task = progress.add_task("starting", total=None, note="")
        self._loss = ""

    def stage(self, name: str, total: int) -> None:
        self._loss = ""
        self.progress.reset(self.task, total=total or None, description=name, note="")

    def advance(self, items: int) -> None:
        self.progress.advance(self.task, items)
        speed = self.progress.tasks[self.task].speed
        rate = f"{speed:,.0f}/s" if speed else ""
        self.progress.update(self.task, note=f"{rate} {self._loss}".strip())

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        self._loss = f"epoch {epoch + 1}/{epochs} loss {loss:.4f}"


class _Log(Observer):
    """A line every half minute, so that a log of a long run says where it is and how long it will take."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._begin("", 0)

    def _begin(self, name: str, total: int) -> None:
        self.name, self.total, self.done, self._loss = name, total, 0, ""
        self.start = self.last = time.monotonic()

    def stage(self, name: str, total: int) -> None:
        self._begin(name, total)

    def advance(self, items: int) -> None:
        self.done += items
        now = time.monotonic()
        if now - self.last < _LOG_EVERY:
            return
        self.last = now
        rate = self.done / (now - self.start)
        left = f", {duration((self.total - self.done) / rate)} left" if self.total else ""
        text = f"    {self.name}: {self.done:,}/{self.total:,} ({rate:,.0f}/s{left}){self._loss}"
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        self._loss = f" epoch {epoch + 1}/{epochs} loss {loss:.4f}"

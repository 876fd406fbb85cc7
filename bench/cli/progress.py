"""Progress of a run: bars and a growing table in a terminal, one line per cell in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.cli.format import duration
from bench.cli.report import shown_in_terminal
from bench.grid.cell import Cell
from bench.grid.plan import Plan
from bench.grid.results import Results
from bench.grid.store import StoredCell
from bench.training.progress import Observer

_LOG_EVERY = 30.0  # seconds between lines about a long stage, in a log


@contextmanager
def watching(plan: Plan, console: Console) -> Iterator[Observer]:
    """An observer for a terminal or a log."""
    lines = _Lines(console, len(plan.to_run))
    if not console.is_terminal:
        yield _Log(console, lines)
        return
    screen = _Screen(plan, console, lines)
    with Live(screen.shown(), console=console, transient=True, refresh_per_second=8) as screen.live:
        yield screen


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


class _Screen(Observer):
    """A bar of all cells, one for each process, and the table of what is done."""

    live: Live

    def __init__(self, plan: Plan, console: Console, lines: _Lines) -> None:
        self.lines = lines
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
            console=console,
        )  # fmt: skip
        self.cells = self.progress.add_task("cells", total=len(plan.to_run), note="")
        self.finished = {p.job.cell.id: p.stored for p in plan.cells if p.stored is not None and not p.runs}
        self.methods = [p.job.cell.method for p in plan.cells]
        self.bars: dict[int, _Bar] = {}

    def worker(self, number: int) -> Observer:
        return self.bars.setdefault(number, _Bar(self))

    def begin(self, cells: Sequence[Cell]) -> None:
        self.worker(0).begin(cells)

    def stage(self, name: str, total: int) -> None:
        self.worker(0).stage(name, total)

    def advance(self, items: int) -> None:
        self.worker(0).advance(items)

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        self.worker(0).epoch(epoch, epochs, loss, lr)

    def stored(self, stored: StoredCell) -> None:
        self.lines(stored)
        self.progress.advance(self.cells)
        self.finished[stored.cell.id] = stored
        self.live.update(self.shown())

    def shown(self) -> Group:
        """Bars above: they stay in sight when the table is longer than the terminal."""
        return Group(self.progress, *shown_in_terminal(Results(list(self.finished.values()), self.methods)))


class _Bar(Observer):
    """What one process does: items, items a second, loss, time left."""

    def __init__(self, screen: _Screen) -> None:
        self.screen, self.progress = screen, screen.progress
        self.task = self.progress.add_task("starting", total=None, note="")
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

    def stored(self, stored: StoredCell) -> None:
        self.screen.stored(stored)


class _Log(Observer):
    """A line for each cell that ends, and for each process one every half minute: a log says where a long run is."""

    def __init__(self, console: Console, lines: _Lines) -> None:
        self.console, self.lines = console, lines
        self.others: dict[int, _Log] = {}
        self.cell = ""
        self.stage("", 0)

    def worker(self, number: int) -> Observer:
        return self.others.setdefault(number, _Log(self.console, self.lines))

    def begin(self, cells: Sequence[Cell]) -> None:
        self.cell = cells[0].title if len(cells) == 1 else f"{len(cells)} cells on {cells[0].dataset_label}"

    def stage(self, name: str, total: int) -> None:
        self.name, self.total, self.done, self._loss = name, total, 0, ""
        self.start = self.last = time.monotonic()

    def advance(self, items: int) -> None:
        self.done += items
        now = time.monotonic()
        if now - self.last < _LOG_EVERY:
            return
        self.last = now
        rate = self.done / (now - self.start)
        left = f", {duration((self.total - self.done) / rate)} left" if self.total else ""
        text = f"    {self.cell}: {self.name} {self.done:,}/{self.total:,} ({rate:,.0f}/s{left}){self._loss}"
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        self._loss = f" epoch {epoch + 1}/{epochs} loss {loss:.4f}"

    def stored(self, stored: StoredCell) -> None:
        self.lines(stored)

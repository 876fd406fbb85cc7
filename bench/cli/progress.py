"""Progress of a run: bars and a growing table in a terminal, one line per cell in a log."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from bench.cli.format import duration, print_line
from bench.cli.report import shown_in_terminal
from bench.grid.plan import Plan
from bench.storage.cell import Cell
from bench.storage.results import Results
from bench.storage.store import StoredCell
from bench.training.progress import Observer

_LOG_EVERY = 30.0  # seconds between lines about a long stage, in a log
_ROOMY = 110  # columns from which there is room for bars beside the cells' names
_TABLE_EVERY = 2.0  # seconds between tables of what is done


@contextmanager
def watching(plan: Plan, console: Console) -> Iterator[Observer]:
    """An observer for a terminal or a log."""
    lines = _Lines(console, len(plan.to_run))
    if not console.is_terminal:
        yield _Log(console, lines)
        return
    screen = _Screen(plan, console, lines)
    with Live(get_renderable=screen.shown, console=console, transient=True, refresh_per_second=8):
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
        print_line(self.console, text)
        for note in stored.result["notes"]:
            print_line(self.console, f"    note: {note}")


class _Screen(Observer):
    """A bar of all cells, one for each process, and the table of what is done."""

    def __init__(self, plan: Plan, console: Console, lines: _Lines) -> None:
        self.lines = lines
        self.progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
            *([BarColumn(bar_width=16)] if console.width >= _ROOMY else []),
            _Count(_at_least(9)), _Note(_at_least(10)), _Left(_at_least(11)), console=console, expand=True,
        )  # fmt: skip
        self.start = time.monotonic()
        self.expected = plan.forecast.seconds
        self.failed = 0
        self.cells = self.progress.add_task("cells", total=len(plan.to_run), note="", left=self.left)
        self.finished = {p.job.cell.id: p.stored for p in plan.cells if p.stored is not None and not p.runs}
        self.methods = [p.job.cell.method for p in plan.cells]
        self.one_dataset = len({(p.job.cell.dataset_label, p.job.cell.split) for p in plan.cells}) == 1
        self.bars: dict[int, _Bar] = {}
        self._table: list[RenderableType] = []
        self._tabled, self._at = -1, -math.inf

    def worker(self, number: int) -> Observer:
        if number not in self.bars:
            self.bars[number] = _Bar(self)
        return self.bars[number]

    def begin(self, cells: Sequence[Cell]) -> None:
        self.worker(0).begin(cells)

    def stage(self, name: str, total: int) -> None:
        self.worker(0).stage(name, total)

    def advance(self, items: int) -> None:
        self.worker(0).advance(items)

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        self.worker(0).epoch(epoch, epochs, loss, lr)

    def stored(self, stored: StoredCell) -> None:
        self.worker(0).stored(stored)

    def add(self, stored: StoredCell) -> None:
        """A cell more is done, by any process."""
        self.lines(stored)
        self.failed += not stored.ok
        self.finished[stored.cell.id] = stored
        self.progress.update(self.cells, advance=1, note=f"{self.failed} failed" if self.failed else "")

    def left(self) -> float | None:
        """Seconds until all cells are done: by those done so far, before the first by what past cells took."""
        task, passed = self.progress.tasks[0], time.monotonic() - self.start
        if task.completed:
            return passed / task.completed * ((task.total or 0) - task.completed)
        return None if self.expected is None else max(0.0, self.expected - passed)

    def shown(self) -> Group:
        """Bars above: they stay in sight when the table is longer than the terminal.

        The table is made anew once in a while: for a thousand cells that takes longer than a small cell.
        """
        now, done = time.monotonic(), len(self.finished)
        if done != self._tabled and now - self._at >= _TABLE_EVERY:
            self._table = shown_in_terminal(Results(list(self.finished.values()), self.methods))
            self._tabled, self._at = done, now
        return Group(self.progress, *self._table)


class _Bar(Observer):
    """What one process does: its cells and their stage, items, items a second, loss, time left."""

    def __init__(self, screen: _Screen) -> None:
        self.screen, self.progress = screen, screen.progress
        self.task = self.progress.add_task("starting", total=None, note="")
        self.name = ""
        self.left: set[str] = set()

    def begin(self, cells: Sequence[Cell]) -> None:
        self.name, self.left = _name_of(cells, short=self.screen.one_dataset), {cell.id for cell in cells}
        self._restart(self.name, 0)

    def stage(self, name: str, total: int) -> None:
        self._restart(f"{self.name}: {name}" if self.name else name, total)

    def advance(self, items: int) -> None:
        self.progress.advance(self.task, items)

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        self.progress.update(self.task, note=f"epoch {epoch + 1}/{epochs} loss {loss:.4f}")

    def stored(self, stored: StoredCell) -> None:
        self.left.discard(stored.cell.id)
        if not self.left:
            self.progress.update(self.task, visible=False)
        self.screen.add(stored)

    def _restart(self, description: str, total: int) -> None:
        self.progress.reset(self.task, total=total, description=description, visible=True, note="")
        if not total:  # `reset` takes None for "as before"
            next(task for task in self.progress.tasks if task.id == self.task).total = None


class _Count(ProgressColumn):
    """`1,200/48,000`; nothing where the number of items is not known."""

    def render(self, task: Task) -> Text:
        text = "" if task.total is None else f"{task.completed:,.0f}/{task.total:,.0f}"
        return Text(text, style="progress.download", justify="right")


class _Note(ProgressColumn):
    """`510/s epoch 3/30 loss 0.1234`."""

    def render(self, task: Task) -> Text:
        rate = f"{task.speed:,.0f}/s" if task.speed and task.speed >= 1 and not task.fields.get("left") else ""
        return Text(f"{rate} {task.fields['note']}".strip())


class _Left(ProgressColumn):
    """`4 min 02 s left`."""

    def render(self, task: Task) -> Text:
        left = task.fields.get("left")
        seconds = task.time_remaining if left is None else left()
        return Text("" if seconds is None or task.finished else f"{duration(seconds)} left", style="progress.remaining")


class _Log(Observer):
    """A line for each cell that ends, and for each process one every half minute: a log says where a long run is."""

    def __init__(self, console: Console, lines: _Lines) -> None:
        self.console, self.lines = console, lines
        self.others: dict[int, _Log] = {}
        self.cell = ""
        self.stage("", 0)

    def worker(self, number: int) -> Observer:
        if number not in self.others:
            self.others[number] = _Log(self.console, self.lines)
        return self.others[number]

    def begin(self, cells: Sequence[Cell]) -> None:
        self.cell = _name_of(cells)

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
        print_line(self.console, text)

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        self._loss = f" epoch {epoch + 1}/{epochs} loss {loss:.4f}"

    def stored(self, stored: StoredCell) -> None:
        self.lines(stored)


def _name_of(cells: Sequence[Cell], short: bool = False) -> str:
    """The cell's title, or how many are trained together; `short`: without the dataset, which is the same for all."""
    cell = cells[0]
    if len(cells) > 1:
        return f"{len(cells)} cells" if short else f"{len(cells)} cells on {cell.dataset_label}"
    return f"{cell.method_label} {cell.bits} bits seed {cell.seed}" if short else cell.title


def _at_least(width: int) -> Column:
    """A column that does not come and go: the others stay where they are."""
    return Column(min_width=width, no_wrap=True)

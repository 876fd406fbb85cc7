"""Trackers as observers of a run: each hears of every cell, and none can end it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.errors import BenchWarning
from bench.grid.journal import how_ended, run_facts
from bench.plugins.tracker import Tracker
from bench.training.progress import Observer

if TYPE_CHECKING:
    from bench.grid.plan import Plan
    from bench.storage.cell import Cell
    from bench.storage.store import StoredCell


@contextmanager
def tracking(plan: Plan) -> Iterator[Observer]:
    """An observer that tells the plan's trackers."""
    guarded = _Guarded(plan.trackers)
    guarded.tell("run_begins", run_facts(plan))
    how = "done"
    try:
        yield _Tracking(guarded)
    except BaseException as error:
        how = how_ended(error)
        raise
    finally:
        guarded.tell("run_ends", how)
        guarded.warn()


class _Guarded:
    """Trackers, as far as they have not raised."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._trackers = list(trackers)
        self._broken: list[str] = []

    def tell(self, what: str, *facts: Any) -> None:
        """Call a method of all of them."""
        for tracker in tuple(self._trackers):
            try:
                getattr(tracker, what)(*facts)
            except Exception as error:
                self._trackers.remove(tracker)
                self._broken.append(
                    f"{tracker.INFO.name} is left out of the run's tracking: {type(error).__name__}: {error}"
                )

    def warn(self) -> None:
        """Say what was left out; not while a cell runs, whose warnings are kept with it."""
        for sentence in self._broken:
            warnings.warn(sentence, BenchWarning, stacklevel=2)
        self._broken.clear()


class _Tracking(Observer):
    """What one worker does."""

    def __init__(self, trackers: _Guarded) -> None:
        self._trackers = trackers
        self._others: dict[int, _Tracking] = {}
        self._cells: dict[str, Cell] = {}
        self._stage = ""
        self._told: set[int] = set()  # epochs whose loss has been told

    def worker(self, number: int) -> Observer:
        if number not in self._others:
            self._others[number] = _Tracking(self._trackers)
        return self._others[number]

    def begin(self, cells: Sequence[Cell]) -> None:
        self._cells, self._stage, self._told = {cell.id: cell for cell in cells}, "", set()
        for cell in cells:
            self._trackers.tell("cell_begins", cell)

    def stage(self, name: str, total: int) -> None:
        self._stage = name

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        if self._stage == "training" and len(self._cells) == 1:  # else it is a mean over cells, or another network's
            (cell,) = self._cells.values()
            self._told.add(epoch)
            self._trackers.tell("epoch", cell, epoch, _finite({"loss": loss, "lr": lr}))

    def stored(self, stored: StoredCell) -> None:
        cell = self._cells.pop(stored.cell.id, None)
        if cell is not None:  # else another run has made it
            for epoch, values in enumerate(stored.result["history"]):
                rest = {k: v for k, v in values.items() if epoch not in self._told or k not in ("loss", "lr")}
                self._trackers.tell("epoch", cell, epoch, _finite(rest))
            self._trackers.tell("cell_stored", stored)
        self._trackers.warn()


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if math.isfinite(value)}

"""What a running cell tells whoever watches; the trainer knows nothing of terminals."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from bench.data.filling import watched

if TYPE_CHECKING:
    from bench.storage.cell import Cell
    from bench.storage.store import StoredCell


class Observer:
    """Called while cells run. This one ignores everything; the command line shows it."""

    def worker(self, number: int) -> Observer:
        """What is to hear of the cells of one of several processes: this observer, unless it tells them apart."""
        return self

    def begin(self, cells: Sequence[Cell]) -> None:
        """A cell begins, or several that are trained together."""

    def stored(self, stored: StoredCell) -> None:
        """A cell has ended, well or not, and is stored."""

    def stage(self, name: str, total: int) -> None:
        """A stage begins: "training", "features", "codes", ... of `total` items (0: not known)."""

    def advance(self, items: int) -> None:
        """So many items of the stage are done."""

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        """A zero-based epoch ended with this mean loss."""


class Observers(Observer):
    """Several observers that all hear of everything."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def worker(self, number: int) -> Observer:
        """See `Observer`."""
        return Observers([observer.worker(number) for observer in self._observers])

    def begin(self, cells: Sequence[Cell]) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.begin(cells)

    def stored(self, stored: StoredCell) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.stored(stored)

    def stage(self, name: str, total: int) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.stage(name, total)

    def advance(self, items: int) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.advance(items)

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        """See `Observer`."""
        for observer in self._observers:
            observer.epoch(epoch, epochs, loss, lr)


class Within(Observer):
    """Tells another observer of a training inside the cell's own: its stages are named after it."""

    def __init__(self, observer: Observer, name: str) -> None:
        self._observer, self._name = observer, name

    def stage(self, name: str, total: int) -> None:
        """See `Observer`."""
        self._observer.stage(f"{self._name}: {name}", total)

    def advance(self, items: int) -> None:
        """See `Observer`."""
        self._observer.advance(items)

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        """See `Observer`."""
        self._observer.epoch(epoch, epochs, loss, lr)


def watching_decoding(observer: Observer) -> AbstractContextManager[None]:
    """Inside, a dataset that decodes its images tells the observer how far it is."""
    told = 0

    def watch(done: int, total: int) -> None:
        nonlocal told
        if not told:
            observer.stage("decoding images", total)
        observer.advance(done - told)
        told = done

    return watched(watch)

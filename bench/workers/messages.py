"""What a worker and its parent say to each other: one JSON object a line, nothing that could run code.

Parent to worker:  {"unit": [job, ...]}
Worker to parent:  {"say": "cells" | "stage" | "advance" | "epoch" | "stored" | "error" | "done", ...}

Tasks of Ray and jobs of Slurm say the same; a job also says "interrupted" when its time is up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import IO, Any

from bench.errors import BenchError, DataError, StoreError
from bench.storage.cell import Cell
from bench.storage.store import StoredCell
from bench.training.progress import Observer

Message = dict[str, Any]
_EVERY = 0.1  # seconds between messages about progress


class Sender(Observer):
    """An observer that writes what it hears to a pipe."""

    def __init__(self, pipe: IO[str]) -> None:
        self.pipe = pipe
        self._items, self._last = 0, 0.0

    def say(self, what: str, **fields: Any) -> None:
        """One message, sent at once."""
        self.pipe.write(json.dumps({"say": what, **fields}) + "\n")
        self.pipe.flush()

    def begin(self, cells: Sequence[Cell]) -> None:
        """See `Observer`."""
        self.say("cells", ids=[cell.id for cell in cells])

    def stage(self, name: str, total: int) -> None:
        """See `Observer`."""
        self._items = 0
        self.say("stage", name=name, total=total)

    def advance(self, items: int) -> None:
        """See `Observer`; told from time to time."""
        self._items += items
        now = time.monotonic()
        if now - self._last >= _EVERY:
            self.say("advance", items=self._items)
            self._items, self._last = 0, now

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        """See `Observer`."""
        self.say("epoch", epoch=epoch, epochs=epochs, loss=repr(loss), lr=lr)  # JSON has no infinity

    def stored(self, stored: StoredCell) -> None:
        """See `Observer`."""
        self.say("stored", id=stored.cell.id)

    def error(self, error: BenchError) -> None:
        """An error that is not one cell's."""
        self.say("error", type=type(error).__name__, text=str(error))


def relay(message: Message, observer: Observer) -> None:
    """Tell an observer what a worker has said of its progress."""
    match message["say"]:
        case "stage":
            observer.stage(message["name"], message["total"])
        case "advance":
            observer.advance(message["items"])
        case "epoch":
            observer.epoch(message["epoch"], message["epochs"], float(message["loss"]), message["lr"])


def error_in(message: Message) -> BenchError:
    """The error of an "error" message."""
    return (DataError if message["type"] == "DataError" else StoreError)(message["text"])

"""What a running cell tells whoever watches; the trainer knows nothing of terminals."""

from __future__ import annotations

from contextlib import AbstractContextManager

from bench.data.filling import watched


class Observer:
    """Called while a cell runs. This one ignores everything; the command line shows it."""

    def stage(self, name: str, total: int) -> None:
        """A stage begins: "training", "features", "codes", ... of `total` items (0: not known)."""

    def advance(self, items: int) -> None:
        """So many items of the stage are done."""

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        """A zero-based epoch ended with this mean loss."""


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

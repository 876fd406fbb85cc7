"""How busy a GPU is while a cell trains on it: whether another cell would fit beside it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from bench.training.progress import Observer

if TYPE_CHECKING:
    from bench.storage.cell import Cell

_EVERY = 1.0  # seconds: the driver's own window is a sixth of it to a whole one


class GpuWatch(Observer):
    """Asks the driver from time to time, while there is progress in a training.

    The driver tells of the whole device, so nothing is known of a cell that shares it with others.
    """

    def __init__(self, device: torch.device, shared: bool = False) -> None:
        self._device = device
        self._asks = device.type == "cuda" and not shared
        self._training, self._last = False, 0.0
        self._shares: list[float] = []

    @property
    def busy(self) -> float | None:
        """Mean share of time in which a kernel ran, 0 to 1; None where nobody has told."""
        return statistics.fmean(self._shares) if self._shares else None

    def begin(self, cells: Sequence[Cell]) -> None:
        """See `Observer`: what was before does not count."""
        self._shares = []

    def stage(self, name: str, total: int) -> None:
        """See `Observer`."""
        self._training, self._last = name == "training", time.monotonic()

    def advance(self, items: int) -> None:
        """See `Observer`."""
        if self._asks and self._training and time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            try:
                self._shares.append(torch.cuda.utilization(self._device) / 100)
            except Exception:  # without the driver's library, or the right to ask
                self._asks = False

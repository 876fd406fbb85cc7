"""How many cells fit on a GPU at a time, by what finished cells like them have left of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.storage.cell import Cell
from bench.storage.store import StoredCell

_GIVEN_OUT = 0.9  # share of a GPU's memory: the rest is the driver's, and a screen's
_CONTEXT = 2**30  # bytes that a process takes beside: CUDA's context, libraries, their workspaces


@dataclass(frozen=True)
class GpuRoom:
    """What one cell takes of a GPU.

    Attributes:
        busy: share of its training in which a kernel ran.
        peak: bytes that torch took of it.
        memory: bytes of the GPU.
    """

    busy: float
    peak: int
    memory: int

    @property
    def cells(self) -> int:
        """So many fit at a time, by time and by memory."""
        return max(1, int(min(1 / self.busy, _GIVEN_OUT * self.memory / (self.peak + _CONTEXT))))

    def sentence(self) -> str:
        """What was found, and what follows."""
        noun = "1 cell fits" if self.cells == 1 else f"{self.cells} cells fit"
        return (
            f"{noun} on a GPU at a time: finished ones kept it busy {self.busy:.0%} of the time and took "
            f"{self.peak / 2**30:.1f} of its {self.memory / 2**30:.0f} GiB"
        )


def gpu_room(cells: Iterable[Cell], stored: Iterable[StoredCell]) -> GpuRoom | None:
    """What each of `cells` takes at most, by finished ones of its protocol that had a GPU to themselves.

    None where there are none of some protocol, or nothing to go by.
    """
    known: dict[str, list[Mapping[str, Any]]] = {}
    for one in stored:
        where = one.result.get("provenance", {}) if one.ok else {}
        if where.get("gpu") and where.get("gpu_busy") and where.get("peak_gpu_memory_bytes"):
            known.setdefault(one.cell.protocol, []).append(where)
    alike = [known.get(protocol, []) for protocol in {cell.protocol for cell in cells}]
    if not alike or not all(alike):
        return None
    every = [where for some in alike for where in some]
    return GpuRoom(
        busy=max(statistics.median(where["gpu_busy"] for where in some) for some in alike),
        peak=max(where["peak_gpu_memory_bytes"] for where in every),
        memory=min(where["gpu"]["memory_bytes"] for where in every),
    )

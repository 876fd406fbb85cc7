"""What became of a cell, and how it is stored: the same whether it ended well, badly, or with its process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from numpy.typing import NDArray

from bench.clock import Clock
from bench.grid.job import Job
from bench.storage.failures import Failure
from bench.storage.provenance import peaks, provenance
from bench.storage.store import Store, StoredCell
from bench.training.regimes import Compile


@dataclass
class Outcome:
    """What a cell leaves.

    Attributes:
        failure: why it has no metrics, or None.
        measured: metrics, audit and history as `result.json` has them.
        notes: what a reader must know.
        seeds: root seeds by what they are of.
        together: heads of the pass that trained it; 1: alone.
        compiled: what its backbone was compiled to.
        gpu_busy: share of the training in which its GPU was busy, where that is known.
    """

    failure: Failure | None = None
    measured: dict[str, Any] = field(default_factory=lambda: {"metrics": {}, "audit": {}, "history": []})
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    notes: set[str] = field(default_factory=set)
    seeds: dict[str, int] = field(default_factory=dict)
    together: int = 1
    compiled: Compile = "no"
    gpu_busy: float | None = None

    def store(self, job: Job, clock: Clock, device: torch.device) -> StoredCell:
        """Write it in the place of whatever was there.

        Raises:
            StoreError: it cannot be written.
        """
        failure, seconds = self.failure, clock.seconds()
        seeds = {"cell": job.cell.seed, **self.seeds}
        where = provenance(device, seeds, seconds["total"], self.together, self.compiled) | peaks(device)
        result = {
            "status": "ok" if failure is None else "failed", "failure": None if failure is None else failure.kind,
            "reason": None if failure is None else failure.reason,
            "traceback": None if failure is None else failure.traceback, **self.measured,
            "notes": sorted(self.notes), "seconds": seconds, "provenance": where | {"gpu_busy": self.gpu_busy},
        }  # fmt: skip
        return Store(job.out).write(job.cell, result, self.arrays)


def store_failure(job: Job, failure: Failure, seconds: float) -> StoredCell:
    """Store a cell whose process has ended before it could do so itself; run again, it goes on from its checkpoint."""
    clock = Clock()
    clock.add("lost", seconds)
    return Outcome(failure).store(job, clock, torch.device("cpu"))

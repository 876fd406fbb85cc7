"""What a profile tells."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.profiling.events import Operator
from bench.profiling.peak import Peak
from bench.profiling.window import Steps, Times


@dataclass(frozen=True)
class Profile:
    """Where the time of a cell goes. Seconds are wall seconds unless it says otherwise.

    Attributes:
        title, device: of the cell; the device's name as its maker has it.
        threads: torch's, of the processor.
        epochs: how many were run, of `cell_epochs`.
        batch_size, steps_per_epoch: of the training.
        phases: seconds by phase of what was run, and their `total`; see `bench.clock`.
        steps, times: which steps were profiled and timed, and what the timed ones took.
        encoded: items that were encoded, in the phase "codes".
        operators: the longest first; kernels where there is a GPU, else the processor's operators.
        profiled_seconds: that the profiled steps took, slowed by the profiler.
        busy: share of the timed steps in which the GPU ran something, by the time that kernels and copies took of the
            profiled ones; on a CPU the processor time of the timed steps over their wall time times threads. None where
            nothing was timed.
        flops: floating-point operations of a step, see `step_flops`.
        memory: largest resident memory of the process and most that torch took of the GPU, bytes.
        items: what is trained on: "images" or "vectors".
        trace: file of the trace, or None.
    """

    cell: str
    title: str
    device: str
    on_gpu: bool
    threads: int
    epochs: int
    cell_epochs: int
    batch_size: int
    steps_per_epoch: int
    phases: dict[str, float]
    steps: Steps
    times: Times
    encoded: int
    operators: tuple[Operator, ...]
    profiled_seconds: float
    busy: float | None
    flops: int
    peak: Peak
    memory: dict[str, int | None]
    items: str
    trace: str | None

    @property
    def step_seconds(self) -> float | None:
        """Of a step; None where none was timed."""
        return self.times.seconds / self.times.steps if self.times.steps else None

    @property
    def items_per_second(self) -> float | None:
        """Of training, without what comes between two epochs."""
        return self.times.items / self.times.seconds if self.times.steps else None

    @property
    def encoded_per_second(self) -> float:
        """Of encoding queries and database."""
        return self.encoded / self.phases["codes"]

    @property
    def batch_share(self) -> float | None:
        """Share of a step that the loop waits for its batch."""
        return self.times.batches / self.times.seconds if self.times.steps else None

    @property
    def between_seconds(self) -> float:
        """From an epoch's last step to its end: what the method does after an epoch, mean."""
        return sum(self.times.between) / len(self.times.between)

    @property
    def flops_per_second(self) -> float | None:
        """Of training: those of whole steps over the time of all."""
        return None if self.step_seconds is None else self.flops / self.step_seconds

    @property
    def peak_share(self) -> float | None:
        """Of the device's peak."""
        return None if self.flops_per_second is None else self.flops_per_second / self.peak.flops

    @property
    def whole_training(self) -> float:
        """Seconds of the training with all its epochs, as this one went."""
        return self.phases["training"] * self.cell_epochs / self.epochs

    def as_json(self) -> dict[str, Any]:
        """For `json.dumps`: what is stored and what follows from it."""
        derived = (
            "step_seconds", "items_per_second", "encoded_per_second", "batch_share", "between_seconds",
            "flops_per_second", "peak_share", "whole_training",
        )  # fmt: skip
        return asdict(self) | {name: getattr(self, name) for name in derived}

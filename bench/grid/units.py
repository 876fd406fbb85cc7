"""Jobs that are run together: those that can share one training pass, or one alone."""

from __future__ import annotations

from collections.abc import Sequence

from bench.grid.job import Job
from bench.training.regimes import regime_named

Unit = tuple[Job, ...]


def units_of(jobs: Sequence[Job], together: bool = True) -> list[Unit]:
    """All jobs in units, those on one dataset after each other, so that a process reads it once.

    Linear heads on the same frozen features, with the same settings and seed, make a unit: they see the same batches.
    Which cells a unit holds does not hang on workers or executor, since the last digits of sums do on the company.

    Args:
        together: whether cells may share a unit at all.
    """
    units: dict[str, list[Job]] = {}
    for job in jobs:
        units.setdefault(pass_key(job) if together and can_share(job) else job.cell.id, []).append(job)
    return sorted(map(tuple, units.values()), key=lambda unit: unit[0].cell.fingerprint)  # stable: the plan's order


def pass_key(job: Job) -> str:
    """What cells of one training pass have in common."""
    return f"{job.cell.training_pass}-{job.cell.seed}"


def can_share(job: Job) -> bool:
    """Whether its head is trained on features that are the same for every cell."""
    return regime_named(job.cell.regime).frozen and job.cell.train["head"] == "linear"

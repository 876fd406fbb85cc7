"""Jobs that are run together: those that can share one training pass, or one alone; and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from bench.grid.job import Job
from bench.plugins.method import Method
from bench.plugins.registry import registry
from bench.storage.cell import Cell
from bench.training.regimes import regime_named

Unit = tuple[Job, ...]

_EARLY, _ANY_TIME, _LATE = range(3)


def units_of(jobs: Sequence[Job], together: bool = True) -> list[Unit]:
    """All jobs in units, those on one dataset after each other, so that a process reads it once.

    Of units that need the same classifier, one is among the first and the others are the last: whoever begins before it
    has been trained would wait for it, with nothing to do.

    Linear heads on the same frozen features, with the same settings and seed, make a unit: they see the same batches.
    Which cells a unit holds does not hang on workers or executor, since the last digits of sums do on the company.

    Args:
        together: whether cells may share a unit at all.
    """
    units: dict[str, list[Job]] = {}
    for job in jobs:
        units.setdefault(pass_key(job) if together and can_share(job) else job.cell.id, []).append(job)
    ordered, trained = list[tuple[str, int, Unit]](), set[str]()
    for unit in map(tuple, units.values()):
        wanted = {classifier for job in unit if (classifier := classifier_of(job.cell)) is not None}
        turn = _ANY_TIME if not wanted else _LATE if wanted <= trained else _EARLY
        trained |= wanted
        ordered.append((unit[0].cell.fingerprint, turn, unit))
    return [unit for *_, unit in sorted(ordered, key=lambda one: one[:2])]  # stable: else the plan's order


def pass_key(job: Job) -> str:
    """What cells of one training pass have in common."""
    return f"{job.cell.training_pass}-{job.cell.seed}"


def can_share(job: Job) -> bool:
    """Whether its head is trained on features that are the same for every cell."""
    return regime_named(job.cell.regime).frozen and job.cell.train["head"] == "linear"


def classifier_of(cell: Cell) -> str | None:
    """The classifier whose confusions a cell's method asks for (SHC), as `classifier_name` has it."""
    cls: type[Method] = registry("method").load(cell.method)
    source = cls.similarity_source(cls.Config.build(cell.method, cell.method_config))
    return classifier_name(cell, source) if source is not None and source.startswith("classifier-") else None


def classifier_name(cell: Cell, source: str) -> str:
    """What a classifier is known by: cells with the same name share it."""
    return f"{cell.training_pass} {cell.seed} {source}"

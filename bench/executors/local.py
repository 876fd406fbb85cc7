"""This machine, one cell after the other; each uses all cores, or the GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.experiment import run_cell
from bench.grid.job import Job
from bench.grid.store import StoredCell
from bench.plugins import PluginInfo
from bench.plugins.executor import Executor
from bench.training.progress import Observer
from bench.workshop import Workshop

INFO = PluginInfo(name="local", summary="this machine, one cell after the other", licence="MIT")


class Local(Executor):
    """In this process. Jobs on one dataset follow each other, so that its images are decoded once."""

    def run(self, jobs: Sequence[Job], observer: Observer) -> Iterator[StoredCell]:
        """See the contract."""
        workshop = Workshop(observer)
        for job in sorted(jobs, key=lambda job: job.cell.fingerprint):  # stable: the plan's order otherwise
            yield run_cell(job, workshop, observer)

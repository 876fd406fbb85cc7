"""What runs in a job of Slurm. Nothing heavy is imported before the number of threads is set."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, cast

from submitit.helpers import DelayedSubmission

from bench.executors._cluster import begin_process
from bench.workers.messages import Sender


class UnitJob:
    """A unit as submitit takes it: to be called, and called again after it was ended. Its state is JSON."""

    def __init__(self, order: str) -> None:
        self.order = order

    def __call__(self) -> None:
        """Run what is not stored of it yet, and write what happens where the driver reads it."""
        options = json.loads(self.order)
        sender = self._sender(options)
        begin_process(options)

        from bench.codes.threads import cores
        from bench.grid.job import Job
        from bench.workers.work import serve
        from bench.workshop import Workshop

        unit = tuple(Job.load(job) for job in options["jobs"])
        serve(unit, Workshop(sender, shared_threads=cores()), sender)

    def checkpoint(self) -> DelayedSubmission:
        """What is to be queued again: submitit asks when the job's time is up, or others want its place.

        Where it goes on is in the output folder: stored cells, passes, and the state of a training.
        """
        self._sender(json.loads(self.order)).say("interrupted")
        return DelayedSubmission(self)

    def _sender(self, options: dict[str, Any]) -> Sender:
        return Sender(cast(Any, MessageFile(Path(options["messages"]))))


class MessageFile(io.TextIOBase):
    """A file that is closed after each message: only then do other machines see it (NFS)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("\n")  # the last line may have been cut when the job was ended

    def write(self, text: str) -> int:
        """Append."""
        with self.path.open("a", encoding="utf-8") as file:
            return file.write(text)

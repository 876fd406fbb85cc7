"""What `bench verify` and `bench profile` share: a stored cell that is run again, and what is shown meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bench.grid.job import Job
    from bench.storage.store import StoredCell
    from bench.training.progress import Observer

Plugins = Annotated[
    list[Path] | None, typer.Option("--plugin", help="File of a method or dataset that no package brings.")
]
AllowMissing = Annotated[bool, typer.Option("--allow-missing", help="Leave out images that are missing, as then.")]


def stored_job(
    cell: str, out: Path, data_root: Path | None, weights: str | None, device: str | None, plugins: Sequence[Path],
    allow_missing: bool,
) -> tuple[StoredCell, Job]:  # fmt: skip
    """A stored cell and the job that runs it again; its data is where the option or the user's settings say.

    Raises:
        ConfigError, DataError: as `find_cell` and `job_again`.
    """
    from bench.studies.reproduction import find_cell, job_again
    from bench.user_config import data_place

    stored, place = find_cell(cell, out), data_place(data_root)
    root = None if place is None else place.path
    return stored, job_again(stored, root, weights, device, plugins, allow_missing)


@contextmanager
def shown_stages(title: str) -> Iterator[Observer]:
    """An observer that shows stages and epochs on a terminal's stderr: results alone go to stdout."""
    from rich.console import Console

    from bench.training.progress import Observer

    with Console(stderr=True).status(f"{title}: data") as status:

        class Shown(Observer):
            def stage(self, name: str, total: int) -> None:
                status.update(f"{title}: {name}")

            def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
                status.update(f"{title}: epoch {epoch + 1} of {epochs}")

        yield Shown()

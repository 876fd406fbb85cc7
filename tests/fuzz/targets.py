"""The table of readers, each with valid files made on the spot."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz import dataset_readers, grid_readers, program_readers
from tests.fuzz.target import Target


def all_targets(folder: Path) -> dict[str, Target]:
    """By name; readers of files write their inputs below `folder`."""
    made = [*grid_readers.targets(folder), *dataset_readers.targets(folder), *program_readers.targets(folder)]
    return {target.name: target for target in made}

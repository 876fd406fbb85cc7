"""The contract of a tracker: what another program shows of a run, while it goes on and afterwards.

A tracker decides no result. One that raises is left out from then on, with one warning; the run goes on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.plugins.info import PluginInfo

if TYPE_CHECKING:
    from bench.storage.cell import Cell
    from bench.storage.store import StoredCell


class Tracker(ABC):
    """One program to follow runs with, as one module of bench/trackers/ or of another package."""

    INFO: ClassVar[PluginInfo]

    def __init__(self, out: Path) -> None:
        """Take the output folder; nothing is written yet.

        Raises:
            ConfigError: a package that it needs is not installed. It is asked before anything runs.
        """
        self.out = out

    def run_begins(self, facts: Mapping[str, Any]) -> None:  # noqa: B027 - a hook
        """A run begins: `pid`, `host`, `command`, `version`, ids of cells it has (`kept`) and of those `to_run`."""

    def cell_begins(self, cell: Cell) -> None:  # noqa: B027 - a hook
        """A cell begins; it may have begun before, in a run that was ended."""

    @abstractmethod
    def epoch(self, cell: Cell, epoch: int, values: Mapping[str, float]) -> None:
        """Some values of a zero-based epoch: `loss`, its parts as the method names them, `lr`, `centers_moved`.

        Loss and lr come as soon as they are there, where the cell is trained alone; all others once it is stored. No
        value comes twice.
        """

    @abstractmethod
    def cell_stored(self, stored: StoredCell) -> None:
        """A cell that began has ended, well or not; its epochs have all been told."""

    def run_ends(self, how: str) -> None:  # noqa: B027 - a hook
        """The run ends: "done", "interrupted", or the error."""

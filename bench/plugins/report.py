"""The contract of a report: stored results in, files out. A report never recomputes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.plugins.info import PluginInfo

if TYPE_CHECKING:
    from bench.grid.results import Results


class Report(ABC):
    """One report, as one file in reports/."""

    INFO: ClassVar[PluginInfo]

    @abstractmethod
    def render(self, results: Results, out: Path) -> list[Path]:
        """Write files into the folder `out` (it exists) and return them; the same results give the same bytes."""

    def terminal(self, results: Results) -> Any:
        """What to show in a terminal (anything rich can print), or None."""
        return None

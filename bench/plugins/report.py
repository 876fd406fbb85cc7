"""The contract of a report: stored results in, files out. A report never recomputes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bench.plugins.info import PluginInfo

if TYPE_CHECKING:
    from bench.storage.results import Results


class Report(ABC):
    """One report, as one file in reports/.

    Attributes:
        when: when it is written: at the end of every run and by `bench report`; by `bench report` alone; or only when
            it is asked for by name.
        data_root: folder with the datasets' files, for a report that shows images; None: the user's own.
    """

    INFO: ClassVar[PluginInfo]
    when: ClassVar[Literal["run", "report", "asked"]] = "report"
    data_root: Path | None = None

    @abstractmethod
    def render(self, results: Results, out: Path) -> list[Path]:
        """Write files into the folder `out` (it exists) or below it and return them, in the order to be named.

        The same results give the same bytes. Nothing is written where the results hold nothing of what it shows.
        """

    def terminal(self, results: Results) -> Any:
        """What to show in a terminal (anything rich can print), or None."""
        return None

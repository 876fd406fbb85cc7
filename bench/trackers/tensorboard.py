"""TensorBoard: curves of every cell, in OUT/tensorboard/<cell>; `tensorboard --logdir OUT/tensorboard` shows them."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError
from bench.plugins.info import PluginInfo
from bench.plugins.tracker import Tracker

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

    from bench.storage.cell import Cell
    from bench.storage.store import StoredCell

INFO = PluginInfo(
    name="tensorboard",
    summary="curves, metrics and settings of every cell for TensorBoard",
    citation="Abadi et al., TensorFlow: Large-Scale Machine Learning on Heterogeneous Systems, 2015",
    licence="MIT (TensorBoard itself: Apache-2.0)",
    homepage="https://www.tensorflow.org/tensorboard",
)
_CHOICES = ("dataset_label", "split", "method_label", "bits", "seed", "regime", "settings", "backbone")


class TensorBoard(Tracker):
    """An event file for each cell: scalars by epoch, then `final/<metric>` and what the cell's choices were."""

    def __init__(self, out: Path) -> None:
        super().__init__(out)
        self._writers: dict[str, SummaryWriter] = {}
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError as error:
            raise ConfigError(
                f"--tracking tensorboard needs the package tensorboard ({error}): pip install 'tensorboard>=2.16'."
            ) from None
        self._writer_class = SummaryWriter

    def cell_begins(self, cell: Cell) -> None:
        """Open its event file, in the place of those of an earlier try."""
        folder = self.out / "tensorboard" / cell.folder
        shutil.rmtree(folder, ignore_errors=True)
        self._writers[cell.id] = self._writer_class(str(folder))

    def epoch(self, cell: Cell, epoch: int, values: Mapping[str, float]) -> None:
        """One scalar for each value."""
        for name, value in values.items():
            self._writers[cell.id].add_scalar(name, value, epoch, new_style=True)

    def cell_stored(self, stored: StoredCell) -> None:
        """Metrics and settings of a cell that went well; its file is closed."""
        writer = self._writers.pop(stored.cell.id)
        if stored.ok:
            _add_final(writer, stored)
        writer.close()

    def run_ends(self, how: str) -> None:
        """Close what is open still: cells that the run did not end."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


def _add_final(writer: SummaryWriter, stored: StoredCell) -> None:
    """As `SummaryWriter.add_hparams` does, but in the cell's own file rather than one of a folder below."""
    from torch.utils.tensorboard.summary import hparams

    metrics = {
        f"final/{name}": float(value) for name, value in stored.result["metrics"].items()
        if isinstance(value, int | float) and math.isfinite(value)
    }  # fmt: skip
    for summary in hparams(_settings(stored.cell), dict.fromkeys(metrics, 0.0)):
        writer._get_file_writer().add_summary(summary)  # noqa: SLF001 - add_hparams makes a folder of its own
    for name, value in metrics.items():
        writer.add_scalar(name, value, new_style=True)


def _settings(cell: Cell) -> dict[str, Any]:
    """Choices, the method's settings and the trainer's, as numbers, booleans and texts."""
    found: dict[str, Any] = {name: getattr(cell, name) for name in _CHOICES}
    found |= {f"{cell.method}.{name}": value for name, value in cell.method_config.items()}
    found |= {f"train.{name}": value for name, value in cell.train.items()}
    return {name: value if isinstance(value, bool | int | float | str) else str(value) for name, value in found.items()}

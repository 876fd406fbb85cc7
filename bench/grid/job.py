"""A cell to run, with what the running machine needs to know and what decides no result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.grid.cell import Cell
from bench.plugins.dataset import Dataset
from bench.plugins.registry import registry


@dataclass(frozen=True)
class Job:
    """A cell and where its data, weights and output are.

    Attributes:
        root: the dataset's folder or file, None where it needs none.
        plugins: source files of plug-ins given by path, (kind, path) each.
        device: "auto", "cpu", "cuda", "cuda:1".
    """

    cell: Cell
    out: Path
    root: Path | None = None
    weights: str | None = None
    plugins: tuple[tuple[str, Path], ...] = ()
    device: str = "auto"

    def open_dataset(self) -> Dataset:
        """The cell's dataset, built anew."""
        return open_dataset(self.cell.dataset, self.cell.dataset_config, self.cell.split, self.root)

    def add_plugins(self) -> None:
        """Make plug-ins given by path known in this process."""
        for kind, path in self.plugins:
            registry(kind).add_file(path)


def open_dataset(name: str, config: dict[str, object], split: str, root: Path | None) -> Dataset:
    """A registered dataset, read and checked.

    Raises:
        ConfigError, DataError: as the dataset's class says.
    """
    cls = registry("dataset").load(name)
    dataset: Dataset = cls(cls.Config.build(name, dict(config)), split, root)
    dataset.check()
    return dataset

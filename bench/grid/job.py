"""A cell to run, with what the running machine needs to know and what decides no result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bench.data.missing import allowing_missing
from bench.errors import DataError
from bench.plugins.dataset import Dataset
from bench.plugins.registry import registry
from bench.storage.cell import Cell
from bench.training.regimes import Compile


@dataclass(frozen=True)
class Job:
    """A cell and where its data, weights and output are.

    Attributes:
        root: the dataset's folder or file, None where it needs none.
        plugins: source files of plug-ins given by path, (kind, path) each.
        device: "auto", "cpu", "cuda", "cuda:1".
        seen: stamp of what the store held of the cell when the run was planned; see `Store.stamp`.
        allow_missing: whether images that are missing or unreadable are left out; else they are an error.
        deterministic: see `chosen_kernels`.
        compile: see `CompiledNetworks`.
        shares_gpu: whether other cells may run on its GPU at the same time.
    """

    cell: Cell
    out: Path
    root: Path | None = None
    weights: str | None = None
    plugins: tuple[tuple[str, Path], ...] = ()
    device: str = "auto"
    seen: int | None = None
    allow_missing: bool = False
    deterministic: bool = False
    compile: Compile = "no"
    shares_gpu: bool = False

    def dump(self) -> dict[str, Any]:
        """As JSON, to send it to another process or machine."""
        return _JOBS.dump_python(self, mode="json")

    @classmethod
    def load(cls, content: dict[str, Any]) -> Job:
        """What `dump` has made."""
        return _JOBS.validate_python(content)

    def open_dataset(self) -> Dataset:
        """The cell's dataset, built anew."""
        cell = self.cell
        return open_dataset(cell.dataset, cell.dataset_config, cell.split, self.root, self.allow_missing)

    def add_plugins(self) -> None:
        """Make plug-ins given by path known in this process."""
        for kind, path in self.plugins:
            registry(kind).add_file(path)


_JOBS = TypeAdapter(Job)


def open_dataset(
    name: str, config: dict[str, object], split: str, root: Path | None, allow_missing: bool = False
) -> Dataset:
    """A registered dataset, read and checked, without the images that are missing or unreadable if that is allowed.

    Raises:
        ConfigError, DataError: as the dataset's class says.
    """
    cls = registry("dataset").load(name)
    with allowing_missing(allow_missing):
        dataset: Dataset = cls(cls.Config.build(name, dict(config)), split, root)
    if allow_missing:
        dataset.leave_out_missing()
    try:
        dataset.check()
    except DataError as error:
        raise DataError(" ".join([str(error), *dataset.notes])) from None
    return dataset

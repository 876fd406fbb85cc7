"""A stored cell's codes as `bench evaluate` reads those of any program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import ConfigError
from bench.evaluation.files import CodeFile
from bench.studies.reproduction import find_cell


class StoredCodes(CodeFile):
    """The arrays of a cell's folder: with `bits`, and labels of several classes as rows of 0 and 1."""

    def __init__(self, folder: Path) -> None:
        """Take a folder of a finished cell.

        Raises:
            ConfigError: it is none.
        """
        place = folder.resolve()
        if place.parent.name != "cells":
            raise ConfigError(f"{folder} is not the folder of a stored cell: give one of OUT/cells/, or npz files.")
        stored = find_cell(str(place), place)
        self._cell = stored.cell
        super().__init__(stored.path / "arrays.npz")
        self.names |= {"bits"}

    def scalar(self, name: str) -> int:
        """See `CodeFile`."""
        return self._cell.bits if name == "bits" else super().scalar(name)

    def blocks(self, name: str, rows: int | None) -> Iterator[NDArray[Any]]:
        """See `CodeFile`."""
        packed = self._cell.multi_label and name.endswith("_labels")
        for block in super().blocks(name, rows):
            yield np.unpackbits(block, axis=1, count=self._cell.num_classes) if packed else block

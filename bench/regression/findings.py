"""What a check has found: quantity by quantity, cell by cell, as sentences and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose
from typing import Any

from bench.regression.bands import Band
from bench.regression.quantities import quantity_named
from bench.storage.cell import Cell

CENTERS = "first centers"
_SAME = 1e-5  # values are kept to six digits


@dataclass(frozen=True)
class Finding:
    """One quantity of one method, code length and dataset.

    Attributes:
        name: of `QUANTITIES`, or `CENTERS`.
        band: where the mean must lie; None where it must not be defined, and for centers, which must be the same.
        found: the mean; None where it is not defined.
        then: what the same seeds gave when the baseline was learned.
        inside: the verdict.
    """

    name: str
    band: Band | None
    found: float | None
    then: float | None
    inside: bool

    @property
    def title(self) -> str:
        """For people."""
        return self.name if self.name == CENTERS else quantity_named(self.name).title

    @property
    def drift(self) -> float:
        """Standard deviations between what was found and what the same seeds gave then; 0 where there is none."""
        if self.band is None or self.found is None or self.then is None:
            return 0.0
        same = isclose(self.found, self.then, rel_tol=_SAME, abs_tol=_SAME)
        return 0.0 if same else abs(self.found - self.then) / self.band.unit

    def sentence(self) -> str:
        """What moved, and how far."""
        if self.name == CENTERS:
            return f"{self.title}: others than those of the same seeds when it was learned"
        if self.band is None:
            return f"{self.title}: {number(self.found)}, where it was not defined before"
        learned = f"band {number(self.band.low)} to {number(self.band.high)}, learned {number(self.band.mean)}"
        learned += f" ± {number(self.band.sd)}, the same seeds gave {number(self.then)} then"
        if self.found is None:
            return f"{self.title}: not defined any more ({learned})"
        moved = self.band.deviations(self.found)
        way = "lower" if moved < 0 else "higher"
        return f"{self.title}: {number(self.found)} is {abs(moved):.1f} sd {way} ({learned})"


@dataclass(frozen=True)
class CellCheck:
    """All of one method, code length and dataset.

    Attributes:
        failure: why nothing could be compared, or None.
        notes: settings that are not those it was learned with.
    """

    title: str
    cell: Cell
    findings: tuple[Finding, ...] = ()
    failure: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def outside(self) -> tuple[Finding, ...]:
        """What moved."""
        return tuple(finding for finding in self.findings if not finding.inside)

    @property
    def passed(self) -> bool:
        """Whether all is as before."""
        return self.failure is None and not self.outside


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes:
        notes: what else is not as it was: versions of packages, data that is drawn otherwise.
    """

    cells: tuple[CellCheck, ...]
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all is as before."""
        return all(cell.passed for cell in self.cells)

    def drift(self) -> str:
        """How far it is from what the same seeds gave: nothing, on the machine it was learned on with the same code."""
        moved = [finding.drift for cell in self.cells for finding in cell.findings if finding.drift]
        if not moved:
            return "every number is what the same seeds gave when it was learned"
        return (
            f"{len(moved)} numbers are not what the same seeds gave when it was learned, by {max(moved):.1f} sd at "
            "most: rounded otherwise, or changed"
        )

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"passed": self.passed, "notes": list(self.notes), "cells": [_cell_json(cell) for cell in self.cells]}


def number(value: float | None) -> str:
    """Four digits; a dash for none."""
    return "-" if value is None else f"{value:.4g}"


def _cell_json(checked: CellCheck) -> dict[str, Any]:
    cell = checked.cell
    return {
        "dataset": cell.dataset_label, "split": cell.split, "method": cell.method_label, "bits": cell.bits,
        "passed": checked.passed, "failure": checked.failure, "notes": list(checked.notes),
        "quantities": [_finding_json(finding) for finding in checked.findings],
    }  # fmt: skip


def _finding_json(finding: Finding) -> dict[str, Any]:
    numbers = dict.fromkeys(Band._fields) if finding.band is None else finding.band._asdict()
    moved = None if finding.band is None or finding.found is None else finding.band.deviations(finding.found)
    return {
        "name": finding.name, "inside": finding.inside, "found": finding.found, "then": finding.then,
        "deviations": moved, **numbers,
    }  # fmt: skip

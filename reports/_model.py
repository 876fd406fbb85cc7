"""What tables and figures have in common: results grouped by protocol, seeds summed up."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from bench.storage.cell import Cell
from bench.storage.results import Results
from bench.storage.store import StoredCell

REFERENCES = {"real-valued features": "map_features", "chance": "map_chance"}  # what mAP is seen against -> its metric
# What a method's choice decides. Reading data, codes and evaluation cost the same whatever the method.
_PHASES = ("centers", "classifier", "reference", "training")


@dataclass(frozen=True)
class Entry:
    """A method at one code length.

    Attributes:
        cells: the finished cells, one per seed.
        failures: reasons of those that failed.
        rank: 1 best of its column, 2 second, 0 otherwise.
    """

    cells: tuple[StoredCell, ...] = ()
    failures: tuple[str, ...] = ()
    rank: int = 0

    def values(self, metric: str) -> list[float]:
        """The metric of each seed that has it."""
        found = (stored.result["metrics"].get(metric) for stored in self.cells)
        return [value for value in found if value is not None]

    def mean(self, metric: str = "map") -> float | None:
        """Mean over seeds; None where no seed has the metric."""
        values = self.values(metric)
        return statistics.fmean(values) if values else None

    @property
    def spread(self) -> float | None:
        """Standard deviation of mAP over seeds (n - 1); with one seed the standard error over its queries."""
        values = self.values("map")
        if len(values) > 1:
            return statistics.stdev(values)
        return self.mean("map_stderr")


@dataclass(frozen=True)
class Panel:
    """All results of one protocol: what may stand in one table.

    Attributes:
        cell: any of its cells, for what they have in common.
        entries: method -> bits -> entry, methods in the order of the results.
        notes: warnings of the methods, each once.
        ambiguous: whether another protocol of the same results has the same title.
    """

    cell: Cell
    bits: tuple[int, ...]
    entries: dict[str, dict[int, Entry]]
    notes: tuple[str, ...] = ()
    seeds: tuple[int, ...] = field(default=())
    ambiguous: bool = False

    @property
    def title(self) -> str:
        """`cifar100@shc, frozen, matched settings`; with the protocol's digest where that is another's title too."""
        cell = self.cell
        digest = f" ({cell.protocol})" if self.ambiguous else ""
        return f"{cell.dataset_at_split}, {cell.regime}, {cell.settings} settings{digest}"

    @property
    def slug(self) -> str:
        """The title as a file name or a LaTeX label; unique by the protocol's digest."""
        cell = self.cell
        return f"{cell.dataset_label}-{cell.split}-{cell.regime}-{cell.settings}-{cell.protocol}"

    def setting(self) -> list[str]:
        """Sentences that say on what data and with what training the numbers were made."""
        cell, counts = self.cell, self.cell.counts
        kind = "multi-label" if cell.multi_label else "single-label"
        network = "each method's own network and optimiser" if cell.settings == "paper" else _network(cell)
        part = " A validation part of the training items is queried." if cell.part == "validation" else ""
        return [
            (
                f"{cell.num_classes} classes, {kind}; {counts['train']:,} training, {counts['query']:,} query and "
                f"{counts['database']:,} database items.{part}"
            ),
            f"Regime {cell.regime}, {cell.settings} settings: {network}.",
        ]

    @property
    def ties(self) -> str:
        """The convention of mAP for items at equal distance, in words."""
        if self.cell.ties == "stable":
            return "items at equal distance in the order of the database"
        return "expected over all orders of items at equal distance"

    def facts(self) -> list[str]:
        """Sentences that say how the numbers were made."""
        seeds = self.seeds
        spread = (
            f"mean ± standard deviation over {len(seeds)} seeds"
            if len(seeds) > 1
            else f"seed {seeds[0]}, ± standard error over queries"
        )
        return [*self.setting(), f"mAP over the whole database, {self.ties}; {spread}."]

    def shared(self, metric: str) -> float | None:
        """A metric's value where all cells have the same, up to rounding; else None."""
        values = [v for row in self.entries.values() for entry in row.values() for v in entry.values(metric)]
        return values[0] if values and max(values) - min(values) < 5e-7 else None


def panels(results: Results) -> list[Panel]:
    """One for each protocol, in the order of the results."""
    groups: dict[str, list[StoredCell]] = {}
    for stored in results.cells:
        groups.setdefault(stored.cell.protocol, []).append(stored)
    found = [_panel(cells) for cells in groups.values()]
    titles = Counter(panel.title for panel in found)
    return [replace(panel, ambiguous=titles[panel.title] > 1) for panel in found]


def _panel(cells: list[StoredCell]) -> Panel:
    bits = tuple(sorted({stored.cell.bits for stored in cells}))
    methods = dict.fromkeys(stored.cell.method_label for stored in cells)
    entries = {
        m: {k: _entry(s for s in cells if (s.cell.method_label, s.cell.bits) == (m, k)) for k in bits} for m in methods
    }
    for k in bits:
        _rank(entries, k)
    notes = dict.fromkeys(note for stored in cells for note in stored.result["notes"])
    return Panel(cells[0].cell, bits, entries, tuple(notes), tuple(sorted({s.cell.seed for s in cells})))


def _entry(cells: Iterable[StoredCell]) -> Entry:
    found = list(cells)
    failures = tuple(f"seed {s.cell.seed}: {s.result['reason']}" for s in found if not s.ok)
    return Entry(tuple(s for s in found if s.ok), failures)


def _rank(entries: dict[str, dict[int, Entry]], bits: int) -> None:
    """Mark the best and the second mean of a column; with fewer than two methods there is nothing to mark."""
    means = {m: row[bits].mean() for m, row in entries.items()}
    order = sorted({round(v, 4) for v in means.values() if v is not None}, reverse=True)
    if sum(v is not None for v in means.values()) < 2:
        return
    for method, mean in means.items():
        if mean is not None and round(mean, 4) in order[:2]:
            old = entries[method][bits]
            entries[method][bits] = Entry(old.cells, old.failures, order.index(round(mean, 4)) + 1)


def _network(cell: Cell) -> str:
    train: dict[str, Any] = cell.train
    weights = "random weights" if cell.weights == "scratch" else f"weights {cell.weights}"
    network = f"{cell.backbone} ({weights})"
    if cell.settings == "tuned":
        return (
            f"{network}, {train['optimizer']}, batch {train['batch_size']}; learning rate, weight decay and epochs of "
            f"each method tuned with one budget ({cell.tuning}) on a validation part of train"
        )
    return (
        f"{network}, {train['epochs']} epochs of {train['optimizer']}, learning rate {train['lr']:g}, "
        f"batch {train['batch_size']}"
    )


def cost(cell: StoredCell) -> float | None:
    """Seconds of what a method's choice decides; None where none were stored."""
    seconds = cell.result["seconds"]
    found = [seconds[phase] for phase in _PHASES if phase in seconds]
    return sum(found) if sum(found) > 0 else None

"""Stored results beside a paper's numbers: what is matched with what, and the verdict on each pair."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from bench.papers.paper import Number, Paper, PaperDataset, PaperTable
from bench.papers.verdicts import Facts, Verdict, centers_verdict, map_verdict
from bench.plugins.registry import registry
from bench.storage.cell import Cell
from bench.storage.results import Results
from bench.storage.store import StoredCell

_MEASURED = ("map", "d_min")  # of a paper's metrics, those that cells hold too


@dataclass(frozen=True)
class Ours:
    """A metric of one method at one code length, over seeds.

    Attributes:
        spread: standard deviation over seeds (n - 1); with one seed mAP's standard error over queries; else None.
        band: mAP in the worst and in the best order of ties; None for other metrics.
    """

    mean: float
    spread: float | None
    band: tuple[float, float] | None


@dataclass(frozen=True)
class Row:
    """One of their numbers with ours.

    Attributes:
        label: our method.
        ours: None where no cell has finished with this metric.
        failed: whether that is because all cells have failed.
        ties_explain: whether ties are ordered otherwise, and theirs lies between our worst and our best order.
    """

    number: Number
    label: str
    ours: Ours | None
    failed: bool
    verdict: Verdict
    ties_explain: bool

    @property
    def difference(self) -> float | None:
        """Ours minus theirs."""
        return None if self.ours is None else self.ours.mean - self.number.value


@dataclass(frozen=True)
class Beside:
    """A paper's dataset beside our results of one protocol.

    Attributes:
        cell: any of ours, for what they have in common.
        dataset: the paper's name of the dataset.
        sections: the rows of each of the paper's tables, in its order; only tables with a metric of ours.
        missing: the paper's methods that ours has nothing for.
    """

    paper: Paper
    cell: Cell
    dataset: str
    sections: tuple[tuple[PaperTable, tuple[Row, ...]], ...]
    missing: tuple[str, ...]

    @property
    def rows(self) -> list[Row]:
        """Of all sections."""
        return [row for _, rows in self.sections for row in rows]

    @property
    def reasons(self) -> list[str]:
        """Every reason against a comparison, once, in the order of the rows."""
        return list(dict.fromkeys(reason for row in self.rows for reason in row.verdict.reasons))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the paper's numbers."""
        return (*self.paper.datasets[self.dataset].notes, *self.paper.notes)


def beside(results: Results, paper: Paper) -> list[Beside]:
    """One for each protocol of ours and each dataset of theirs that belong together and share a method."""
    groups: dict[str, list[StoredCell]] = {}
    for stored in results.cells:
        groups.setdefault(stored.cell.protocol, []).append(stored)
    pairs = [(cells, name) for cells in groups.values() for name in matched_datasets(cells[0].cell, paper)]
    found = (_beside(cells, paper, name) for cells, name in pairs)
    return [each for each in found if each.rows]


def matched_datasets(cell: Cell, paper: Paper) -> list[str]:
    """The paper's datasets of the cell's split, else (then the verdict says so) all of the cell's dataset."""
    same = [name for name, dataset in paper.datasets.items() if _is_same(cell, dataset)]
    exact = [name for name in same if cell.split in paper.datasets[name].splits]
    return exact or same


def _is_same(cell: Cell, theirs: PaperDataset) -> bool:
    if cell.dataset_label != theirs.dataset:
        return False
    return cell.dataset == theirs.dataset or theirs.dataset not in registry("dataset").names()  # a folder so named


def _beside(cells: list[StoredCell], paper: Paper, dataset: str) -> Beside:
    by_place: dict[tuple[str, int], list[StoredCell]] = {}
    for stored in cells:
        by_place.setdefault((stored.cell.method_label, stored.cell.bits), []).append(stored)
    sections = []
    for table in paper.tables:
        numbers = [n for n in paper.numbers if n.table is table and n.dataset == dataset]
        rows = [
            _row(number, by_place[label, number.bits], paper)
            for number in numbers
            for label in paper.methods[number.method].ours
            if (label, number.bits) in by_place
        ]
        if rows and table.metric in _MEASURED:
            sections.append((table, tuple(rows)))
    theirs = dict.fromkeys(n.method for n in paper.numbers if n.dataset == dataset)
    ours = {stored.cell.method_label for stored in cells}
    missing = tuple(method for method in theirs if not ours & set(paper.methods[method].ours))
    return Beside(paper, cells[0].cell, dataset, tuple(sections), missing)


def _row(number: Number, cells: list[StoredCell], paper: Paper) -> Row:
    finished, cell = [stored for stored in cells if stored.ok], cells[0].cell
    ours = _ours(finished, _metric(number.table))
    band = None if ours is None or paper.setup.ties == cell.ties else ours.band
    explained = band is not None and band[0] <= number.value <= band[1]
    verdict = _verdict(number, cell, paper)
    if ours is None:
        verdict = Verdict((*verdict.reasons, "there is no number of ours"))
    return Row(number, cell.method_label, ours, not finished, verdict, explained)


def _metric(table: PaperTable) -> str | None:
    """The name of ours; where their divisor is not known, that of most released code."""
    if table.metric == "d_min":
        return "d_min"
    if table.cutoff is None:
        return None
    return "map" if table.cutoff == "all" else f"map_at_{table.cutoff}_{table.divisor or 'hits'}"


def _ours(cells: list[StoredCell], metric: str | None) -> Ours | None:
    values = _values(cells, metric)
    if not values:
        return None
    spread = statistics.stdev(values) if len(values) > 1 else None
    if metric != "map":
        return Ours(statistics.fmean(values), spread, None)
    ends = [_values(cells, end) for end in ("map_worst", "map_best")]
    band = (statistics.fmean(ends[0]), statistics.fmean(ends[1])) if all(ends) else None
    errors = _values(cells, "map_stderr")
    return Ours(statistics.fmean(values), errors[0] if len(values) == 1 and errors else spread, band)


def _values(cells: Iterable[StoredCell], metric: str | None) -> list[float]:
    found = (stored.result["metrics"].get(metric) for stored in cells)
    return [value for value in found if value is not None]


def _verdict(number: Number, cell: Cell, paper: Paper) -> Verdict:
    theirs = paper.datasets[number.dataset]
    if number.table.metric == "d_min":
        return centers_verdict(theirs.classes, cell.num_classes)
    warnings = (theirs.problem, paper.methods[number.method].caution)
    return map_verdict(
        _their_facts(number, paper), _our_facts(number.table, cell), [text for text in warnings if text is not None]
    )


def _their_facts(number: Number, paper: Paper) -> Facts:
    """What is known of how one of their mAPs was made."""
    setup, dataset = paper.setup, paper.datasets[number.dataset]
    return Facts(
        splits=dataset.splits or None, classes=dataset.classes, train_items=dataset.train, query_items=dataset.query,
        database_items=dataset.database, cutoff=number.table.cutoff, divisor=number.table.divisor, ties=setup.ties,
        backbone=paper.methods[number.method].backbone or setup.backbone, regime=setup.regime,
        pretrained=setup.pretrained, checkpoint=setup.checkpoint, train=paper.training(number.method, number.dataset),
    )  # fmt: skip


def _our_facts(table: PaperTable, cell: Cell) -> Facts:
    """How ours was made; the metric is the one that stands beside the table's."""
    divisor = None if table.cutoff in (None, "all") else table.divisor or "hits"
    return Facts(
        splits=(cell.split,), classes=cell.num_classes, train_items=cell.counts["train"],
        query_items=cell.counts["query"], database_items=cell.counts["database"], cutoff=table.cutoff or "all",
        divisor=divisor, ties=cell.ties, backbone=cell.backbone, regime=cell.regime,
        pretrained=cell.weights != "scratch", checkpoint="last", settings=cell.settings, part=cell.part,
        train=cell.train,
    )  # fmt: skip

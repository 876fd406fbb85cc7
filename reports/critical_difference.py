"""Critical-difference diagram: mean ranks of the methods, with bars over those that do not rank apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._figures.diagram import diagram
from ._figures.figure import finished_panels, save, save_each, style
from ._figures.labels import shortened
from ._figures.ranks import LEVEL, Ranking, complete, ranking
from ._model import Panel

INFO = PluginInfo(
    name="critical-difference",
    summary="critical-difference diagrams: mean ranks of methods, Friedman's and Nemenyi's tests: PNG, PDF, SVG",
    citation="Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006",
    licence="MIT",
)
_LEAST = 3  # methods, and blocks
_FEW = 10  # blocks under which the tests are rough
_NAME = 24  # characters of a method's name in a note

Block = tuple[str, int, int]  # protocol, code length, seed


@dataclass(frozen=True)
class Blocks:
    """mAP of methods in blocks, complete.

    Attributes:
        methods: M names.
        names: of the N blocks; `seed` is -1 where a block is a mean over seeds.
        values: (N, M).
        without: what had to be left out, as it had not finished everywhere.
    """

    methods: list[str]
    names: list[Block]
    values: NDArray[np.float64]
    without: list[str]


class CriticalDifference(Report):
    """For each protocol: a block is a seed at a code length, and what is found holds for that dataset.

    Of several datasets in one regime with the same settings also one for all: a block is a dataset at a code length,
    mean over seeds, since seeds on one dataset are not independent of each other.
    """

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/critical_difference.pdf, .svg and .png, for each protocol, and for several datasets."""
        files = save_each(results, out, "critical_difference", seeds_diagram)
        with style():
            for name, group in _of_datasets(finished_panels(results)).items():
                figure = datasets_diagram(group)
                if figure is not None:
                    files += save(figure, out, f"critical_difference-datasets-{name}")
        return files


def seeds_diagram(panel: Panel) -> Any | None:
    """Of one protocol; None with fewer than three methods or blocks. To be called inside of `style`."""
    blocks = blocks_of([panel])
    bits, seeds = {k for _, k, _ in blocks.names}, {seed for _, _, seed in blocks.names}
    what = f"{_count(len(bits), 'code length')} × {_count(len(seeds), 'seed')}"
    if len(seeds) == 1:
        return _diagram(panel.title, blocks, what, "one dataset and one seed: a hint, no more")
    return _diagram(panel.title, blocks, what, "one dataset: what is found holds for new seeds, not for other datasets")


def datasets_diagram(group: Sequence[Panel]) -> Any | None:
    """Of several protocols; as `seeds_diagram`."""
    blocks = averaged(blocks_of(group))
    datasets = sorted({panel.cell.dataset_label for panel in group})
    title = f"{len(datasets)} datasets, {group[0].cell.regime}, {group[0].cell.settings} settings"
    what = f"{_count(len(group), 'protocol')} at their code lengths, mean over seeds"
    return _diagram(title, blocks, what, f"datasets: {', '.join(shortened(name, _NAME) for name in datasets)}")


def blocks_of(group: Sequence[Panel]) -> Blocks:
    """A block for each protocol, code length and seed; those and the methods that leave no gap."""
    methods = list(dict.fromkeys(method for panel in group for method in panel.entries))
    found: dict[Block, dict[str, float]] = {}
    for panel in group:
        for method, row in panel.entries.items():
            for bits, entry in row.items():
                for cell in entry.cells:
                    value = cell.result["metrics"].get("map")
                    if value is not None:
                        found.setdefault((cell.cell.protocol, bits, cell.cell.seed), {})[method] = value
    names = sorted(found)
    table = np.array([[found[name].get(m, np.nan) for m in methods] for name in names]).reshape(len(names), -1)
    rows, columns = complete(table)
    kept = [methods[i] for i in columns]
    without = [shortened(m, _NAME) for m in methods if m not in kept]
    if len(rows) < len(names):
        without.append(_count(len(names) - len(rows), "block"))
    return Blocks(kept, [names[i] for i in rows], table[np.ix_(rows, columns)], without)


def averaged(blocks: Blocks) -> Blocks:
    """A block for each protocol and code length, mean over seeds."""
    names = sorted({(protocol, bits, -1) for protocol, bits, _ in blocks.names})
    of_block = np.array([names.index((protocol, bits, -1)) for protocol, bits, _ in blocks.names])
    values = np.array([blocks.values[of_block == i].mean(axis=0) for i in range(len(names))])
    return Blocks(blocks.methods, names, values, blocks.without)


def _of_datasets(found: Sequence[Panel]) -> dict[str, list[Panel]]:
    """Protocols that differ in their data, by what they have in common; where there are several datasets."""
    groups: dict[str, list[Panel]] = {}
    for panel in found:
        cell = panel.cell
        other = [word for word in (cell.part, cell.ties) if word not in ("test", "expected")]
        groups.setdefault("-".join([cell.regime, cell.settings, *other]), []).append(panel)
    return {name: group for name, group in groups.items() if len({panel.cell.dataset_label for panel in group}) > 1}


def _diagram(title: str, blocks: Blocks, what: str, scope: str) -> Any | None:
    if len(blocks.methods) < _LEAST or len(blocks.names) < _LEAST:
        return None
    found = ranking(blocks.methods, blocks.values)
    lines = [f"mean ranks by mAP over {found.blocks} blocks: {what}", scope, _tests(found)]
    if found.blocks < _FEW:
        lines.append(f"fewer than {_FEW} blocks: the tests are rough and see large differences only")
    if blocks.without:
        lines.append(f"left out, not finished everywhere: {', '.join(blocks.without)}")
    return diagram(found, title, lines)


def _tests(found: Ranking) -> str:
    p = f"p = {found.p_value:.2g}" if found.p_value >= 1e-4 else "p < 0.0001"
    if found.p_value >= LEVEL:
        return f"Friedman's test: {p}: no method is shown to differ from another"
    return f"Friedman's test: {p}; a bar joins methods that Nemenyi's test does not tell apart at {100 * LEVEL:.0f} %"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"

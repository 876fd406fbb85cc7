"""The robustness of CRH as a figure: every run of its arms Seed, Init and Init-H."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._figures.figure import COLUMN, GREY, Look, arranged, finished_panels, looks_of, new_figure, save_each
from ._figures.labels import heading, shortened
from ._model import Entry, Panel
from ._studies.arms import Arm, cells_by_label, robustness_arms
from ._tables.robustness_tables import robustness_table
from ._tables.terminal import shown

INFO = PluginInfo(
    name="robustness",
    summary="figure of all runs of CRH under other class orders, codebooks and Hungarian reassignment: PNG, PDF, SVG",
    licence="MIT",
)
_HEIGHT = 1.9  # inches of the axes
_WIDEST = 3  # code lengths beside each other
_BESIDE, _SPREAD = 0.2, 0.3  # where arms are 1 apart: of its runs and mean from its middle, and of its runs
_SHORT = {"crh-seed": "Seed", "crh-init": "Init", "crh-init-h": "Init-H"}  # the paper's names


class Robustness(Report):
    """Differences from the mean of all runs of a code length; written where any of the arms is there."""

    when = "run"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/robustness.pdf, .svg and .png, for each protocol."""
        by_method = looks_of(results)

        def figure_of(panel: Panel) -> Any | None:
            return robustness_figure(panel, robustness_arms(panel, cells_by_label(results, panel)), by_method)

        return save_each(results, out, "robustness", figure_of)

    def terminal(self, results: Results) -> Any:
        """mAP over runs of each arm."""
        found = [(panel, robustness_arms(panel, cells_by_label(results, panel))) for panel in finished_panels(results)]
        return shown([robustness_table(panel, arms) for panel, arms in found if arms])


def robustness_figure(panel: Panel, arms: Sequence[Arm], by_method: dict[str, Look]) -> Any | None:
    """The figure of one protocol, None where no arm has finished; to be called inside of `style`."""
    lengths = [k for k in panel.bits if any(arm.row[k].cells for arm in arms)]
    if not lengths:
        return None
    rows, columns = arranged(len(lengths), _WIDEST)
    figure = new_figure(COLUMN, 0.45 + rows * (_HEIGHT + 0.3))
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes, bits in zip(grid.flat, lengths, strict=False):
        _draw(axes, arms, bits, by_method)
    for axes in grid.flat[len(lengths) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel("mAP minus mean of all runs")
    heading(figure, panel.title, "coloured: runs; black: mean ± standard deviation")
    return figure


def _draw(axes: Any, arms: Sequence[Arm], bits: int, by_method: dict[str, Look]) -> None:
    middle = statistics.fmean(v for arm in arms for v in arm.row[bits].values("map"))
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=1)
    for place, arm in enumerate(arms):
        runs = _runs(arm.row[bits], middle)
        if not runs:
            continue
        look = by_method[arm.label]
        beside = [place - _BESIDE + _SPREAD * (i / max(len(runs) - 1, 1) - 0.5) for i in range(len(runs))]
        axes.plot(
            beside, runs, linestyle="", marker=look.marker, markersize=3.5, color=look.colour, alpha=0.6,
            markeredgewidth=0, zorder=2,
        )  # fmt: skip
        mean, deviation = statistics.fmean(runs), statistics.stdev(runs) if len(runs) > 1 else 0.0
        axes.errorbar(
            place + _BESIDE, mean, yerr=deviation, color="black", marker=look.marker, markersize=4, elinewidth=0.9,
            capsize=2.2, zorder=3,
        )  # fmt: skip
    names = [_SHORT[arm.name] if arm.label == arm.name else shortened(arm.label, 14) for arm in arms]
    axes.set_xticks(range(len(arms)), names, rotation=0 if max(map(len, names)) <= 6 else 90)
    axes.set_xlim(-0.6, len(arms) - 0.4)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y", linewidth=0.3, alpha=0.5)
    axes.set_axisbelow(True)
    axes.set_title(f"{bits} bits\nmean {middle:.4f}")


def _runs(entry: Entry, middle: float) -> list[float]:
    """By seed: the same seed stands at the same place in each arm."""
    return [cell.result["metrics"]["map"] - middle for cell in sorted(entry.cells, key=lambda c: c.cell.seed)]

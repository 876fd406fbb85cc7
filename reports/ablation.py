"""The ablation of CRH as a figure: what is lost without reassignment and without several heads, seed by seed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._figures.figure import (
    COLUMN,
    Look,
    finished_panels,
    folded,
    legend_below,
    legend_height,
    looks_of,
    new_figure,
    save_each,
)
from ._figures.labels import heading, shortened
from ._model import Panel
from ._studies.arms import Arm, ablation_arms, cells_by_label
from ._studies.pairs import Paired
from ._tables.ablation_tables import ablation_pairs, ablation_table
from ._tables.terminal import shown

INFO = PluginInfo(
    name="ablation",
    summary="figure of what CRH loses without reassignment and with one head: PNG, PDF, SVG",
    licence="MIT",
)
_HEIGHT = 2.5  # inches
_APART = 0.42  # of two variants, where code lengths are 1 apart
_BESIDE, _SPREAD = 0.13, 0.1  # of a variant's seeds: from its mean, and of each other


class Ablation(Report):
    """Differences of mAP from CRH on the same seeds; written where `crh-u`, `crh-m` and `crh` are all there."""

    when = "run"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/ablation.pdf, .svg and .png, for each protocol."""
        by_method = looks_of(results)

        def figure_of(panel: Panel) -> Any | None:
            arms = ablation_arms(panel, cells_by_label(results, panel))
            return ablation_figure(panel, arms, by_method) if arms else None

        return save_each(results, out, "ablation", figure_of)

    def terminal(self, results: Results) -> Any:
        """mAP of the variants."""
        found = [(panel, ablation_arms(panel, cells_by_label(results, panel))) for panel in finished_panels(results)]
        return shown([ablation_table(panel, arms) for panel, arms in found if arms])


def ablation_figure(panel: Panel, arms: Sequence[Arm], by_method: dict[str, Look]) -> Any | None:
    """The figure of one protocol, None where no seed is there with and without; to be called inside of `style`.

    Args:
        arms: CRH-U, CRH-M and CRH.
    """
    _, single, without = ablation_pairs(arms)
    pairs = (without, single)  # both against CRH
    lengths = [k for k in panel.bits if any(pair.by_seed(k) for pair in pairs)]
    if not lengths:
        return None
    handles = [_handle(pair, by_method[pair.first.label]) for pair in pairs]
    figure = new_figure(COLUMN, _HEIGHT + legend_height([handle.get_label() for handle in handles], COLUMN))
    axes = figure.subplots()
    base = arms[-1]
    axes.axhline(0, color=by_method[base.label].colour, linewidth=0.9, zorder=1)
    for place, pair in enumerate(pairs):
        _draw(axes, pair, lengths, _APART * (place - 0.5), by_method[pair.first.label])
    axes.set_xticks(range(len(lengths)), [f"{k} bits\n{_shown(base, k)}" for k in lengths])
    axes.set_xlim(-0.55, len(lengths) - 0.45)
    axes.tick_params(axis="x", length=0)
    axes.margins(y=0.12)
    axes.grid(axis="y", linewidth=0.3, alpha=0.5)
    axes.set_axisbelow(True)
    axes.set_ylabel("difference of mAP")
    legend_below(figure, handles, COLUMN)
    seeds = "dots: seeds; bars: 95% over seeds and queries" if len(panel.seeds) > 1 else "bars: 95% over queries"
    heading(figure, panel.title, seeds, f"from {shortened(base.label, 32)}, whose mAP stands below")
    return figure


def _draw(axes: Any, pair: Paired, lengths: Sequence[int], shift: float, look: Look) -> None:
    """Seeds beside the mean, the mean with its interval."""
    for place, bits in enumerate(lengths):
        seeds, at = pair.by_seed(bits), place + shift
        if not seeds:
            continue
        if len(seeds) > 1:
            beside = [at - _BESIDE + _SPREAD * (i / (len(seeds) - 1) - 0.5) for i in range(len(seeds))]
            axes.plot(
                beside, seeds, linestyle="", marker="o", markersize=2.8, color=look.colour, alpha=0.55,
                markeredgewidth=0, zorder=2,
            )  # fmt: skip
        mean, found = statistics.fmean(seeds), pair.difference([bits])
        bars = [[0.0], [0.0]] if found is None else [[max(mean - found.low, 0)], [max(found.high - mean, 0)]]
        axes.errorbar(
            at, mean, yerr=bars, color=look.colour, marker=look.marker, markersize=5, linestyle="", capsize=2.5,
            elinewidth=1, zorder=3,
        )  # fmt: skip


def _handle(pair: Paired, look: Look) -> Any:
    from matplotlib.lines import Line2D

    label = folded(shortened(pair.first.label, 44), 22)
    return Line2D([], [], color=look.colour, marker=look.marker, markersize=5, linestyle="", label=label)


def _shown(arm: Arm, bits: int) -> str:
    mean = arm.row[bits].mean()
    return "" if mean is None else f"{mean:.4f}"

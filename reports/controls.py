"""Controls as a figure: mAP against the geometry of centers, and against their semantics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._figures.figure import (
    COLUMN,
    GREY,
    PAGE,
    Look,
    finished_panels,
    folded,
    legend_below,
    legend_height,
    looks_of,
    new_figure,
    save_each,
)
from ._figures.labels import decimals, heading, shortened
from ._figures.scatter import Point, correlation, metric_point
from ._model import Panel
from ._studies.arms import Arm, cells_by_label, control_arms
from ._tables.controls_table import controls_table
from ._tables.terminal import shown

INFO = PluginInfo(
    name="controls",
    summary="figure of mAP against centers' least distance and against PCC, of the controls: PNG, PDF, SVG",
    licence="MIT",
)
_AXES = {"d_min": "least distance of centers", "pcc": "PCC, class tree", "pcc_backbone": "PCC, features"}
_LINE = "ρ: Spearman; bars: standard deviation over seeds"
_HEIGHT = 1.3  # inches of the axes
_BAR = "classifier-codes"  # has no loss toward centers: a line, not a point
_FOLD = 22  # characters of a name's line in the legend


class Controls(Report):
    """Geometry on the left, semantics on the right, a row for each code length; with three controls or more."""

    when = "run"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/controls.pdf, .svg and .png, for each protocol."""
        by_method = looks_of(results)

        def figure_of(panel: Panel) -> Any | None:
            return controls_figure(panel, control_arms(panel, cells_by_label(results, panel)), by_method)

        return save_each(results, out, "controls", figure_of)

    def terminal(self, results: Results) -> Any:
        """mAP, distances and PCC of each control."""
        found = [(panel, control_arms(panel, cells_by_label(results, panel))) for panel in finished_panels(results)]
        return shown([controls_table(panel, arms) for panel, arms in found if arms])


def controls_figure(panel: Panel, arms: Sequence[Arm], by_method: dict[str, Look]) -> Any | None:
    """The figure of one protocol, None where no control has finished; to be called inside of `style`."""
    lengths = [k for k in panel.bits if any(arm.row[k].cells for arm in arms)]
    metrics = [m for m in _AXES if any(_point(arm, k, m) for arm in arms for k in lengths)]
    if not lengths or not metrics:
        return None
    width = COLUMN if len(metrics) < 3 else PAGE
    handles = _handles(arms, by_method)
    legend = legend_height([handle.get_label() for handle in handles], width)
    figure = new_figure(width, 0.75 + len(lengths) * (_HEIGHT + 0.25) + legend)
    grid = figure.subplots(len(lengths), len(metrics), squeeze=False, sharey="row")
    for row, bits in zip(grid, lengths, strict=True):
        for axes, metric in zip(row, metrics, strict=True):
            _draw(axes, arms, bits, metric, by_method)
        row[0].set_ylabel(f"mAP, {bits} bits")
    for column, metric in zip(grid.T, metrics, strict=True):
        column[-1].set_xlabel(_AXES[metric])
        if metric == "d_min":  # whole numbers, which grow with the code; PCC does not
            continue
        low, high = zip(*(axes.get_xlim() for axes in column), strict=True)
        for axes in column:
            axes.set_xlim(min(low), max(high))
    figure.align_ylabels()
    legend_below(figure, handles, width)
    heading(figure, panel.title, _LINE if len(panel.seeds) > 1 else _LINE.partition(";")[0])
    return figure


def _draw(axes: Any, arms: Sequence[Arm], bits: int, metric: str, by_method: dict[str, Look]) -> None:
    from matplotlib.ticker import MaxNLocator

    points = [p for arm in arms if arm.name != _BAR and (p := _point(arm, bits, metric)) is not None]
    for point in points:
        look = by_method[point.method]
        axes.errorbar(
            point.x, point.y, xerr=[[bar] for bar in point.x_bars], yerr=[[bar] for bar in point.y_bars],
            color=look.colour, marker=look.marker, markersize=4.5, elinewidth=0.6, linestyle="", zorder=3,
        )  # fmt: skip
    for arm in arms:
        bar = arm.row[bits].mean() if arm.name == _BAR else None
        if bar is not None:
            axes.axhline(bar, color=GREY, linewidth=0.9, linestyle="--", zorder=1)
    found = correlation(points)
    axes.set_title("no ρ" if found is None else f"ρ = {decimals(found.spearman)}", fontsize=7)
    axes.margins(0.12)
    if metric == "d_min":
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.grid(linewidth=0.3, alpha=0.5)
    axes.set_axisbelow(True)


def _point(arm: Arm, bits: int, metric: str) -> Point | None:
    return metric_point(arm.label, arm.row[bits], metric)


def _handles(arms: Sequence[Arm], by_method: dict[str, Look]) -> list[Any]:
    from matplotlib.lines import Line2D

    found = []
    for arm in arms:
        label = folded(shortened(arm.label, 44), _FOLD)
        if arm.name == _BAR:
            found.append(Line2D([], [], color=GREY, linestyle="--", linewidth=0.9, label=label))
        else:
            look = by_method[arm.label]
            found.append(Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=label))
    return found

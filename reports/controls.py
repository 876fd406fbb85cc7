"""Controls as a figure: mAP against the geometry of centers, and against their semantics."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.grid.results import Results
from bench.plugins import PluginInfo
from bench.plugins.report import Report

from ._controls_table import controls_table
from ._figures import (
    COLUMN,
    GREY,
    PAGE,
    Look,
    all_methods,
    file_name,
    finished,
    folded,
    legend_below,
    legend_height,
    looks,
    new_figure,
    save,
    style,
)
from ._labels import heading, shortened
from ._model import Panel
from ._scatter import Point, deviation
from ._study_labels import Arm, cells_by_label, control_arms
from ._study_terminal import shown

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
        found = finished(results)
        files: list[Path] = []
        with style():
            for panel in found:
                arms = control_arms(panel, cells_by_label(results, panel))
                figure = controls_figure(panel, arms, looks(all_methods(found)))
                if figure is not None:
                    files += save(figure, out, file_name("controls", panel, found))
        return files

    def terminal(self, results: Results) -> Any:
        """mAP, distances and PCC of each control."""
        found = [(panel, control_arms(panel, cells_by_label(results, panel))) for panel in finished(results)]
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
    rho = spearman([p.x for p in points], [p.y for p in points])
    axes.set_title("no ρ" if rho is None else f"ρ = {rho:.2f}".replace("-", "−"), fontsize=7)
    axes.margins(0.12)
    if metric == "d_min":
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.grid(linewidth=0.3, alpha=0.5)
    axes.set_axisbelow(True)


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Rank correlation with mean ranks for ties; None of fewer than three points or where one is constant."""
    from scipy.stats import rankdata

    if len(x) < 3 or len(set(x)) < 2 or len(set(y)) < 2:
        return None
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def _point(arm: Arm, bits: int, metric: str) -> Point | None:
    """Over the seeds that have both."""
    metrics = [cell.result["metrics"] for cell in arm.row[bits].cells]
    both = [(m[metric], m["map"]) for m in metrics if m.get(metric) is not None and m.get("map") is not None]
    if not both:
        return None
    x, y = ([float(pair[i]) for pair in both] for i in (0, 1))
    return Point(arm.label, statistics.fmean(x), statistics.fmean(y), deviation(x), deviation(y))


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

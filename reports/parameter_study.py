"""mAP and PCC against one setting of a method: codebook size, bits per head, update frequency, or any other."""

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
    MARKERS,
    bits_colours,
    file_name,
    finished_panels,
    legend_below,
    legend_height,
    new_figure,
    save,
    style,
)
from ._figures.labels import heading, shortened
from ._model import Panel
from ._studies.arms import cells_by_label
from ._studies.parameters import ParameterStudy, Point, parameter_studies
from ._tables.parameter_table import parameter_table, references
from ._tables.pcc import COLUMNS
from ._tables.terminal import shown

INFO = PluginInfo(
    name="parameter-study",
    summary="figure of mAP and PCC against a setting, where one was varied: PNG, PDF, SVG",
    licence="MIT",
)
_HEIGHTS = {"map": 1.6}  # inches of the axes; of others:
_HEIGHT = 1.2
_TICK = 12  # characters of a value
_APART = 0.07  # of code lengths, where values are 1 apart
_MANY = 8  # values whose names stand upright


class ParameterStudies(Report):
    """A figure for each setting; means over seeds, bars of one standard deviation, the method's own value in a ring."""

    when = "run"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/parameter_SETTING.pdf, .svg and .png, for each protocol."""
        found = finished_panels(results)
        files: list[Path] = []
        with style():
            for panel in found:
                for study in parameter_studies(panel, cells_by_label(results, panel)):
                    figure = parameter_figure(panel, study)
                    if figure is not None:
                        name = f"parameter_{study.key.replace('-', '_')}"
                        files += save(figure, out, file_name(name, panel, found))
        return files

    def terminal(self, results: Results) -> Any:
        """mAP, PCC and least distance for each value."""
        return shown([
            parameter_table(panel, study)
            for panel in finished_panels(results)
            for study in parameter_studies(panel, cells_by_label(results, panel))
        ])  # fmt: skip


def parameter_figure(panel: Panel, study: ParameterStudy) -> Any | None:
    """One of the axes for each of mAP and PCC, a line for each code length, values at equal steps; None where nothing
    has finished. To be called inside of `style`.
    """
    lengths = [k for k, points in study.points.items() if any(point.entry.cells for point in points)]
    if not lengths:
        return None
    metrics = ["map", *references(study)]
    handles = _handles(lengths)
    heights = [_HEIGHTS.get(metric, _HEIGHT) for metric in metrics]
    legend = legend_height([handle.get_label() for handle in handles], COLUMN)
    figure = new_figure(COLUMN, 0.8 + sum(heights) + legend)
    grid = figure.subplots(len(metrics), 1, squeeze=False, sharex=True, height_ratios=heights)[:, 0]
    ticks = study.ticks
    for axes, metric in zip(grid, metrics, strict=True):
        for i, (bits, colour, marker) in enumerate(_looks(lengths)):
            shift = _APART * (i - (len(lengths) - 1) / 2)
            _draw(axes, study.points[bits], metric, ticks, shift, (colour, marker))
        axes.set_ylabel("mAP" if metric == "map" else COLUMNS[metric])
        axes.grid(axis="y", linewidth=0.3, alpha=0.5)
        axes.margins(y=0.12)
    upright = len(ticks) > _MANY
    grid[-1].set_xticks(range(len(ticks)), [_short(t) for t in ticks], rotation=90 if upright else 0)
    grid[-1].set_xlim(-0.4, len(ticks) - 0.6)
    grid[-1].set_xlabel(_AXES.get(study.kind, shortened(study.name, 40)))
    figure.align_ylabels()
    legend_below(figure, handles, COLUMN)
    bars = "; bars: one standard deviation over seeds" if len(panel.seeds) > 1 else ""
    heading(figure, panel.title, f"{shortened(study.held, 60)}{bars}")
    return figure


_AXES = {
    "codebook-size": "candidates M in a head's codebook",
    "head-dim": "bits per head d",
    "update-frequency": "epochs between reassignments",
}


def _short(tick: str) -> str:
    """A value for an axis, each of its lines cut to what fits."""
    return "\n".join(shortened(line, _TICK) for line in tick.split("\n"))


def _draw(
    axes: Any, points: Sequence[Point], metric: str, ticks: Sequence[str], shift: float, look: tuple[Any, str]
) -> None:
    colour, marker = look
    values = [(ticks.index(p.tick) + shift, p.entry.values(metric), p.default) for p in points]
    drawn = [(x, statistics.fmean(v), statistics.stdev(v) if len(v) > 1 else 0.0, own) for x, v, own in values if v]
    if not drawn:
        return
    x, y, bars, _ = zip(*drawn, strict=True)
    axes.errorbar(x, y, yerr=bars, color=colour, marker=marker, capsize=2, elinewidth=0.8, zorder=3)
    own = [(at, mean) for at, mean, _, default in drawn if default]
    axes.plot([at for at, _ in own], [mean for _, mean in own], **_ring(colour))


def _ring(colour: Any) -> dict[str, Any]:
    return {
        "linestyle": "", "marker": "o", "markersize": 9, "markerfacecolor": "none", "markeredgecolor": colour,
        "markeredgewidth": 0.9, "zorder": 4,
    }  # fmt: skip


def _looks(lengths: Sequence[int]) -> list[tuple[int, Any, str]]:
    colours = bits_colours(lengths)
    return [(bits, colours[bits], MARKERS[i % len(MARKERS)]) for i, bits in enumerate(lengths)]


def _handles(lengths: Sequence[int]) -> list[Any]:
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=c, marker=m, label=f"{bits} bits") for bits, c, m in _looks(lengths)]
    return [*lines, Line2D([], [], label="default", **_ring("0.3"))]

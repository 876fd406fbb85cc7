"""mAP against PCC, a point for each method: do methods whose centers follow the classes' kinship retrieve better?"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.grid.results import Results
from bench.plugins import PluginInfo
from bench.plugins.report import Report

from ._figures import GREY, Look, all_methods, file_name, finished, looks, save, seeds_note, style
from ._labels import decimals, shortened
from ._model import Entry, Panel
from ._scatter import Axes, Box, Point, deviation, scatter_figure

INFO = PluginInfo(
    name="map-vs-pcc",
    summary="figures of mAP against PCC with its correlation, for each reference: PNG, PDF, SVG",
    licence="MIT",
)
_REFERENCES = {  # metric -> (ending of the file's name, label of the axis)
    "pcc": ("tree", "PCC of centers and class tree"),
    "pcc_backbone": ("features", "PCC of centers and means of features"),
}
_FEW = 8  # methods up to which the correlation says less than the points
_CAUTION = "a correlation over methods shows no cause"
_NAME = 24  # characters of a method's name in a note


class Correlation(NamedTuple):
    """Pearson's, and Spearman's with mean ranks for ties."""

    pearson: float
    spearman: float


class MapVsPCC(Report):
    """Means over seeds, bars of one standard deviation; a figure for the class tree, one for the features."""

    when = "report"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/map_vs_pcc_tree and map_vs_pcc_features .pdf, .svg and .png, for each protocol."""
        found = finished(results)
        files: list[Path] = []
        with style():
            for metric, (ending, _) in _REFERENCES.items():
                for panel in found:
                    figure = pcc_figure(panel, metric, looks(all_methods(found)))
                    if figure is not None:
                        files += save(figure, out, file_name(f"map_vs_pcc_{ending}", panel, found))
        return files


def pcc_figure(panel: Panel, metric: str, by_method: dict[str, Look]) -> Any | None:
    """The figure of one protocol and reference, None where no cell has that PCC; to be called inside of `style`.

    Args:
        metric: "pcc" or "pcc_backbone".
        by_method: looks of all methods.
    """
    shown = [axes for bits in panel.bits if (axes := _axes(panel, bits, metric)) is not None]
    if not shown:
        return None
    lines = [f"{seeds_note(panel)}{', bars: one standard deviation' if len(panel.seeds) > 1 else ''}", _CAUTION]
    if min(len(axes.points) for axes in shown) <= _FEW:
        lines[-1] += f"; of {_FEW} methods or fewer the points say more"
    return scatter_figure(shown, by_method, panel.title, lines, _REFERENCES[metric][1], _prepare)


def correlation(points: Sequence[Point]) -> Correlation | None:
    """Of both coordinates; None where it is undefined: fewer than three points, or all equal in one of them."""
    from scipy.stats import rankdata

    x, y = np.array([p.x for p in points]), np.array([p.y for p in points])
    if len(points) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return Correlation(float(np.corrcoef(x, y)[0, 1]), float(np.corrcoef(rankdata(x), rankdata(y))[0, 1]))


def _axes(panel: Panel, bits: int, metric: str) -> Axes | None:
    entries = {method: row[bits] for method, row in panel.entries.items() if row[bits].cells}
    points = [p for method, entry in entries.items() if (p := _point(method, entry, metric)) is not None]
    if not points:
        return None
    without = [shortened(method, _NAME) for method in entries if method not in {p.method for p in points}]
    note = f"no PCC (all centers equally far apart): {', '.join(without)}" if without else ""
    return Axes(f"{bits} bits, n = {len(points)}\n{_words(correlation(points))}", points, note)


def _words(found: Correlation | None) -> str:
    if found is None:
        return "no correlation"
    return f"Spearman {decimals(found.spearman)}, Pearson {decimals(found.pearson)}"


def _point(method: str, entry: Entry, metric: str) -> Point | None:
    """Over the seeds that have both."""
    metrics = [cell.result["metrics"] for cell in entry.cells]
    both = [(m[metric], m["map"]) for m in metrics if m.get(metric) is not None and m.get("map") is not None]
    if not both:
        return None
    x, y = ([pair[i] for pair in both] for i in (0, 1))
    return Point(method, statistics.fmean(x), statistics.fmean(y), deviation(x), deviation(y))


def _prepare(axes: Any, points: Sequence[Point]) -> list[Box]:
    axes.axvline(0, color=GREY, linewidth=0.6, linestyle=":", zorder=1)
    return []

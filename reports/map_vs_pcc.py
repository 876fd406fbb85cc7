"""mAP against PCC, a point for each method: do methods whose centers follow the classes' kinship retrieve better?"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._figures.figure import GREY, Look, looks_of, save_each, seeds_note
from ._figures.labels import decimals, shortened
from ._figures.scatter import Axes, Box, Correlation, Point, correlation, metric_point, scatter_figure
from ._model import Panel

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


class MapVsPCC(Report):
    """Means over seeds, bars of one standard deviation; a figure for the class tree, one for the features."""

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/map_vs_pcc_tree and map_vs_pcc_features .pdf, .svg and .png, for each protocol."""
        by_method = looks_of(results)
        files: list[Path] = []
        for metric, (ending, _) in _REFERENCES.items():
            figure_of = functools.partial(pcc_figure, metric=metric, by_method=by_method)
            files += save_each(results, out, f"map_vs_pcc_{ending}", figure_of)
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


def _axes(panel: Panel, bits: int, metric: str) -> Axes | None:
    entries = {method: row[bits] for method, row in panel.entries.items() if row[bits].cells}
    points = [p for method, entry in entries.items() if (p := metric_point(method, entry, metric)) is not None]
    if not points:
        return None
    without = [shortened(method, _NAME) for method in entries if method not in {p.method for p in points}]
    note = f"no PCC (all centers equally far apart): {', '.join(without)}" if without else ""
    return Axes(f"{bits} bits, n = {len(points)}\n{_words(correlation(points))}", points, note)


def _words(found: Correlation | None) -> str:
    if found is None:
        return "no correlation"
    return f"Spearman {decimals(found.spearman)}, Pearson {decimals(found.pearson)}"


def _prepare(axes: Any, points: Sequence[Point]) -> list[Box]:
    axes.axvline(0, color=GREY, linewidth=0.6, linestyle=":", zorder=1)
    return []

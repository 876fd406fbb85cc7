"""Precision against recall within each Hamming radius, one small figure for each code length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._figures.curves import Curves, curve_figure, curves_by_bits
from ._figures.figure import Look, looks_of, save_each, seeds_note
from ._model import Panel

INFO = PluginInfo(
    name="pr-curves",
    summary="figure of precision against recall within each Hamming radius: PNG, PDF, SVG",
    licence="MIT",
)
_NAMES = ("radius_precision", "radius_recall")
_LABELS = ("recall within the radius", "precision within the radius")


class PRCurves(Report):
    """Each point is a radius, from 0 to the code length; means over queries, then over seeds."""

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/pr_curves.pdf, .svg and .png, for each protocol."""
        by_method = looks_of(results)
        return save_each(results, out, "pr_curves", lambda panel: pr_figure(panel, by_method))


def pr_figure(panel: Panel, by_method: dict[str, Look]) -> Any | None:
    """The figure of one protocol, None where no cell has the curves; to be called inside of `style`."""
    curves = curves_by_bits(panel, _NAMES)
    if not curves:
        return None
    title = f"{panel.title}\n{seeds_note(panel)}; a point for each Hamming radius"
    figure = curve_figure(curves, by_method, title, _LABELS, _draw, chance="radius_precision")
    figure.axes[0].set(xlim=(-0.02, 1.02), ylim=(0, 1.03))  # all share them
    return figure


def _draw(axes: Any, curves: Curves, look: Look) -> None:
    precision, recall = (curves[name] for name in _NAMES)
    axes.plot(
        recall, precision, color=look.colour, linestyle=look.line, linewidth=1, marker=look.marker, markersize=2.6,
        markeredgewidth=0, alpha=0.9,
    )  # fmt: skip

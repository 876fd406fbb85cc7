"""Precision among the k nearest items, one small figure for each code length."""

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
    name="precision-at-k",
    summary="figure of precision among the k nearest against k: PNG, PDF, SVG",
    licence="MIT",
)
_NAMES = ("ranks", "rank_precision")
_LABELS = ("k (nearest items)", "precision among the k nearest")


class PrecisionAtK(Report):
    """Means over queries, then over seeds."""

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/precision_at_k.pdf, .svg and .png, for each protocol."""
        by_method = looks_of(results)
        return save_each(results, out, "precision_at_k", lambda panel: precision_figure(panel, by_method))


def precision_figure(panel: Panel, by_method: dict[str, Look]) -> Any | None:
    """The figure of one protocol, None where no cell has the curves; to be called inside of `style`."""
    curves = curves_by_bits(panel, _NAMES)
    if not curves:
        return None
    title = f"{panel.title}\n{seeds_note(panel)}; {panel.ties}"
    figure = curve_figure(curves, by_method, title, _LABELS, _draw, chance="rank_precision")
    highest = max(found["rank_precision"].max() for methods in curves.values() for found in methods.values())
    axes = figure.axes[0]  # all share its scales and limits
    axes.set(xscale="log", ylim=(0, min(1.03, 1.08 * highest) or 1))
    axes.xaxis.set_major_formatter("{x:,.0f}")  # powers would be formulas
    return figure


def _draw(axes: Any, curves: Curves, look: Look) -> None:
    ranks, precision = (curves[name] for name in _NAMES)
    axes.plot(
        ranks, precision, color=look.colour, linestyle=look.line, linewidth=1, marker=look.marker, markersize=3,
        markeredgewidth=0,
    )  # fmt: skip

"""mAP against code length: one panel for each protocol, one line for each method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.grid.results import Results
from bench.plugins import PluginInfo
from bench.plugins.report import Report

from ._figures import method_colours, method_markers, new_figure, save, style
from ._model import Panel, panels

INFO = PluginInfo(
    name="map-vs-bits",
    summary="figure of mAP against code length with errors and tie bands: PNG, PDF, SVG",
    licence="MIT",
)
_WIDTH, _HEIGHT = 3.6, 2.9  # inches a panel: a column of a paper
_COLUMNS = 3
_FEW = 8  # methods whose names fit into the axes; more are named beside them
_BESIDE, _LINE = 1.9, 0.15  # inches of the names: width, and height of one


class MapVsBits(Report):
    """Error bars are those of the tables; of few methods a band runs from the worst to the best order of ties."""

    when = "run"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/map_vs_bits.pdf, .svg and .png."""
        found = [p for p in panels(results) if any(e.cells for row in p.entries.values() for e in row.values())]
        if not found:
            return []
        columns = min(len(found), _COLUMNS)
        rows = -(-len(found) // columns)
        with style():
            most = max(len(panel.entries) for panel in found)
            width, height = _WIDTH, _HEIGHT
            if most > _FEW:
                width, height = _WIDTH + _BESIDE, max(_HEIGHT, 0.9 + _LINE * (most + 3))
            figure = new_figure(width * columns, height * rows)
            for panel, axes in zip(found, figure.subplots(rows, columns, squeeze=False).flat, strict=False):
                _draw(panel, axes)
            for axes in figure.axes[len(found) :]:
                axes.set_axis_off()
            return save(figure, out, "map_vs_bits")


def _draw(panel: Panel, axes: Any) -> None:
    from matplotlib.patches import Patch

    colours, markers = method_colours(list(panel.entries)), method_markers(list(panel.entries))
    for method, row in panel.entries.items():
        points = [(bits, entry) for bits, entry in row.items() if entry.cells]
        if not points:
            continue
        bits = [k for k, _ in points]
        colour, marker = colours[method], markers[method]
        if len(panel.entries) <= _FEW:  # bands of many methods hide each other
            worst, best = ([entry.mean(f"map_{end}") for _, entry in points] for end in ("worst", "best"))
            axes.fill_between(bits, worst, best, color=colour, alpha=0.13, linewidth=0)
        axes.errorbar(
            bits, [e.mean() for _, e in points], yerr=[e.spread or 0 for _, e in points],
            color=colour, marker=marker, markersize=4, linewidth=1.2, capsize=2, label=method,
        )  # fmt: skip
    references = _references(panel, axes)
    axes.set_xscale("log", base=2)
    axes.set_xticks(panel.bits, [str(k) for k in panel.bits])
    axes.minorticks_off()
    axes.margins(x=0.12)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("code length (bits)")
    axes.set_ylabel("mAP")
    axes.set_title(panel.title, fontsize=8)
    axes.grid(axis="y", linewidth=0.4, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    band = [Patch(color="0.75", alpha=0.6, linewidth=0, label="worst to best tie order")]
    handles, _ = axes.get_legend_handles_labels()
    lines = [h for h in handles if h not in references]
    place = {"loc": "best"} if len(lines) <= _FEW else {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    axes.legend(
        handles=[*lines, *(band if len(lines) <= _FEW else []), *references], frameon=False, fontsize=7, **place
    )


def _references(panel: Panel, axes: Any) -> list[Any]:
    """Horizontal lines at the values that all cells share."""
    drawn = []
    for name, metric, line in (("real-valued features", "map_features", ":"), ("chance", "map_chance", "--")):
        shared = panel.shared(metric)
        if shared is not None:
            drawn.append(axes.axhline(shared, color="0.45", linewidth=0.9, linestyle=line, label=name))
    return drawn

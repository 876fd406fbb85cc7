"""mAP against code length: one panel for each protocol, one line for each method."""

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
    Look,
    arranged,
    finished_panels,
    folded,
    looks_of,
    new_figure,
    save,
    seeds_note,
    style,
    wrapped,
)
from ._model import REFERENCES, Entry, Panel

INFO = PluginInfo(
    name="map-vs-bits",
    summary="figure of mAP against code length with errors and tie bands: PNG, PDF, SVG",
    licence="MIT",
)
_HEIGHT, _LINE = 2.6, 0.135  # inches: of a panel, and of a line of its legend
_WIDEST = 2  # panels beside each other: a page
_FEW = 8  # methods whose bars of ties are drawn; more would hide each other
_DODGE = 0.06  # of the axes' width, to the left and right: methods stand beside each other, so that errors are seen
_FOLD = 19  # characters of a name in the legend
_LINES: dict[str, Any] = {"map_features": ":", "map_chance": "--"}  # of what mAP is seen against


class MapVsBits(Report):
    """Errors are the deviation over seeds, of a single seed the 95 % interval over queries; of few methods a broad bar
    runs from the worst to the best order of ties.
    """

    when = "run"

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/map_vs_bits.pdf, .svg and .png."""
        found = finished_panels(results)
        if not found:
            return []
        with style():
            return save(map_figure(found, looks_of(results)), out, "map_vs_bits")


def map_figure(found: Sequence[Panel], by_method: dict[str, Look]) -> Any:
    """The figure of all protocols; to be called inside of `style`."""
    rows, columns = arranged(len(found), _WIDEST)
    handles = [_handles(panel, by_method) for panel in found]
    most = max(sum(h.get_label().count("\n") + 1 for h in of_panel) for of_panel in handles)
    figure = new_figure(COLUMN * columns, max(_HEIGHT, 0.5 + _LINE * most) * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for panel, axes, of_panel in zip(found, grid.flat, handles, strict=False):
        _draw(panel, axes, by_method)
        axes.legend(
            handles=of_panel, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=6.5, labelspacing=0.25,
            handlelength=2.2,
        )  # fmt: skip
    for axes in grid.flat[len(found) :]:
        axes.set_axis_off()
    return figure


def _draw(panel: Panel, axes: Any, by_method: dict[str, Look]) -> None:
    few = len(panel.entries) <= _FEW
    for place, (method, row) in enumerate(panel.entries.items()):
        points = [(k, entry) for k, entry in row.items() if entry.mean() is not None]
        if points:
            x = [k * _dodged(place, panel) for k, _ in points]
            _draw_line(axes, x, [entry for _, entry in points], panel, by_method[method], few)
    axes.set_xscale("log", base=2)
    axes.set_xticks(panel.bits, [str(k) for k in panel.bits])
    axes.minorticks_off()
    axes.margins(x=0.1)
    axes.set(xlabel="code length (bits)", ylabel="mAP")
    axes.grid(axis="y", linewidth=0.4, alpha=0.5)
    _draw_references(panel, axes)
    interval = ", 95 % interval over queries" if len(panel.seeds) == 1 else ""
    note = seeds_note(panel, "mean ± standard deviation over") + interval
    axes.set_title(wrapped(f"{panel.title}\n{note}", COLUMN - 0.5, 7), loc="left", fontsize=7)


def _dodged(place: int, panel: Panel) -> float:
    """What a method's code lengths are multiplied by: the axes are logarithmic."""
    others = len(panel.entries) - 1
    width = max(panel.bits[-1] / panel.bits[0], 2.0)
    return width ** (_DODGE * (2 * place / others - 1)) if others else 1.0


def _draw_line(axes: Any, x: list[float], entries: list[Entry], panel: Panel, look: Look, band: bool) -> None:
    if band:
        ends = [(place, e.mean("map_worst"), e.mean("map_best")) for place, e in zip(x, entries, strict=True)]
        known = [end for end in ends if None not in end]
        if known:
            axes.vlines(*zip(*known, strict=True), color=look.colour, alpha=0.25, linewidth=3.5)
    errors = [_error(entry, panel) for entry in entries]
    axes.errorbar(
        x, [entry.mean() for entry in entries], yerr=list(zip(*errors, strict=True)), color=look.colour,
        marker=look.marker, linestyle=look.line, markersize=3.5, markeredgewidth=0, linewidth=1, elinewidth=0.7,
    )  # fmt: skip


def _error(entry: Entry, panel: Panel) -> tuple[float, float]:
    """How far the bar goes down and up; 0 where it is not known."""
    if len(panel.seeds) > 1:
        spread = entry.spread if len(entry.values("map")) > 1 else None
        return (spread or 0.0, spread or 0.0)
    mean, low, high = (entry.mean(metric) for metric in ("map", "map_low", "map_high"))
    if mean is None or low is None or high is None:
        return 0.0, 0.0
    return max(mean - low, 0.0), max(high - mean, 0.0)


def _draw_references(panel: Panel, axes: Any) -> None:
    """Horizontal lines at the values that all cells share; chance only where the axes reach down to it."""
    low, high = _limits(panel)
    axes.set_ylim(low, high)
    for metric, line in _LINES.items():
        value = panel.shared(metric)
        if value is not None and value >= low:
            axes.axhline(value, color=GREY, linewidth=0.9, linestyle=line, zorder=1)


def _limits(panel: Panel) -> tuple[float, float]:
    """Room for the lines, their errors and the features; from 0 unless all are far above it. Ties may be cut."""
    values = [panel.shared("map_features")]
    for row in panel.entries.values():
        for entry in row.values():
            if (mean := entry.mean()) is not None:
                down, up = _error(entry, panel)
                values += [mean - down, mean + up]
    there = [value for value in values if value is not None]
    low, high = min(there), max(there)
    if low <= high / 2:
        return 0.0, 1.08 * high or 1.0
    margin = 0.08 * (high - low) or 0.05 * high
    return low - margin, high + margin


def _handles(panel: Panel, by_method: dict[str, Look]) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Line2D([], [], color=by_method[method].colour, marker=by_method[method].marker, markersize=3.5, linewidth=1,
               markeredgewidth=0, linestyle=by_method[method].line, label=folded(method, _FOLD))
        for method, row in panel.entries.items() if any(entry.cells for entry in row.values())
    ]  # fmt: skip
    if len(panel.entries) <= _FEW:
        handles.append(Patch(color="0.75", alpha=0.6, linewidth=0, label="worst to best\norder of ties"))
    for name, metric in REFERENCES.items():
        value = panel.shared(metric)
        if value is not None:
            label = folded(f"{name} ({value:.4f})", _FOLD)
            handles.append(Line2D([], [], color=GREY, linewidth=0.9, linestyle=_LINES[metric], label=label))
    return handles

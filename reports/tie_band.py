"""How much of mAP is the order of ties: from the worst to the best, with what stands in the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._figures.figure import (
    COLUMN,
    GREY,
    PAGE,
    arranged,
    folded,
    legend_below,
    legend_height,
    new_figure,
    save_each,
    seeds_note,
    set_title,
)
from ._model import Entry, Panel

INFO = PluginInfo(
    name="tie-band",
    summary="figure of mAP from the worst to the best order of ties, for each method: PNG, PDF, SVG",
    licence="MIT",
)
METRICS = ("map_worst", "map", "map_best")
_ROW, _WIDEST, _FOLD = 0.17, 4, 24  # inches of a line of text, code lengths beside each other, characters of a name
_BAND, _DOT = "0.65", "#0072B2"


class TieBand(Report):
    """A bar for each method and code length, means over seeds, methods in the order of the results."""

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/tie_band.pdf, .svg and .png, for each protocol."""
        return save_each(results, out, "tie_band", tie_figure)


def tie_figure(panel: Panel) -> Any | None:
    """The figure of one protocol, None where no cell has both bounds; to be called inside of `style`."""
    methods = [m for m, row in panel.entries.items() if any(_band(entry) for entry in row.values())]
    bits = [k for k in panel.bits if any(_band(panel.entries[m][k]) for m in methods)]
    if not methods:
        return None
    names = [folded(m, _FOLD) for m in methods]
    rows, columns = arranged(len(bits), _WIDEST)
    width = COLUMN if columns == 1 else PAGE
    handles = _handles(panel)
    lines = sum(max(1, 0.75 * (name.count("\n") + 1)) for name in names)
    height = 0.45 + rows * (0.55 + _ROW * lines) + legend_height([h.get_label() for h in handles], width)
    figure = new_figure(width, height)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for place, (axes, k) in enumerate(zip(grid.flat, bits, strict=False)):
        _draw(axes, [panel.entries[m][k] for m in methods])
        axes.set_title(f"{k} bits")
        if place + columns >= len(bits):  # nothing is below it
            axes.set_xlabel("mAP")
            axes.tick_params(labelbottom=True)
        _draw_chance(axes, panel)
    for axes in grid.flat[len(bits) :]:
        axes.set_axis_off()
    grid[0, 0].set_yticks(range(len(methods)), names)
    grid[0, 0].set_ylim(len(methods) - 0.4, -0.6)
    highest = max(band[2] for m in methods for k in bits if (band := _band(panel.entries[m][k])) is not None)
    grid[0, 0].set_xlim(0, 1.05 * highest)
    set_title(figure, f"{panel.title}\n{seeds_note(panel)}")
    legend_below(figure, handles, width)
    return figure


def _band(entry: Entry) -> tuple[float, float, float] | None:
    """Worst, expected and best mAP; None where one is missing."""
    worst, expected, best = (entry.mean(metric) for metric in METRICS)
    return None if worst is None or expected is None or best is None else (worst, expected, best)


def _draw(axes: Any, entries: list[Entry]) -> None:
    """A dumbbell in the row of each entry that has what it needs."""
    found = [(place, band) for place, entry in enumerate(entries) if (band := _band(entry)) is not None]
    places = [place for place, _ in found]
    worst, expected, best = zip(*(band for _, band in found), strict=True)
    axes.hlines(places, worst, best, color=_BAND, linewidth=2.2, zorder=2)
    for ends in (worst, best):
        axes.plot(ends, places, linestyle="", marker="|", markersize=5, color=GREY, zorder=3)
    axes.plot(expected, places, linestyle="", marker="o", markersize=3.6, color=_DOT, zorder=4)
    axes.grid(axis="x", linewidth=0.4, alpha=0.5)
    axes.tick_params(axis="y", length=0)


def _draw_chance(axes: Any, panel: Panel) -> None:
    chance = panel.shared("map_chance")
    if chance is not None:
        axes.axvline(chance, color=GREY, linewidth=0.8, linestyle="--", zorder=1)


def _handles(panel: Panel) -> list[Any]:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_BAND, linewidth=2.2, marker="|", markersize=5, markeredgecolor=GREY,
               label="worst to best order of ties"),
        Line2D([], [], color=_DOT, linestyle="", marker="o", markersize=3.6, label=panel.ties),
    ]  # fmt: skip
    if panel.shared("map_chance") is not None:
        handles.append(Line2D([], [], color=GREY, linewidth=0.8, linestyle="--", label="chance"))
    return handles

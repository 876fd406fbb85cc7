"""mAP against the time that a hash function takes to make: what does better retrieval cost?"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._figures.figure import GREY, Look, looks_of, save_each, seeds_note
from ._figures.labels import shortened
from ._figures.scatter import Axes, Box, Point, deviation, scatter_figure
from ._model import Entry, Panel, cost

INFO = PluginInfo(
    name="map-vs-cost",
    summary="figure of mAP against the time to make a hash function, with the Pareto front: PNG, PDF, SVG",
    licence="MIT",
)
_LABEL = "seconds: centers + classifier + reference + training"
_HARDWARE = 60  # characters of a processor's name


class MapVsCost(Report):
    """Means over seeds; the line is the Pareto front: what no other method reaches in as little time."""

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/map_vs_cost.pdf, .svg and .png, for each protocol."""
        by_method = looks_of(results)
        return save_each(results, out, "map_vs_cost", lambda panel: cost_figure(panel, by_method))


def cost_figure(panel: Panel, by_method: dict[str, Look]) -> Any | None:
    """The figure of one protocol, None where no cell says how long it took; to be called inside of `style`."""
    shown = []
    for bits in panel.bits:
        points = [p for method, row in panel.entries.items() if (p := _point(method, row[bits])) is not None]
        if points:
            shown.append(Axes(f"{bits} bits", points))
    if not shown:
        return None
    bars = ", bars: standard deviation of mAP, least and most seconds" if len(panel.seeds) > 1 else ""
    lines = [f"{seeds_note(panel)}{bars}; line: Pareto front", _hardware(panel)]
    return scatter_figure(shown, by_method, panel.title, lines, _LABEL, _prepare)


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """Those that no other point beats: at least as quick and as good, and better in one; by rising cost.

    Of equal points each is there.
    """
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.x, -p.y)):
        if not front or point.y > front[-1].y or (point.x, point.y) == (front[-1].x, front[-1].y):
            front.append(point)
    return front


def _point(method: str, entry: Entry) -> Point | None:
    """Over the seeds that have both."""
    both = [(seconds, cell.result["metrics"].get("map")) for cell in entry.cells if (seconds := cost(cell)) is not None]
    found = [(seconds, value) for seconds, value in both if value is not None]
    if not found:
        return None
    x, y = ([pair[i] for pair in found] for i in (0, 1))
    middle = statistics.fmean(x)
    return Point(method, middle, statistics.fmean(y), (middle - min(x), max(x) - middle), deviation(y))


def _hardware(panel: Panel) -> str:
    """What the cells ran on, and whether some shared a training pass."""
    cells = [cell for row in panel.entries.values() for entry in row.values() for cell in entry.cells]
    made = [cell.result.get("provenance") or {} for cell in cells]
    names = dict.fromkeys((p.get("gpu") or {}).get("name") or p.get("processor") or "" for p in made)
    known = [shortened(name, _HARDWARE) for name in names if name]
    words = f"on {known[0]}" if len(known) == 1 else f"on {len(known)} kinds of machines: compare with care"
    together = any((p.get("trained_together") or 1) > 1 for p in made)
    shared = "cells trained in one pass share its time equally" if together else ""
    return "; ".join(part for part in (words if known else "", shared) if part)


def _prepare(axes: Any, points: Sequence[Point]) -> list[Box]:
    from matplotlib.ticker import LogLocator, NullFormatter

    front = pareto_front(points)
    axes.set_xscale("log")
    low, high = min(p.x - p.x_bars[0] for p in points), max(p.x + p.x_bars[1] for p in points)
    room = max((high / low) ** 0.25, 1.5)
    axes.set_xlim(low / room, high * room)
    few = np.log10(high / low * room * room) < 2
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    x, y = [*(p.x for p in front), high * room], [*(p.y for p in front), front[-1].y]
    axes.step(x, y, where="post", color=GREY, linewidth=0.9, zorder=1)
    flat = [(left, level, right, level) for left, right, level in zip(x, x[1:], y, strict=False)]
    steep = [(place, low, place, high) for place, low, high in zip(x[1:], y, y[1:], strict=False)]
    return flat + steep

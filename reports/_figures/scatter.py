"""A figure of methods as named points, mAP against something else, with small axes for each code length."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._model import Entry
from .figure import COLUMN, PAGE, Look, arranged, new_figure
from .labels import heading, name_points

_WIDEST = 3  # axes beside each other
_FEW, _MANY = 10, 24  # methods: more need higher axes; still more, axes as wide as the page
_LOW, _HIGH = 2.1, 3.6  # inches of the axes
_DPI = 200  # words are measured as the PNG will have them
_PER_INCH = 15  # characters of a line under the axes


Box = tuple[float, float, float, float]  # left, bottom, right, top in data coordinates


@dataclass(frozen=True)
class Point:
    """A method: both coordinates, and how far its error bars reach down and up."""

    method: str
    x: float
    y: float
    x_bars: tuple[float, float] = (0.0, 0.0)
    y_bars: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Axes:
    """What one of the small axes shows.

    Attributes:
        title: above it.
        points: not empty.
        note: below its axis; may be empty.
    """

    title: str
    points: Sequence[Point]
    note: str = ""


class Correlation(NamedTuple):
    """Pearson's, and Spearman's with mean ranks for ties."""

    pearson: float
    spearman: float


def correlation(points: Sequence[Point]) -> Correlation | None:
    """Of both coordinates; None where it is undefined: fewer than three points, or all equal in one of them."""
    from scipy.stats import rankdata

    x, y = np.array([p.x for p in points]), np.array([p.y for p in points])
    if len(points) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return Correlation(float(np.corrcoef(x, y)[0, 1]), float(np.corrcoef(rankdata(x), rankdata(y))[0, 1]))


def metric_point(method: str, entry: Entry, metric: str) -> Point | None:
    """mAP against a metric, means over the seeds that have both; None where none has."""
    metrics = [cell.result["metrics"] for cell in entry.cells]
    both = [(m[metric], m["map"]) for m in metrics if m.get(metric) is not None and m.get("map") is not None]
    if not both:
        return None
    x, y = ([float(pair[i]) for pair in both] for i in (0, 1))
    return Point(method, statistics.fmean(x), statistics.fmean(y), deviation(x), deviation(y))


def deviation(values: Sequence[float]) -> tuple[float, float]:
    """Bars of one standard deviation (n - 1) down and up; none of one value."""
    return (statistics.stdev(values),) * 2 if len(values) > 1 else (0.0, 0.0)


def scatter_figure(
    shown: Sequence[Axes], looks: dict[str, Look], title: str, lines: Sequence[str], x_label: str,
    prepare: Callable[[Any, Sequence[Point]], list[Box]],
) -> Any:  # fmt: skip
    """The figure, not yet saved; to be called inside of `style`.

    Args:
        shown: not empty.
        looks: of all methods.
        title: of the figure, with `lines` below it.
        x_label: of the horizontal axes; the vertical ones are mAP.
        prepare: draws what lies under the points, and sets scales; returns what names shall not hide.
    """
    most = max(len(axes.points) for axes in shown)
    rows, columns = arranged(len(shown), _WIDEST if most <= _MANY else 1)
    width = COLUMN if columns == 1 and most <= _FEW else PAGE
    height = _LOW if most <= _FEW else _HIGH
    figure = new_figure(width, 0.35 + 0.15 * len(lines) + rows * (height + 0.6))
    grid = figure.subplots(rows, columns, squeeze=False)
    taken = []
    for axes, what in zip(grid.flat, shown, strict=False):
        axes.set_title(what.title)
        characters = int(_PER_INCH * width / columns)
        axes.set_xlabel("\n".join(textwrap.fill(line, characters) for line in (x_label, what.note) if line))
        taken.append(prepare(axes, what.points))
        _draw(axes, what.points, looks)
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel("mAP")
    heading(figure, title, *lines)
    figure.set_dpi(_DPI)
    figure.draw_without_rendering()  # lays it out
    figure.set_layout_engine("none")
    for axes, what, boxes in zip(grid.flat, shown, taken, strict=False):
        _name(axes, what.points, looks, boxes)
    return figure


def _draw(axes: Any, points: Sequence[Point], looks: dict[str, Look]) -> None:
    for point in points:
        look = looks[point.method]
        axes.errorbar(
            point.x, point.y, xerr=[[bar] for bar in point.x_bars], yerr=[[bar] for bar in point.y_bars],
            color=look.colour, marker=look.marker, markersize=4, elinewidth=0.6, capsize=1.2, capthick=0.6, zorder=3,
        )  # fmt: skip
    axes.margins(0.22, 0.16)
    axes.grid(linewidth=0.3, alpha=0.5)
    axes.set_axisbelow(True)


def _name(axes: Any, points: Sequence[Point], looks: dict[str, Look], boxes: Sequence[Box]) -> None:
    at = np.array([(p.x, p.y) for p in points])
    pixels = axes.transData.transform(at)
    reach = 2.5 * axes.figure.dpi / 72  # pixels of half a marker
    around = axes.transData.inverted().transform(np.concatenate([pixels - reach, pixels + reach]))
    markers = np.concatenate(np.split(around, 2), axis=1)
    lines = [*boxes]
    lines += [(p.x - p.x_bars[0], p.y, p.x + p.x_bars[1], p.y) for p in points]
    lines += [(p.x, p.y - p.y_bars[0], p.x, p.y + p.y_bars[1]) for p in points]
    names, colours = [p.method for p in points], [looks[p.method].colour for p in points]
    name_points(axes, names, colours, at, np.concatenate([markers, np.array(lines)]))

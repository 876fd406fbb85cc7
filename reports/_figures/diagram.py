"""The drawing of a critical-difference diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .figure import GREY, PAGE, new_figure
from .labels import heading, shortened
from .ranks import LEVEL, Ranking

_MARGIN, _ROW, _BAR = 0.1, 0.165, 0.09  # inches: at the border, from name to name, from bar to bar
_NAME = 40  # characters of a method's name
_CHARACTER = 0.062  # inches of one at seven points
_LINE = 0.16  # inches of a line of the title


def diagram(found: Ranking, title: str, lines: Sequence[str]) -> Any:
    """Ranks on an axis, the better half of the methods named at its left, the others at its right; not yet saved.

    To be called inside of `style`.
    """
    names = [shortened(name, _NAME) for name in found.methods]
    left, right = _sides(len(names))
    levels = _levels(found.alike)
    head = 0.25 + _LINE * (len(lines) + 1)
    bars = _BAR * (1 + max(levels, default=0)) + 0.1
    height = head + 0.7 + bars + _ROW * max(len(left), len(right)) + _MARGIN
    figure = new_figure(PAGE, height)
    figure.set_layout_engine("none")
    heading(figure, title, *lines)
    axes = figure.add_axes((0, 0, 1, 1), frameon=False, xlim=(0, PAGE), ylim=(0, height), xticks=[], yticks=[])
    start = _MARGIN + 0.4 + _CHARACTER * max(len(names[i]) for i in left)
    end = PAGE - _MARGIN - 0.4 - _CHARACTER * max(len(names[i]) for i in right)
    step = (end - start) / (len(names) - 1)
    places = [start + (rank - 1) * step for rank in found.ranks]
    top = height - head - 0.6
    _draw_axis(axes, start, step, len(names), top)
    _draw_critical(axes, found, start, step, top + 0.33)
    for (first, last), level in zip(found.alike, levels, strict=True):
        y = top - 0.1 - _BAR * level
        axes.plot([places[first] - 0.03, places[last] + 0.03], [y, y], color="black", linewidth=2.4, zorder=3)
    for side, rows in ((-1, left), (1, right)):
        for row, i in enumerate(rows):
            y = top - bars - 0.1 - _ROW * row
            edge = start - 0.1 if side < 0 else end + 0.1
            axes.plot([places[i], places[i], edge], [top, y, y], color=GREY, linewidth=0.7, zorder=2)
            rank = f"{found.ranks[i]:.1f}"
            words = f"{names[i]}  {rank}" if side < 0 else f"{rank}  {names[i]}"
            axes.text(edge + 0.04 * side, y, words, ha="right" if side < 0 else "left", va="center", fontsize=7)
    return figure


def _sides(number: int) -> tuple[list[int], list[int]]:
    """Places named left, best first, and right, worst first: so no line crosses another."""
    half = (number + 1) // 2
    return list(range(half)), list(range(number - 1, half - 1, -1))


def _levels(runs: Sequence[tuple[int, int]]) -> list[int]:
    """Of each bar, so that none touches another."""
    levels: list[int] = []
    ends: list[int] = []  # last place of the last bar on each level
    for first, last in runs:
        level = next((i for i, end in enumerate(ends) if end < first), len(ends))
        ends[level : level + 1] = [last]
        levels.append(level)
    return levels


def _draw_axis(axes: Any, start: float, step: float, number: int, y: float) -> None:
    axes.plot([start, start + (number - 1) * step], [y, y], color="black", linewidth=0.8)
    every = max(1, round(0.25 / step))
    for rank in range(1, number + 1):
        x = start + (rank - 1) * step
        axes.plot([x, x], [y, y + 0.06], color="black", linewidth=0.8)
        if (rank - 1) % every == 0 or rank == number:
            axes.text(x, y + 0.08, str(rank), ha="center", va="bottom", fontsize=7)


def _draw_critical(axes: Any, found: Ranking, start: float, step: float, y: float) -> None:
    """Its length, over the axis; none where no two methods can be so far apart."""
    end = start + found.critical * step
    if found.critical > len(found.methods) - 1:
        words = f"critical difference {found.critical:.1f}: more than any two ranks can be apart"
        axes.text(start, y, words, va="center", fontsize=7)
        return
    x, heights = [start, start, start, end, end, end], [y - 0.04, y + 0.04, y, y, y + 0.04, y - 0.04]
    axes.plot(x, heights, color=GREY, linewidth=0.8)
    words = f"critical difference {found.critical:.1f} ({100 * LEVEL:.0f} %)"
    axes.text(start, y + 0.06, words, va="bottom", fontsize=7)

"""A page of square matrices in one order: references above with their groups named, methods below in one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .figure import PAGE, arranged, folded, new_figure
from .labels import heading, shortened

Runs = Sequence[tuple[str, int, int]]  # name of a group, first place, place after its last

_COLOURS, _REFERENCE_COLOURS = "RdBu_r", "Greys"
_WIDEST = 6  # matrices beside each other
_LARGEST = 1.6  # inches of a method's matrix
_REFERENCE = 2.1  # inches of a reference's
_SCALE = 0.6  # inches for the colour bar
_MARGIN, _GAP, _LINE = 0.12, 0.14, 0.115  # inches: at the border, between matrices, a line of small text
_NAME, _NAME_LINE, _GROUP = 40, 20, 26  # characters: of a method's name, of a line of it, of a group's name
_SMALL, _GROUP_LINE = 6, 6.6  # points: small text, and what a group's name needs
_MOST_GROUPS = 60  # more borders would hide what they part
_LEAST_PIXELS = 400  # of a stored picture: programs that smooth it then blur no cell


@dataclass(frozen=True)
class Matrix:
    """A matrix with its title and a line below."""

    title: str
    values: NDArray[np.float64]
    below: str


def matrix_figure(
    title: str, lines: Sequence[str], references: Sequence[Matrix], shown: Sequence[Matrix], limit: float, runs: Runs
) -> Any:
    """The figure, not yet saved; to be called inside of `style`.

    Args:
        title: of the figure, with `lines` below it.
        references: at most two, each in greys from its least to its greatest value off the diagonal.
        shown: the methods' matrices, in one scale from -limit to limit.
        runs: the groups of neighbouring classes; may be empty.
    """
    rows, columns = arranged(len(shown), _WIDEST)
    side = min(_LARGEST, (PAGE - 2 * _MARGIN - (columns - 1) * _GAP) / columns)
    names = [folded(shortened(matrix.title, _NAME), _NAME_LINE) for matrix in shown]
    title_height = _LINE * max(name.count("\n") + 1 for name in names)
    row_height = title_height + side + 2 * _LINE
    head = 0.2 + 0.16 * (1 + sum(bool(line) for line in lines))
    top_height = _REFERENCE + 4 * _LINE if references else 0
    figure = new_figure(PAGE, head + top_height + rows * row_height + _SCALE)
    figure.set_layout_engine("none")
    heading(figure, title, *lines)
    top = figure.get_figheight() - head
    _draw_references(figure, references, top - _LINE, runs)
    top -= top_height
    for place, (matrix, name) in enumerate(zip(shown, names, strict=True)):
        row, column = divmod(place, columns)
        left = _left(min(columns, len(shown) - row * columns), side) + column * (side + _GAP)
        axes = _axes(figure, left, top - row * row_height - title_height - side, side)
        picture = _draw(axes, matrix.values, _COLOURS, (-limit, limit), runs)
        axes.set_title(name, fontsize=_SMALL, pad=2, linespacing=0.95)
        axes.set_xlabel(matrix.below, fontsize=_SMALL, labelpad=2)
    _draw_scale(figure, picture)
    return figure


def _left(count: int, side: float) -> float:
    """Inches left of so many matrices in the middle of the page."""
    return (PAGE - count * side - (count - 1) * _GAP) / 2


def _draw_references(figure: Any, references: Sequence[Matrix], top: float, runs: Runs) -> None:
    """In the page's middle, names of groups left of the first."""
    named = [(shortened(name, _GROUP), start, end) for name, start, end in runs]
    names_width = 0.1 + 0.048 * max((len(name) for name, _, _ in named), default=0)
    first = _left(len(references), _REFERENCE) + names_width / 2
    for place, matrix in enumerate(references):
        axes = _axes(figure, first + place * (_REFERENCE + _GAP), top - _REFERENCE, _REFERENCE)
        pairs = matrix.values[np.triu_indices(len(matrix.values), 1)]
        _draw(axes, matrix.values, _REFERENCE_COLOURS, (float(pairs.min()), float(pairs.max())), runs)
        axes.set_title(matrix.title, fontsize=7, pad=2)
        axes.set_xlabel(matrix.below, fontsize=_SMALL, labelpad=2)
        if place == 0:
            _name_groups(axes, named, len(matrix.values))


def _name_groups(axes: Any, named: Runs, classes: int) -> None:
    """Where a group is high enough for a line."""
    for name, start, end in named:
        if (end - start) / classes * _REFERENCE * 72 >= _GROUP_LINE:
            middle = (start + end) / 2 - 0.5
            axes.annotate(
                name, (-0.5, middle), xytext=(-3, 0), textcoords="offset points", ha="right", va="center",
                fontsize=_SMALL, annotation_clip=False,
            )  # fmt: skip


def _draw(axes: Any, values: NDArray[np.float64], colours: str, limits: tuple[float, float], runs: Runs) -> Any:
    times = -(-_LEAST_PIXELS // len(values))
    pixels = values.repeat(times, axis=0).repeat(times, axis=1)
    extent = (-0.5, len(values) - 0.5, len(values) - 0.5, -0.5)
    low, high = limits if limits[0] < limits[1] else (limits[0] - 1, limits[0] + 1)
    picture = axes.imshow(pixels, cmap=colours, vmin=low, vmax=high, interpolation="none", extent=extent)
    if len(runs) <= _MOST_GROUPS:
        edges = [start - 0.5 for _, start, _ in runs[1:]]
        axes.hlines(edges, *extent[:2], color="0.3", linewidth=0.25, alpha=0.5)
        axes.vlines(edges, extent[3], extent[2], color="0.3", linewidth=0.25, alpha=0.5)
    axes.set(xticks=[], yticks=[], xlim=extent[:2], ylim=extent[2:])
    return picture


def _draw_scale(figure: Any, picture: Any) -> None:
    """One colour bar for all methods, below them."""
    width, thick = 2.4, 0.09
    axes = figure.add_axes(_fractions(figure, (PAGE - width) / 2, _SCALE - 0.15 - thick, width, thick))
    bar = figure.colorbar(picture, cax=axes, orientation="horizontal", extend="both")
    bar.ax.tick_params(labelsize=_SMALL, length=2, pad=1)
    bar.outline.set_linewidth(0.4)
    axes.set_xlabel("inner product of two centers / bits", fontsize=7, labelpad=1)


def _axes(figure: Any, left: float, bottom: float, side: float) -> Any:
    axes = figure.add_axes(_fractions(figure, left, bottom, side, side))
    axes.spines[["top", "right"]].set_visible(True)
    return axes


def _fractions(figure: Any, left: float, bottom: float, width: float, height: float) -> tuple[float, ...]:
    """Of the figure's size, from inches."""
    across, up = figure.get_size_inches()
    return left / across, bottom / up, width / across, height / up

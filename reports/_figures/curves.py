"""Stored curves, means over seeds, and a figure of them with small axes for each code length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._model import Entry, Panel
from .figure import COLUMN, GREY, PAGE, Look, arranged, folded, legend_below, legend_height, new_figure, set_title

Curves = dict[str, NDArray[np.float64]]  # name of an array -> its mean over seeds
Draw = Callable[[Any, Curves, Look], None]  # axes, curves of one method, its look

_HEIGHT = 2.0  # inches of one of the small axes
_WIDEST = 3  # small axes beside each other
_FOLD = 24  # characters of a method's name in the legend


def mean_curves(entry: Entry, names: tuple[str, ...]) -> Curves | None:
    """The arrays of these names, each the mean over the seeds that have all of them; None where none has."""
    stored = [arrays for cell in entry.cells if len(arrays := cell.arrays(*names)) == len(names)]
    if not stored:
        return None
    return {name: np.mean([arrays[name] for arrays in stored], axis=0, dtype=np.float64) for name in names}


def curves_by_bits(panel: Panel, names: tuple[str, ...]) -> dict[int, dict[str, Curves]]:
    """Code length -> method -> curves, of what is there."""
    found = {
        bits: {m: c for m, row in panel.entries.items() if (c := mean_curves(row[bits], names)) is not None}
        for bits in panel.bits
    }
    return {bits: methods for bits, methods in found.items() if methods}


def curve_figure(
    curves: dict[int, dict[str, Curves]], looks: dict[str, Look], title: str, labels: tuple[str, str], draw: Draw,
    chance: str,
) -> Any:  # fmt: skip
    """One of the small axes for each code length, lines by `draw`, one legend below all; not yet saved.

    Args:
        curves: see `curves_by_bits`; not empty.
        looks: of all methods drawn.
        labels: of the horizontal and the vertical axes.
        chance: the curve whose last value is the share of relevant items in the database: what a random order has.
    """
    rows, columns = arranged(len(curves), _WIDEST)
    methods = [m for m in looks if any(m in found for found in curves.values())]
    handles = [*(_handle(m, looks[m]) for m in methods), _chance_handle()]
    width = COLUMN if columns == 1 else PAGE
    height = 0.4 + rows * (_HEIGHT + 0.35) + legend_height([h.get_label() for h in handles], width)
    figure = new_figure(width, height)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for place, (axes, (bits, found)) in enumerate(zip(grid.flat, curves.items(), strict=False)):
        axes.set_title(f"{bits} bits")
        if place + columns >= len(curves):  # nothing is below it
            axes.set_xlabel(labels[0])
            axes.tick_params(labelbottom=True)
        axes.axhline(_shared_last(found, chance), color=GREY, linewidth=0.8, linestyle="--", zorder=1)
        for method in methods:
            if method in found:
                draw(axes, found[method], looks[method])
    for axes in grid.flat[len(curves) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel(labels[1])
    set_title(figure, title)
    legend_below(figure, handles, width)
    return figure


def _shared_last(found: dict[str, Curves], name: str) -> float:
    return float(next(iter(found.values()))[name][-1])


def _handle(method: str, look: Look) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=look.colour, marker=look.marker, linestyle=look.line, label=folded(method, _FOLD))


def _chance_handle() -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=GREY, linewidth=0.8, linestyle="--", label="chance")

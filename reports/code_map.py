"""A map of the query codes of each method: which classes share a region of the Hamming space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.codes.packing import unpack
from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results
from bench.storage.store import StoredCell

from ._figures.classes import names_of, paths_of, top_groups, tree_order
from ._figures.embedding import embed
from ._figures.figure import COLOURS, COLUMN, PAGE, arranged, folded, legend_below, legend_height, new_figure, save_each
from ._figures.labels import decimals, heading, shortened
from ._figures.one_run import OneRun, one_of_each_family, one_run
from ._model import Panel

INFO = PluginInfo(
    name="code-map",
    summary="figure of the query codes of each method in the plane, by t-SNE: PNG, PDF, SVG",
    licence="MIT",
)
_ARRAYS = ("query_codes", "query_labels", "centers_final")
_MOST_METHODS = 9
_MOST_CODES = 800  # t-SNE takes three seconds for them
_MOST_GROUPS = 20  # colours that can be told apart; more groups are not named
_WIDEST = 3
_SEVERAL = "0.75"  # colour of items whose classes are of several groups
_NAME, _NAME_LINE, _GROUP = 44, 26, 26  # characters: of a method's name, of a line of it, of a group's name


@dataclass(frozen=True)
class Colouring:
    """Colours of the classes.

    Attributes:
        of_class: (C,) a number for each class; classes of one number have one colour.
        colours: by that number.
        names: by that number; empty where there are too many to be named.
    """

    of_class: NDArray[np.int64]
    colours: list[Any]
    names: list[str]


class CodeMap(Report):
    """One seed at one code length; of many methods one of each family."""

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/code_map.pdf, .svg and .png, for each protocol."""
        return save_each(results, out, "code_map", map_figure)


def map_figure(panel: Panel) -> Any | None:
    """The figure of one protocol, None where no cell has its codes; to be called inside of `style`."""
    run = one_run(panel, *_ARRAYS)
    if run is None:
        return None
    cells = main_methods(run.cells)
    any_cell = next(iter(cells.values()))
    colouring = class_colours(any_cell)
    handles = _handles(colouring, panel.cell.multi_label)
    rows, columns = arranged(len(cells), _WIDEST)
    width = COLUMN if columns == 1 else PAGE
    legend = legend_height([h.get_label() for h in handles], width)
    figure = new_figure(width, 0.8 + rows * (width / columns + 0.25) + legend)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, (method, cell) in zip(grid.flat, cells.items(), strict=False):
        _draw(axes, cell, colouring)
        name = folded(shortened(method, _NAME), _NAME_LINE)
        axes.set_title(f"{name}\nmAP {decimals(cell.result['metrics'].get('map'))}", fontsize=7)
    for axes in grid.flat[len(cells) :]:
        axes.set_axis_off()
    heading(figure, panel.title, *_lines(panel, run, cells, colouring))
    legend_below(figure, handles, width)
    return figure


def main_methods(cells: Mapping[str, StoredCell]) -> dict[str, StoredCell]:
    """All of them where they are few; else one of each family, the one that bears its name or the first; at most nine.

    Args:
        cells: by method.
    """
    if len(cells) <= _MOST_METHODS:
        return dict(cells)
    return {method: cells[method] for method in one_of_each_family(cells)[:_MOST_METHODS]}


def class_colours(cell: StoredCell) -> Colouring:
    """By the tree's top groups, or a colour wheel over all classes in their order."""
    from matplotlib import colormaps

    paths = paths_of(cell)
    groups = top_groups(paths) if paths else None
    if groups is not None and len(groups.names) <= len(COLOURS):
        return Colouring(groups.of_class, list(COLOURS), groups.names)
    if groups is not None and len(groups.names) <= _MOST_GROUPS:
        return Colouring(groups.of_class, [colormaps["tab20"](i) for i in range(_MOST_GROUPS)], groups.names)
    order = tree_order(paths) if paths else np.arange(cell.cell.num_classes)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    wheel = [colormaps["hsv"](0.85 * i / max(len(order) - 1, 1)) for i in range(len(order))]
    names = names_of(cell)
    return Colouring(place, wheel, [names[c] for c in order] if len(order) <= _MOST_GROUPS else [])


def group_of_items(labels: NDArray[np.uint8], of_class: NDArray[np.int64], multi_label: bool) -> NDArray[np.int64]:
    """(N,) the number of each item's classes; -1 where they have several numbers, or it has no class.

    Args:
        labels: as stored: (N,) class indices, or (N, ceil(C / 8)) with a bit for each class.
    """
    if not multi_label:
        return of_class[labels]
    present = np.unpackbits(labels, axis=1, count=len(of_class)).astype(bool)
    low = np.where(present, of_class, len(of_class)).min(axis=1)
    high = np.where(present, of_class, -1).max(axis=1)
    return np.where(low == high, low, -1)


def _draw(axes: Any, cell: StoredCell, colouring: Colouring) -> None:
    """Dots of items, stars of centers, placed together."""
    arrays = cell.arrays(*_ARRAYS)
    rows = sampled(len(arrays["query_codes"]))
    codes = unpack(arrays["query_codes"][rows], cell.cell.bits)
    centers = arrays["centers_final"]
    groups = group_of_items(arrays["query_labels"][rows], colouring.of_class, cell.cell.multi_label)
    places = embed(np.concatenate([codes, centers]))
    colours = [_SEVERAL if group < 0 else colouring.colours[group] for group in groups]
    axes.scatter(*places[: len(codes)].T, c=colours, s=3.5, linewidths=0)
    axes.scatter(
        *places[len(codes) :].T, c=[colouring.colours[g] for g in colouring.of_class], marker="*",
        s=max(10.0, 32.0 - 0.12 * len(centers)), edgecolors="black", linewidths=0.35,
    )  # fmt: skip
    axes.set(xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    axes.spines[["top", "right"]].set_visible(True)


def sampled(number: int) -> NDArray[np.int64]:
    """Evenly spaced places, so that of items in the order of their classes each class keeps its share."""
    if number <= _MOST_CODES:
        return np.arange(number)
    return np.arange(_MOST_CODES) * number // _MOST_CODES


def _handles(colouring: Colouring, multi_label: bool) -> list[Any]:
    from matplotlib.lines import Line2D

    def dot(colour: Any, label: str) -> Any:
        return Line2D([], [], color=colour, marker="o", linestyle="", label=label)

    named = [dot(c, shortened(n, _GROUP)) for c, n in zip(colouring.colours, colouring.names, strict=False)]
    several = [dot(_SEVERAL, "of several colours")] if multi_label else []
    star = Line2D(
        [], [], color="white", marker="*", linestyle="", markeredgecolor="black", markeredgewidth=0.5, markersize=7,
        label="center",
    )  # fmt: skip
    return [*named, *several, star]


def _lines(panel: Panel, run: OneRun, cells: Mapping[str, StoredCell], colouring: Colouring) -> list[str]:
    number = panel.cell.counts["query"]
    some = f"{_MOST_CODES} of {number:,}" if number > _MOST_CODES else f"{number:,}"
    left = len(panel.entries) - len(cells)
    words = "one method of each family, " if len(cells) < len(run.cells) else ""
    words += f"{left} method{'s' if left > 1 else ''} not shown"
    return [
        f"t-SNE of {some} query codes and the centers at {run.bits} bits, seed {run.seed}"
        + (f"; {words}" if left else "")
        + ("" if colouring.names else "; a hue for each class, like ones for neighbours in the order of classes"),
        "near codes stay near; distances between clusters and their sizes mean little",
    ]

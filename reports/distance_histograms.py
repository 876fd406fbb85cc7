"""Histograms of Hamming distances: of codes to centers, and of queries to what they should and should not find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._figures.figure import (
    COLUMN,
    GREY,
    PAGE,
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
    name="distance-histograms",
    summary="figures of distances of codes to centers and of queries to items: PNG, PDF, SVG",
    licence="MIT",
)
Shares = NDArray[np.float64]  # (K + 1,) share of all at each distance; sums to 1
Pair = tuple[Shares | None, Shares | None]  # what should be near, what should be far

_NEAR, _FAR = "#0072B2", "#D55E00"
_ROW, _LOWEST, _TALLEST = 0.62, 0.3, 8.0  # inches of height: of a method, its least, and of all of them: a page
_HIGH = 0.85  # of a row: the highest share of a pair
_VISIBLE = 0.005  # of a histogram's height
_FOLD = 20  # characters of a method's name beside its axes


class DistanceHistograms(Report):
    """Each histogram is the share of items at each distance, mean over seeds; each pair has a height of its own."""

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/distance_histograms_centers and distance_histograms_items, for each protocol."""
        files = save_each(results, out, "distance_histograms_centers", centers_figure)
        return [*files, *save_each(results, out, "distance_histograms_items", items_figure)]


def centers_figure(panel: Panel) -> Any | None:
    """Of a protocol's codes and centers, None where no cell has the counts; to be called inside of `style`."""
    return _figure(panel, center_distances, "own center", "nearest other center", "of database codes to centers")


def items_figure(panel: Panel) -> Any | None:
    """Of a protocol's queries and database items, None where no cell has the counts; to be called inside of `style`."""
    return _figure(panel, item_distances, "relevant items", "other items", "of queries to database items")


def center_distances(entry: Entry) -> Pair:
    """Of database codes to their own center and to the nearest other one."""
    codes = [cell.result.get("audit", {}).get("codes", {}) for cell in entry.cells]
    own, other = ([c.get(f"{which}_center_distances") for c in codes] for which in ("own", "other"))
    return _shares(own), _shares(other)


def item_distances(entry: Entry) -> Pair:
    """Of queries to the database's relevant items and to the others."""
    names = "relevant_distances", "other_distances"
    stored = [cell.arrays(*names) for cell in entry.cells]
    relevant, other = ([arrays.get(name) for arrays in stored] for name in names)
    return _shares(relevant), _shares(other)


def _figure(panel: Panel, of: Callable[[Entry], Pair], near: str, far: str, what: str) -> Any | None:
    """Rows of methods, one axes for each code length: an axes for each pair would take seconds to arrange."""
    pairs = {m: {k: of(entry) for k, entry in row.items()} for m, row in panel.entries.items()}
    methods = [m for m, row in pairs.items() if any(_has(pair) for pair in row.values())]
    if not methods:
        return None
    columns = [bits for bits in panel.bits if any(_has(pairs[m][bits]) for m in methods)]
    width = COLUMN if len(columns) == 1 else PAGE
    height = 0.85 + len(methods) * min(_ROW, max(_LOWEST, _TALLEST / len(methods))) + legend_height([near, far], width)
    figure = new_figure(width, height)
    grid = figure.subplots(1, len(columns), squeeze=False, sharey=True)
    for axes, bits in zip(grid.flat, columns, strict=True):
        for place, method in enumerate(methods):
            _draw(axes, pairs[method][bits], base=len(methods) - 1 - place)
        axes.set_title(f"{bits} bits")
        axes.set_xlabel("Hamming distance (bits)")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlim(-1, _farthest([pairs[m][bits] for m in methods]) + 1)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", linewidth=0.4, alpha=0.5)
        axes.spines["left"].set_visible(False)
    grid[0, 0].set_yticks([base + _HIGH / 2 for base in range(len(methods))], [folded(m, _FOLD) for m in methods[::-1]])
    grid[0, 0].set_ylim(0, len(methods))
    set_title(figure, f"{panel.title}\nDistances {what}; {seeds_note(panel)}, each pair to its own height")
    legend_below(figure, _handles(near, far), width)
    return figure


def _has(pair: Pair) -> bool:
    return any(shares is not None for shares in pair)


def _shares(stored: list[Any]) -> Shares | None:
    """Mean of the normalised histograms that are there and count anything."""
    counted = [np.asarray(counts, dtype=np.float64) for counts in stored if counts is not None and np.sum(counts) > 0]
    return np.mean([counts / counts.sum() for counts in counted], axis=0) if counted else None


def _draw(axes: Any, pair: Pair, base: int) -> None:
    """Both histograms on the line at `base`, the higher one of them `_HIGH` high."""
    axes.axhline(base, color=GREY, linewidth=0.5, zorder=1)
    drawn = [shares for shares in pair if shares is not None]
    if not drawn:
        axes.text(
            0.5, base + _HIGH / 2, "no result", transform=axes.get_yaxis_transform(), ha="center", va="center",
            fontsize=6, color=GREY,
        )  # fmt: skip
        return
    scale = _HIGH / max(shares.max() for shares in drawn)
    for shares, colour, hatch in zip(pair, (_NEAR, _FAR), (None, "/////"), strict=True):
        if shares is not None:
            heights, edges = base + scale * shares, np.arange(len(shares) + 1) - 0.5
            axes.stairs(
                heights, edges, baseline=base, fill=True, facecolor=colour, alpha=0.3, hatch=hatch, edgecolor=colour,
                linewidth=0,
            )  # fmt: skip
            axes.stairs(heights, edges, baseline=base, color=colour, linewidth=0.8)


def _farthest(pairs: list[Pair]) -> int:
    """The farthest distance at which anything can be seen."""
    drawn = [shares for pair in pairs for shares in pair if shares is not None]
    return max(int(np.flatnonzero(shares > _VISIBLE * shares.max())[-1]) for shares in drawn)


def _handles(near: str, far: str) -> list[Any]:
    from matplotlib.patches import Patch

    return [
        Patch(facecolor=_NEAR, alpha=0.5, edgecolor=_NEAR, label=near),
        Patch(facecolor=_FAR, alpha=0.5, edgecolor=_FAR, hatch="/////", label=far),
    ]

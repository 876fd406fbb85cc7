"""Words in figures: names cut to what fits, lines broken, points named beside them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .figure import folded
from .placement import LEADER, leader_end, place

_NAME, _NAME_LINE = 44, 22  # characters of a name beside its point, and of a line of it
_TITLE = 90  # characters of a protocol's title
_SMALL = 6  # points: size of names
_PER_INCH = 15  # characters of a title's line
_WIDENED = np.array([1.06, 1.0])  # a viewer of SVG may have another font
_DARKER = 0.7  # of a colour, for words
_LINE = 0.5  # points: half the width that an error bar is given


def shortened(text: str, most: int) -> str:
    """At most so many characters, the middle left out; one line, without what cannot be printed."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(clean) <= most:
        return clean
    return f"{clean[: most // 2]}…{clean[len(clean) - (most - most // 2 - 1) :]}"


def decimals(value: float | None) -> str:
    """Two places, a true minus sign, and no minus at zero; – for what is undefined."""
    if value is None:
        return "–"
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def heading(figure: Any, title: str, *lines: str) -> None:
    """The figure's title, and lines below it; each broken where it is wider than the figure."""
    width = int(_PER_INCH * figure.get_figwidth())
    wrapped = [textwrap.fill(line, width) for line in (shortened(title, _TITLE), *lines) if line]
    figure.suptitle("\n".join(wrapped), fontsize=8)


def name_points(
    axes: Any, names: Sequence[str], colours: Sequence[Any], points: NDArray[np.float64], taken: Any
) -> None:
    """Write each name near its point, none on another; where it is not beside it, a line leads to it.

    To be called when everything else of the figure is drawn and laid out: nothing may move any more.

    Args:
        points: (N, 2) in data coordinates.
        taken: (T, 4) left, bottom, right and top, in data coordinates, of what names shall not hide.
    """
    labels = [folded(shortened(name, _NAME), _NAME_LINE) for name in names]
    scale = 72 / axes.figure.dpi
    sizes = np.array([_size(axes, label) for label in labels]) * scale * _WIDENED
    at = axes.transData.transform(points) * scale
    corners = axes.transData.transform(np.asarray(taken, dtype=np.float64).reshape(-1, 2)).reshape(-1, 4) * scale
    corners += np.array([-_LINE, -_LINE, _LINE, _LINE])
    box = axes.bbox.extents * scale
    centers = place(at, sizes, (box[0], box[1], box[2], box[3]), corners)
    for label, colour, point, position, center, size in zip(labels, colours, points, at, centers, sizes, strict=True):
        end = leader_end(position, center, size)
        far = bool(np.hypot(*(end - position)) > LEADER)
        axes.annotate(
            label, point, xytext=tuple(center - position), textcoords="offset points", ha="center", va="center",
            fontsize=_SMALL, color=_darker(colour), linespacing=0.95, annotation_clip=False, in_layout=False, zorder=5,
        )  # fmt: skip
        if far:
            axes.annotate(
                "", point, xytext=tuple(end - position), textcoords="offset points", in_layout=False, zorder=4,
                arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2},
            )  # fmt: skip


def _darker(colour: Any) -> Any:
    from matplotlib.colors import to_rgb

    return tuple(_DARKER * part for part in to_rgb(colour))


def _size(axes: Any, label: str) -> tuple[float, float]:
    """Width and height in pixels."""
    text = axes.text(0, 0, label, fontsize=_SMALL, linespacing=0.95)
    extent = text.get_window_extent()
    text.remove()
    return extent.width, extent.height

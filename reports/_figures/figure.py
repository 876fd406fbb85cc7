"""What all figures have in common: size, colours, legends, and files that are the same bytes for the same results."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.storage.results import Results

from .._model import Panel, panels

COLUMN, PAGE = 3.5, 7.2  # inches: width of a column and of a page of a two-column paper
MARKERS = "osD^vPX*<>p"  # eleven: with the eight colours no pair comes back before the 89th method
# Okabe and Ito's eight, with wine for their yellow, which is too light for a line.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#882255")
LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))
GREY = "0.45"  # of what is no method's: chance, notes

_FOLDER = "figures"
_PLACES = 6  # decimals of a figure's width and height
_FORMATS: dict[str, dict[str, Any]] = {  # no dates: the same results give the same bytes
    "pdf": {"metadata": {"CreationDate": None, "Producer": None, "Creator": None}},
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "png": {"dpi": 200, "metadata": {"Software": None}},
}
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "bench", "svg.fonttype": "none", "pdf.fonttype": 42, "font.size": 8, "axes.titlesize": 8,
    "axes.labelsize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7, "legend.fontsize": 7, "legend.frameon": False,
    "axes.linewidth": 0.6, "lines.linewidth": 1.2, "lines.markersize": 4, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": False, "text.parse_math": False,
}  # fmt: skip


@contextmanager
def style() -> Iterator[None]:
    """Inside, figures are made in the house's style; names with a dollar sign are no formulas."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        yield


def new_figure(width: float, height: float) -> Any:
    """A figure of so many inches that arranges its axes itself; to be called inside of `style`."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


@dataclass(frozen=True)
class Look:
    """How a method is drawn: in the same way in every figure of the same results."""

    colour: str
    marker: str
    line: Any


def looks(methods: Sequence[str]) -> dict[str, Look]:
    """By the methods' places. Eight colours that the colour-blind can tell apart; then the lines change, and two
    methods of one colour always differ in marker.
    """
    return {
        method: Look(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], LINES[i // len(COLOURS) % len(LINES)])
        for i, method in enumerate(methods)
    }


def bits_colours(bits: Sequence[int]) -> dict[int, Any]:
    """A colour for each code length, from dark to light."""
    from matplotlib import colormaps

    steps = max(len(bits) - 1, 1)
    return {k: colormaps["viridis"](0.85 * i / steps) for i, k in enumerate(bits)}


def finished_panels(results: Results) -> list[Panel]:
    """The protocols that have a finished cell."""
    return [p for p in panels(results) if any(e.cells for row in p.entries.values() for e in row.values())]


def looks_of(results: Results) -> dict[str, Look]:
    """Of the methods of all protocols, so that each has one look everywhere."""
    return looks(list(dict.fromkeys(method for panel in finished_panels(results) for method in panel.entries)))


def file_name(name: str, panel: Panel, found: Sequence[Panel]) -> str:
    """`name`, with the protocol where there are several."""
    return name if len(found) == 1 else f"{name}-{panel.slug}"


def arranged(count: int, widest: int) -> tuple[int, int]:
    """Rows and columns for so many small axes: no more rows than needed, and these as even as can be."""
    rows = -(-count // widest)
    return rows, -(-count // rows)


def folded(label: str, width: int) -> str:
    """A long name on several lines of about `width` characters, broken after [ , + - or a space."""
    lines, line = [], ""
    for part in re.findall(r"[^\[,+\- ]+[\[,+\- ]?|[\[,+\- ]", label):
        if line and len(line) + len(part) > width:
            lines.append(line.rstrip())
            line = ""
        line += part
    return "\n".join([*lines, line])


def wrapped(text: str, width: float, size: float) -> str:
    """Each line of a text broken between words so that it is about `width` inches wide in so many points."""
    characters = max(1, int(width / (size * 0.0079)))
    return "\n".join(textwrap.fill(line, characters) for line in text.split("\n"))


def set_title(figure: Any, text: str) -> None:
    """Centered over all axes, broken to the figure's width."""
    figure.suptitle(wrapped(text, figure.get_figwidth(), 8), fontsize=8)


def seeds_note(panel: Panel, of: str = "mean over") -> str:
    """`mean over 3 seeds`, or which seed it is."""
    if len(panel.seeds) == 1:
        return f"seed {panel.seeds[0]}"
    counts = {len(entry.cells) for row in panel.entries.values() for entry in row.values() if entry.cells}
    fewest, most = min(counts), max(counts)
    return f"{of} {most} seeds" if fewest == most > 1 else f"{of} {fewest} to {most} seeds" if most > 1 else "one seed"


def legend_height(labels: Sequence[str], width: float) -> float:
    """Inches that `legend_below` will take of a figure of this width."""
    columns = _legend_columns(labels, width)
    return 0.15 * -(-len(labels) // columns) * max(label.count("\n") + 1 for label in labels) + 0.1


def legend_below(figure: Any, handles: Sequence[Any], width: float) -> None:
    """One legend for all axes, in as many columns as fit."""
    labels = [str(handle.get_label()) for handle in handles]
    figure.legend(
        handles=list(handles), loc="outside lower center", ncols=_legend_columns(labels, width),
        columnspacing=1.2, handlelength=2.4, labelspacing=0.35,
    )  # fmt: skip


def _legend_columns(labels: Sequence[str], width: float) -> int:
    longest = max(len(line) for label in labels for line in label.splitlines() or [""])
    return max(1, min(len(labels), int(width / (0.55 + 0.055 * longest))))


def save(figure: Any, out: Path, name: str) -> list[Path]:
    """Write figures/NAME.pdf, .svg and .png below `out`."""
    folder = out / _FOLDER
    folder.mkdir(exist_ok=True)
    files = [folder / f"{name}.{ending}" for ending in _FORMATS]
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # arranged once for all forms: the slowest part of many small axes
    for axes in figure.axes:  # last digits of the arrangement differ from process to process
        axes.set_position([round(value, _PLACES) for value in axes.get_position(original=True).bounds])
    for file, options in zip(files, _FORMATS.values(), strict=True):
        figure.savefig(file, **options)
    return files


def save_each(results: Results, out: Path, name: str, figure_of: Callable[[Panel], Any | None]) -> list[Path]:
    """A figure for each protocol, named `name` and, where there are several protocols, which.

    Args:
        figure_of: a protocol's figure, or None where there is nothing to draw; called inside of `style`.
    """
    found = finished_panels(results)
    files: list[Path] = []
    with style():
        for panel in found:
            figure = figure_of(panel)
            if figure is not None:
                files += save(figure, out, file_name(name, panel, found))
    return files

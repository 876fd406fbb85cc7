"""What all figures have in common: size, colours, and files that are the same bytes for the same results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COLUMN, PAGE = 3.5, 7.2  # inches: width of a column and of a page of a two-column paper
MARKERS = "osD^vPX*<>hp"

_FOLDER = "figures"
_FORMATS: dict[str, dict[str, Any]] = {  # no dates: the same results give the same bytes
    "pdf": {"metadata": {"CreationDate": None, "Producer": None, "Creator": None}},
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "png": {"dpi": 200, "metadata": {"Software": None}},
}
_STYLE: dict[str, Any] = {
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


def method_colours(methods: Sequence[str]) -> dict[str, Any]:
    """A colour for each method, by its place: safe for the colour-blind up to ten; more differ in marker too."""
    import seaborn

    palette = seaborn.color_palette("colorblind", 10)
    return {method: palette[i % len(palette)] for i, method in enumerate(methods)}


def method_markers(methods: Sequence[str]) -> dict[str, str]:
    """A marker for each method, by its place."""
    return {method: MARKERS[i % len(MARKERS)] for i, method in enumerate(methods)}


def save(figure: Any, out: Path, name: str) -> list[Path]:
    """Write figures/NAME.pdf, .svg and .png below `out`."""
    folder = out / _FOLDER
    folder.mkdir(exist_ok=True)
    files = [folder / f"{name}.{ending}" for ending in _FORMATS]
    for file, options in zip(files, _FORMATS.values(), strict=True):
        figure.savefig(file, **options)
    return files

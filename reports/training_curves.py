"""Loss and alignment by epoch: a pair of small axes for each method, a line for each code length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._figures.epochs import Epochs, by_epoch, centers_moved, lengthened, with_start
from ._figures.figure import (
    COLUMN,
    GREY,
    PAGE,
    arranged,
    bits_colours,
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
    name="training-curves",
    summary="figure of loss, moved centers and PCC by epoch, for each method: PNG, PDF, SVG",
    licence="MIT",
)
_REFERENCES: tuple[tuple[str, Any, str], ...] = (
    ("pcc", "-", "PCC with the class tree"),
    ("pcc_backbone", ":", "PCC with class means of features"),
)

_WIDEST, _MANY, _WIDEST_OF_MANY = 4, 12, 5  # methods beside each other, and of more than so many
_LOSS, _PCC, _HEAD = 0.9, 0.7, 0.35  # inches of height: of the axes, and of a method's name and the space around
_LOWEST, _TALLEST = 1.35, 8.3  # inches of height: a method's least, and what all should stay within: a page
_FOLD = 24  # characters of a method's name over its axes
_RUG = 4.5  # how many times the axes are higher than the mark of an epoch that moved every center


class TrainingCurves(Report):
    """Each method's loss has a scale of its own, PCC has one for all; means over seeds with their deviation."""

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write figures/training_curves.pdf, .svg and .png, for each protocol."""
        return save_each(results, out, "training_curves", training_figure)


def training_figure(panel: Panel) -> Any | None:
    """The figure of one protocol, None where no cell has a history; to be called inside of `style`."""
    methods = [m for m, row in panel.entries.items() if any(by_epoch(e, "loss") is not None for e in row.values())]
    if not methods:
        return None
    drawn = [(key, line, name) for key, line, name in _REFERENCES if _has(panel, key)]
    rows, columns = arranged(len(methods), _WIDEST if len(methods) <= _MANY else _WIDEST_OF_MANY)
    width = COLUMN if columns == 1 else PAGE
    handles = _handles(panel, drawn)
    wanted = _LOSS + bool(drawn) * _PCC + _HEAD + 0.12 * max(folded(m, _FOLD).count("\n") for m in methods)
    height = 0.5 + rows * min(wanted, max(_LOWEST, _TALLEST / rows))
    figure = new_figure(width, height + legend_height([h.get_label() for h in handles], width))
    figure.get_layout_engine().set(h_pad=0.03, hspace=0)
    grid = figure.add_gridspec(rows, columns)
    shared = None
    for place, method in enumerate(methods):
        ratios = [_LOSS, _PCC] if drawn else [_LOSS]
        cell = grid[divmod(place, columns)].subgridspec(len(ratios), 1, height_ratios=ratios, hspace=0)
        loss = figure.add_subplot(cell[0], label="loss")
        _draw_loss(loss, panel.entries[method])
        loss.set_title(folded(method, _FOLD))
        lowest = loss
        if drawn:
            lowest = shared = figure.add_subplot(cell[1], sharex=loss, sharey=shared, label="pcc")
            _draw_pcc(lowest, panel.entries[method], drawn)
            loss.tick_params(labelbottom=False)
        if place % columns == 0:
            loss.set_ylabel("loss")
            lowest.set_ylabel("PCC" if drawn else "loss")
        if place // columns == rows - 1:
            lowest.set_xlabel("epoch")
    set_title(figure, f"{panel.title}\n{seeds_note(panel)}")
    legend_below(figure, handles, width)
    return figure


def _has(panel: Panel, key: str) -> bool:
    return any(by_epoch(entry, key) is not None for row in panel.entries.values() for entry in row.values())


def _draw_loss(axes: Any, row: dict[int, Entry]) -> None:
    """Loss of each epoch, above the marks of the epochs that moved centers."""
    for bits, colour in bits_colours(list(row)).items():
        loss = by_epoch(row[bits], "loss")
        if loss is not None:
            axes.plot(loss.epochs, loss.mean, color=colour, linewidth=1)
            _band(axes, loss, colour, step=None)
    axes.margins(x=0.03)
    axes.locator_params(axis="y", nbins=4)
    axes.xaxis.get_major_locator().set_params(integer=True)
    moved = centers_moved(list(row.values()))
    if moved is not None and moved.mean.max() > 0:
        low, high = axes.get_ylim()
        axes.set_ylim(low - (high - low) / (_RUG - 1), high)
        _draw_moved(axes, moved)


def _draw_moved(axes: Any, moved: Epochs) -> None:
    """Vertical marks below the loss; the share of centers that were moved, its scale on the right."""
    rug = axes.twinx()
    rug.set_label("moved")
    epochs = moved.mean > 0
    rug.vlines(moved.epochs[epochs], 0, moved.mean[epochs], color=GREY, linewidth=1.2)
    rug.set_ylim(0, _RUG)
    rug.set_yticks([0, 1], ["0", "all"], fontsize=6, color=GREY)
    rug.tick_params(length=2, color=GREY, pad=1)


def _draw_pcc(axes: Any, row: dict[int, Entry], drawn: Sequence[tuple[str, Any, str]]) -> None:
    """PCC as it was before the first epoch and after each; the last lasts half an epoch, to be seen."""
    axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    for bits, colour in bits_colours(list(row)).items():
        for key, line, _ in drawn:
            pcc = with_start(row[bits], key)
            if pcc is not None:
                pcc = lengthened(pcc, 0.5)
                axes.step(pcc.epochs, pcc.mean, where="post", color=colour, linewidth=1, linestyle=line)
                _band(axes, pcc, colour, step="post")
    axes.locator_params(axis="y", nbins=4)


def _band(axes: Any, found: Epochs, colour: Any, step: str | None) -> None:
    if found.deviation is not None:
        ends = found.mean - found.deviation, found.mean + found.deviation
        axes.fill_between(found.epochs, *ends, color=colour, alpha=0.18, linewidth=0, step=step)


def _handles(panel: Panel, drawn: Sequence[tuple[str, Any, str]]) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Line2D([], [], color=colour, label=f"{bits} bits") for bits, colour in bits_colours(panel.bits).items()
    ]
    handles += [Line2D([], [], color=GREY, linestyle=line, label=name) for _, line, name in drawn]
    if len(panel.seeds) > 1:
        handles.append(Patch(color=GREY, alpha=0.3, linewidth=0, label="± standard deviation over seeds"))
    moved = [centers_moved(list(row.values())) for row in panel.entries.values()]
    if any(found is not None and found.mean.max() > 0 for found in moved):
        handles.append(
            Line2D([], [], color=GREY, marker="|", linestyle="", markersize=6, label="share of centers moved")
        )
    return handles

import re
from pathlib import Path

import numpy as np
import pytest

from bench.reports._figures.figure import style
from bench.reports._model import panels
from bench.reports.tie_band import TieBand, tie_figure
from bench.storage.results import Results


def drawn(*found):
    (panel,) = panels(Results(list(found)))
    with style():
        return tie_figure(panel)


def dumbbells(axes) -> dict[str, tuple[float, float, float]]:
    """Worst, expected and best as drawn, by the method named beside it."""
    names = [label.get_text() for label in axes.figure.axes[0].get_yticklabels()]  # all share them
    worst, best, expected = [line for line in axes.get_lines() if line.get_linestyle() == "None"]
    bars = {int(s[0][1]): s[:, 0] for s in np.array(axes.collections[0].get_segments())}
    found = {}
    for i, place in enumerate(expected.get_ydata()):
        ends = worst.get_xdata()[i], best.get_xdata()[i]
        assert tuple(bars[place]) == ends
        found[names[place]] = (ends[0], expected.get_xdata()[i], ends[1])
    return found


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in TieBand().render(results, out)}


def test_the_dumbbells_are_the_means_of_what_is_stored(made) -> None:
    figure = drawn(
        made("crh", 16, 0.5, map_worst=0.4, map_best=0.9), made("crh", 16, 0.7, map_worst=0.6, map_best=0.7, seed=1),
        made("csq", 16, 0.3, map_worst=0.25, map_best=0.35), made("csq", 32, 0.2, map_worst=0.2, map_best=0.2),
    )  # fmt: skip
    short, long = figure.axes
    assert (short.get_title(), long.get_title()) == ("16 bits", "32 bits")
    assert dumbbells(short) == {
        "crh": pytest.approx((0.5, 0.6, 0.8)), "csq": pytest.approx((0.25, 0.3, 0.35)),
    }  # fmt: skip
    assert dumbbells(long) == {"csq": pytest.approx((0.2, 0.2, 0.2))}
    assert short.get_xlim() == pytest.approx((0, 1.05 * 0.8))
    assert short.get_ylim()[0] > short.get_ylim()[1]  # the first method is above


def test_chance_is_drawn_where_all_share_it(made) -> None:
    def dashed(axes):
        return [line.get_xdata()[0] for line in axes.get_lines() if line.get_linestyle() == "--"]

    assert dashed(drawn(made("crh", 16, 0.5), made("csq", 16, 0.4)).axes[0]) == [0.0833]
    assert dashed(drawn(made("crh", 16, 0.5), made("csq", 16, 0.4, map_chance=0.2)).axes[0]) == []


def test_a_missing_bound_leaves_the_entry_out(made, tmp_path: Path) -> None:
    figure = drawn(made("crh", 16, 0.5, map_best=None), made("csq", 16, 0.4), made("shc", 16, None))
    assert list(dumbbells(figure.axes[0])) == ["csq"]
    assert rendered(Results([made("crh", 16, 0.5, map_best=None)]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, None)]), tmp_path) == {}
    assert rendered(Results([]), tmp_path) == {}


@pytest.mark.parametrize(
    ("ties", "text"),
    [
        ("expected", "expected over all orders of items at equal distance"),
        ("stable", "items at equal distance in the order of the database"),
    ],
)
def test_the_figure_says_what_it_shows(made, tmp_path: Path, ties: str, text: str) -> None:
    cells = [made("crh[a=1,b=2,c=3,d=4,e=5,f=6]", 16, 0.5, ties=ties)]
    svg = rendered(Results(cells), tmp_path)["tie_band.svg"].decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for expected in (
        text, "pets@folders, quick, matched settings", "seed 0", "16 bits", "mAP", "worst to best order of ties",
        "chance", "crh[a=1,b=2,c=3,d=4,e=5,", "f=6]",
    ):  # fmt: skip
        assert expected in texts


def test_the_same_results_give_the_same_bytes_for_each_protocol(made, tmp_path: Path) -> None:
    results = Results([made("crh", 16, 0.5), made("crh", 16, 0.5, regime="frozen", multi_label=True)])
    files = rendered(results, tmp_path / "a")
    assert files == rendered(results, tmp_path / "b")
    assert len(files) == 6

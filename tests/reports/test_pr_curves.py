import re
from pathlib import Path

import numpy as np
import pytest

from bench.reports._figures.figure import looks, style
from bench.reports._model import panels
from bench.reports.pr_curves import PRCurves, pr_figure
from bench.storage.results import Results


@pytest.fixture
def cells(made, kept):
    def cell(method: str, bits: int, seed: int, first: float, **changes):
        falling = np.linspace(first, 0.1, bits + 1)
        arrays = {"radius_precision": falling, "radius_recall": np.linspace(0, 1, bits + 1) ** (seed + 1)}
        return kept(made(method, bits, 0.5, seed=seed, **changes), arrays)

    return cell


def drawn(results: Results):
    (panel,) = panels(results)
    with style():
        return pr_figure(panel, looks(list(panel.entries)))


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in PRCurves().render(results, out)}


def test_the_points_are_the_means_of_what_is_stored(cells) -> None:
    found = [cells("crh", 8, 0, 1.0), cells("crh", 8, 1, 0.5), cells("csq", 8, 0, 0.8), cells("csq", 16, 0, 0.7)]
    figure = drawn(Results(found))
    short, long = figure.axes
    assert (short.get_title(), long.get_title()) == ("8 bits", "16 bits")
    chance, crh, csq = short.get_lines()
    np.testing.assert_allclose(crh.get_ydata(), (np.linspace(1, 0.1, 9) + np.linspace(0.5, 0.1, 9)) / 2)
    np.testing.assert_allclose(crh.get_xdata(), (np.linspace(0, 1, 9) + np.linspace(0, 1, 9) ** 2) / 2)
    np.testing.assert_allclose(csq.get_ydata(), np.linspace(0.8, 0.1, 9))
    np.testing.assert_allclose(chance.get_ydata(), 0.1)  # the share of relevant items: precision within radius K
    np.testing.assert_allclose(long.get_lines()[1].get_ydata(), np.linspace(0.7, 0.1, 17))
    assert crh.get_marker() == "o"
    assert long.get_lines()[1].get_color() == csq.get_color() != crh.get_color()


def test_the_axes_hold_every_point(cells) -> None:
    axes = drawn(Results([cells("crh", 8, 0, 1.0)])).axes[0]
    assert axes.get_xlim()[0] < 0 and axes.get_xlim()[1] > 1
    assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > 1


def test_the_figure_says_what_it_shows(cells, tmp_path: Path) -> None:
    svg = rendered(Results([cells("crh", 8, s, 0.9) for s in (0, 1)]), tmp_path)["pr_curves.svg"].decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for text in (
        "pets@folders, quick, matched settings", "mean over 2 seeds; a point for each Hamming radius", "8 bits", "crh",
        "recall within the radius", "precision within the radius", "chance",
    ):  # fmt: skip
        assert text in texts


def test_the_same_results_give_the_same_bytes_for_each_protocol(cells, tmp_path: Path) -> None:
    results = Results([cells("crh", 8, 0, 0.9), cells("csq", 8, 0, 0.9, multi_label=True, regime="frozen")])
    files = rendered(results, tmp_path / "a")
    assert files == rendered(results, tmp_path / "b")
    slugs = [panel.slug for panel in panels(results)]
    assert list(files) == [f"pr_curves-{slug}.{form}" for slug in slugs for form in ("pdf", "svg", "png")]


def test_nothing_to_draw_is_no_figure(made, kept, tmp_path: Path) -> None:
    assert rendered(Results([]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, None)]), tmp_path) == {}
    without = kept(made("crh", 16, 0.5), {"radius_precision": [1.0]})
    assert rendered(Results([without]), tmp_path) == {}
    assert not (tmp_path / "figures").exists()


def test_five_code_lengths_have_named_axes_below(cells) -> None:
    figure = drawn(Results([cells("crh", bits, 0, 0.9) for bits in (4, 8, 12, 16, 20)]))
    assert [axes.get_xlabel() for axes in figure.axes[:5]] == ["", "", *["recall within the radius"] * 3]
    assert not figure.axes[5].axison

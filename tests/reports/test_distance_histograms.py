import re
from pathlib import Path

import numpy as np
import pytest

from bench.reports._figures.figure import style
from bench.reports._model import panels
from bench.reports.distance_histograms import DistanceHistograms, centers_figure, items_figure
from bench.storage.results import Results


@pytest.fixture
def cells(made, kept):
    """A cell of 4 bits with counts of distances 0 ... 4: to own and other centers, of relevant and other items."""

    def cell(method: str, own, other, relevant, others, seed: int = 0, **changes):
        codes = {"own_center_distances": own, "other_center_distances": other}
        arrays = {"relevant_distances": relevant, "other_distances": others}
        stored = made(method, 4, 0.5, seed=seed, **changes)
        return kept(stored, {k: v for k, v in arrays.items() if v is not None}, audit={"codes": codes})

    return cell


def drawn(draw, *found):
    (panel,) = panels(Results(list(found)))
    with style():
        return draw(panel)


def names(axes) -> list[str]:
    """From below."""
    return [label.get_text() for label in axes.get_yticklabels()]


def outlines(axes, row: int = 0) -> list[list[float]]:
    """Heights of a row's outlined histograms, near and far, as shares of the higher one's peak; rows from below."""
    steps = [p.get_data() for p in axes.patches if not p.get_fill() and p.get_data().baseline == row]
    assert all(step.edges.tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5] for step in steps)
    return [((step.values - row) / 0.85).tolist() for step in steps]


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in DistanceHistograms().render(results, out)}


def test_the_heights_are_the_mean_shares_of_what_is_stored(cells) -> None:
    found = [
        cells("crh", [8, 2, 0, 0, 0], [0, 0, 5, 5, 0], [4, 0, 0, 0, 0], [0, 0, 0, 2, 2]),
        cells("crh", [0, 5, 0, 0, 0], [0, 0, 5, 0, 0], [1, 1, 0, 0, 0], [0, 0, 4, 0, 0], seed=1),
    ]
    (centers,) = drawn(centers_figure, *found).axes
    own, other = outlines(centers)
    np.testing.assert_allclose(own, np.array([0.4, 0.6, 0, 0, 0]) / 0.75)
    np.testing.assert_allclose(other, np.array([0, 0, 0.75, 0.25, 0]) / 0.75)
    (items,) = drawn(items_figure, *found).axes
    relevant, others = outlines(items)
    np.testing.assert_allclose(relevant, np.array([0.75, 0.25, 0, 0, 0]) / 0.75)
    np.testing.assert_allclose(others, np.array([0, 0, 0.5, 0.25, 0.25]) / 0.75, atol=1e-12)
    assert items.get_xlim() == (-1, 5)


def test_rows_are_methods_and_columns_code_lengths(cells, made) -> None:
    full = [8, 2, 0, 0, 0], [0, 0, 5, 5, 0], [4, 0, 0, 0, 0], [0, 0, 0, 2, 2]
    figure = drawn(
        centers_figure, cells("crh", *full), cells("csq", [0, 1, 0, 0, 0], [0] * 5, *full[2:]), made("csq", 8, None)
    )
    (axes,) = figure.axes
    assert (axes.get_title(), axes.get_xlabel()) == ("4 bits", "Hamming distance (bits)")
    assert names(axes) == ["csq", "crh"]
    np.testing.assert_allclose(outlines(axes, 0), [[0, 1, 0, 0, 0]])
    assert len(outlines(axes, 1)) == 2


def test_what_is_missing_is_left_out_or_said(cells, made, kept) -> None:
    full = [8, 2, 0, 0, 0], [0, 0, 5, 5, 0], [4, 0, 0, 0, 0], [0, 0, 0, 2, 2]
    one_class = cells("csq", [1, 0, 0, 0, 0], [0] * 5, [1, 0, 0, 0, 0], None)
    figure = drawn(items_figure, cells("crh", *full), one_class, kept(made("shc", 4, 0.5)))
    assert names(figure.axes[0]) == ["csq", "crh"]
    assert len(outlines(figure.axes[0])) == 1  # no other items
    assert len(outlines(drawn(centers_figure, one_class).axes[0])) == 1  # counts of nothing
    longer = kept(made("crh", 8, 0.5), {"relevant_distances": [1] * 9, "other_distances": [1] * 9})
    figure = drawn(items_figure, longer, cells("csq", *full))
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert texts == [["no result"], ["no result"]]
    assert [len(outlines(figure.axes[0], row)) for row in (0, 1)] == [2, 0]  # csq has 4 bits, crh has 8


def test_the_figures_say_what_they_show(cells, tmp_path: Path) -> None:
    files = rendered(Results([cells("crh", [1] * 5, [2] * 5, [3] * 5, [4] * 5)]), tmp_path)
    for name, expected in (
        ("centers", ("own center", "nearest other center", "Distances of database codes to centers")),
        ("items", ("relevant items", "other items", "Distances of queries to database items")),
    ):
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", files[f"distance_histograms_{name}.svg"].decode())
        *legend, what = expected
        shared = ["pets@folders, quick, matched settings", "4 bits", "Hamming distance (bits)", "crh"]
        for text in [*legend, *shared]:
            assert text in texts
        assert f"{what}; seed 0, each pair to its own height" in " ".join(texts)


def test_the_same_results_give_the_same_bytes(cells, tmp_path: Path) -> None:
    results = Results(
        [cells("crh", [8, 2, 0, 0, 0], [0, 0, 5, 5, 0], [4, 0, 0, 0, 0], [0, 0, 0, 2, 2], multi_label=True)]
    )
    files = rendered(results, tmp_path / "a")
    assert files == rendered(results, tmp_path / "b")
    assert len(files) == 6


def test_nothing_to_draw_is_no_figure(made, kept, tmp_path: Path) -> None:
    assert rendered(Results([]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, None), kept(made("crh", 32, 0.5))]), tmp_path) == {}


def test_many_methods_stay_on_a_page(cells) -> None:
    figure = drawn(centers_figure, *(cells(f"m{i}", [1] * 5, [2] * 5, [3] * 5, [4] * 5) for i in range(24)))
    assert figure.get_size_inches()[1] < 9.3

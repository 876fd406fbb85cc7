import re
from pathlib import Path

import numpy as np
import pytest

from bench.reports._figures.figure import looks, style
from bench.reports._model import panels
from bench.reports.precision_at_k import PrecisionAtK, precision_figure
from bench.storage.results import Results

RANKS = [1, 2, 5, 10, 12]


@pytest.fixture
def cells(made, kept):
    def cell(method: str, bits: int, seed: int, precision: list[float], **changes):
        arrays = {"ranks": RANKS, "rank_precision": precision}
        return kept(made(method, bits, 0.5, seed=seed, **changes), arrays)

    return cell


def drawn(results: Results):
    (panel,) = panels(results)
    with style():
        return precision_figure(panel, looks(list(panel.entries)))


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in PrecisionAtK().render(results, out)}


def test_the_points_are_the_means_of_what_is_stored(cells) -> None:
    found = [
        cells("crh", 16, 0, [0.5, 0.5, 0.4, 0.3, 0.25]), cells("crh", 16, 1, [0.3, 0.3, 0.2, 0.3, 0.25]),
        cells("csq", 32, 0, [0.2, 0.2, 0.2, 0.2, 0.25]),
    ]  # fmt: skip
    figure = drawn(Results(found))
    chance, crh = figure.axes[0].get_lines()
    assert crh.get_xdata().tolist() == RANKS
    np.testing.assert_allclose(crh.get_ydata(), [0.4, 0.4, 0.3, 0.3, 0.25])
    np.testing.assert_allclose(chance.get_ydata(), 0.25)
    _, csq = figure.axes[1].get_lines()
    np.testing.assert_allclose(csq.get_ydata(), [0.2, 0.2, 0.2, 0.2, 0.25])
    assert figure.axes[0].get_xscale() == figure.axes[1].get_xscale() == "log"
    assert figure.axes[1].get_ylim() == pytest.approx((0, 1.08 * 0.4))


def test_a_precision_of_nought_or_of_one_can_be_seen(cells) -> None:
    nothing = drawn(Results([cells("crh", 16, 0, [0.0] * 5)])).axes[0]
    assert nothing.get_ylim() == (0, 1)
    everything = drawn(Results([cells("crh", 16, 0, [1.0] * 5)])).axes[0]
    assert everything.get_ylim() == (0, 1.03)


def test_the_figure_says_what_it_shows(cells, tmp_path: Path) -> None:
    results = Results([cells("crh", 16, 3, [0.5] * 5, ties="stable")])
    svg = rendered(results, tmp_path)["precision_at_k.svg"].decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for text in (
        "pets@folders, quick, matched settings", "seed 3; items at equal distance in the order of the", "database",
        "16 bits", "k (nearest items)", "precision among the k nearest", "crh", "chance", "1", "10",
    ):  # fmt: skip
        assert text in texts


def test_the_same_results_give_the_same_bytes_for_each_protocol(cells, tmp_path: Path) -> None:
    results = Results([cells("crh", 16, 0, [0.5] * 5), cells("csq", 16, 0, [0.5] * 5, regime="frozen")])
    files = rendered(results, tmp_path / "a")
    assert files == rendered(results, tmp_path / "b")
    assert len(files) == 6


def test_nothing_to_draw_is_no_figure(made, kept, tmp_path: Path) -> None:
    assert rendered(Results([]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, None), kept(made("crh", 32, 0.5))]), tmp_path) == {}

import re
from pathlib import Path

import numpy as np
import pytest

from bench.reports._figures.figure import looks, style
from bench.reports._model import panels
from bench.reports._studies.arms import cells_by_label, control_arms
from bench.reports.controls import Controls, controls_figure
from bench.storage.results import Results

NAMES = ("random-centers", "algebraic-centers", "assigned-random", "assigned-backbone", "crh", "classifier-codes")


@pytest.fixture
def cells(made, kept):
    """mAP rises with PCC and falls with the least distance."""

    def make(features: bool = False, lengths: tuple[int, ...] = (16, 32)) -> list:
        found = []
        for bits in lengths:
            for place, name in enumerate(NAMES):
                stored = made(name, bits, 0.1 * place + 0.1, d_min=10 - place, pcc=0.1 * place)
                more = {"pcc_backbone": 0.2 * place} if features else {}
                found.append(kept(stored, metrics={**stored.result["metrics"], **more}))
        return found

    return make


def drawn(results: Results):
    (panel,) = panels(results)
    with style():
        arms = control_arms(panel, cells_by_label(results, panel))
        return controls_figure(panel, arms, looks(list(panel.entries)))


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in Controls().render(results, out)}


def test_geometry_beside_semantics(cells) -> None:
    figure = drawn(Results(cells()))
    assert [axes.get_title() for axes in figure.axes] == ["ρ = −1.00", "ρ = 1.00"] * 2
    assert [axes.get_ylabel() for axes in figure.axes] == ["mAP, 16 bits", "", "mAP, 32 bits", ""]
    distance, pcc = figure.axes[2:]
    assert (distance.get_xlabel(), pcc.get_xlabel()) == ("least distance of centers", "PCC, class tree")
    points = [(c.lines[0].get_xdata()[0], c.lines[0].get_ydata()[0]) for c in distance.containers]
    np.testing.assert_allclose(points, [(10 - i, 0.1 * i + 0.1) for i in range(5)])
    assert figure.axes[1].get_xlim() == pcc.get_xlim()


def test_the_plain_classifier_is_a_line(cells) -> None:
    axes = drawn(Results(cells())).axes[0]
    (line,) = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert line.get_ydata()[0] == pytest.approx(0.6)
    assert len(axes.containers) == 5


def test_both_references_make_three_columns(cells) -> None:
    figure = drawn(Results(cells(features=True, lengths=(16,))))
    assert [axes.get_xlabel() for axes in figure.axes][2] == "PCC, features"
    assert figure.get_figwidth() > 7


def test_a_control_without_pcc_is_left_out_of_its_axes_alone(made) -> None:
    cells = [made(n, 16, 0.1 * i, pcc=None if i == 1 else 0.1 * i) for i, n in enumerate(NAMES[:4])]
    distance, pcc = drawn(Results(cells)).axes
    assert (len(distance.containers), len(pcc.containers)) == (4, 3)
    assert distance.get_title() == "no ρ"  # all at the same distance


def test_the_figure_says_what_it_shows(cells, tmp_path: Path) -> None:
    svg = rendered(Results(cells()), tmp_path)["controls.svg"].decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for text in (*NAMES, "mAP, 16 bits", "least distance of centers", "pets@folders, quick, matched settings"):
        assert text in texts


def test_the_same_results_give_the_same_bytes(cells, tmp_path: Path) -> None:
    found = cells()
    first = rendered(Results(found), tmp_path / "a")
    assert sorted(first) == ["controls.pdf", "controls.png", "controls.svg"]
    assert first == rendered(Results(found[::-1]), tmp_path / "b")


def test_too_few_or_unfinished_is_no_figure(made, tmp_path: Path) -> None:
    assert rendered(Results([made(n, 16, 0.5) for n in (*NAMES[:2], "crh")]), tmp_path) == {}
    assert rendered(Results([made("csq", 16, 0.5), *(made(n, 16, None) for n in NAMES)]), tmp_path) == {}
    assert Controls().terminal(Results([])) is None

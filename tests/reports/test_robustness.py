import re
from pathlib import Path

import numpy as np
import pytest

from bench.reports._figures.figure import looks, style
from bench.reports._model import panels
from bench.reports._studies.arms import cells_by_label, robustness_arms
from bench.reports.robustness import Robustness, robustness_figure
from bench.storage.results import Results

RUNS = {"crh-seed": (0.50, 0.52), "crh-init": (0.51, 0.55), "crh-init-h": (0.46, 0.46)}  # mean 0.5


@pytest.fixture
def cells(made) -> list:
    return [
        made(arm, bits, value + bits / 100, seed=seed)
        for bits in (16, 32) for arm, values in RUNS.items() for seed, value in enumerate(values)
    ]  # fmt: skip


def drawn(results: Results):
    (panel,) = panels(results)
    with style():
        arms = robustness_arms(panel, cells_by_label(results, panel))
        return robustness_figure(panel, arms, looks(list(panel.entries)))


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in Robustness().render(results, out)}


def test_every_run_as_its_difference_from_the_mean_of_all(cells) -> None:
    figure = drawn(Results(cells[::-1]))
    assert [axes.get_title() for axes in figure.axes] == ["16 bits\nmean 0.6600", "32 bits\nmean 0.8200"]
    for axes in figure.axes:
        _, *runs = [line for line in axes.get_lines() if len(line.get_ydata()) == 2]  # the first is the mean of all
        np.testing.assert_allclose([line.get_ydata() for line in runs], np.array(list(RUNS.values())) - 0.5, atol=1e-12)
        means = [container.lines[0].get_ydata()[0] for container in axes.containers]
        np.testing.assert_allclose(means, [0.01, 0.03, -0.04], atol=1e-12)
        bars = [container.lines[2][0].get_segments()[0][:, 1] for container in axes.containers]
        deviation = 0.02 / 2**0.5  # n - 1
        np.testing.assert_allclose(bars[0], [0.01 - deviation, 0.01 + deviation])
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["Seed", "Init", "Init-H"]


def test_a_single_run_and_an_arm_alone(made) -> None:
    (axes,) = drawn(Results([made("crh-init", 16, 0.5)])).axes
    assert axes.get_title() == "16 bits\nmean 0.5000"


def test_the_figure_says_what_it_shows(cells, tmp_path: Path) -> None:
    svg = rendered(Results(cells), tmp_path)["robustness.svg"].decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for text in ("Seed", "Init", "Init-H", "16 bits", "mean 0.6600", "pets@folders, quick, matched settings"):
        assert text in texts


def test_changed_settings_stand_in_the_arms_name(made) -> None:
    (axes,) = drawn(Results([made("crh-init", 16, 0.5, method_label="crh-init[margin=0.3]")])).axes
    assert axes.get_xticklabels()[0].get_text() == "crh-ini…n=0.3]"


def test_the_same_results_give_the_same_bytes(cells, tmp_path: Path) -> None:
    first = rendered(Results(cells), tmp_path / "a")
    assert sorted(first) == ["robustness.pdf", "robustness.png", "robustness.svg"]
    assert first == rendered(Results(cells[::-1]), tmp_path / "b")


def test_nothing_of_it_is_no_figure(made, tmp_path: Path) -> None:
    assert rendered(Results([made("crh", 16, 0.5), made("crh-seed", 16, None)]), tmp_path) == {}
    assert Robustness().terminal(Results([made("crh", 16, 0.5)])) is None

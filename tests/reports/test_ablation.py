import re
from pathlib import Path

import numpy as np
import pytest

from bench.reports._figures.figure import looks, style
from bench.reports._model import panels
from bench.reports._studies.arms import ablation_arms, cells_by_label
from bench.reports.ablation import Ablation, ablation_figure
from bench.storage.results import Results

LOSS = {"crh": 0.0, "crh-m": 0.1, "crh-u": 0.2}


@pytest.fixture
def cells(made, kept):
    """Two seeds at two code lengths; CRH-M loses 0.1 at every query, CRH-U 0.2, and 0.02 more with seed 1."""

    def make(**changes) -> list:
        found = []
        for variant, loss in LOSS.items():
            for bits in (16, 32):
                for seed in (0, 1):
                    value = 0.5 + bits / 100 - loss * (1 + seed / 10)
                    stored = made(variant, bits, value, seed=seed, **changes)
                    found.append(kept(stored, {"ap": np.full(4, value)}))
        return found

    return make


def drawn(results: Results):
    (panel,) = panels(results)
    with style():
        arms = ablation_arms(panel, cells_by_label(results, panel))
        return ablation_figure(panel, arms, looks(list(panel.entries)))


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in Ablation().render(results, out)}


def test_points_are_paired_differences(cells) -> None:
    (axes,) = drawn(Results(cells())).axes
    seeds = [
        line.get_ydata() for line in axes.get_lines() if line.get_linestyle() == "None" and len(line.get_ydata()) == 2
    ]
    np.testing.assert_allclose(seeds[0], [-0.2, -0.22])  # crh-u, 16 bits
    assert sum(np.allclose(s, [-0.1, -0.11]) for s in seeds) == 2  # crh-m, both code lengths
    means = [container.lines[0].get_ydata()[0] for container in axes.containers]
    np.testing.assert_allclose(means, [-0.21, -0.21, -0.105, -0.105])
    (zero,) = [line for line in axes.get_lines() if len(line.get_ydata()) == 2 and not any(line.get_ydata())]
    assert zero.get_linestyle() == "-"


def test_bars_are_intervals_over_seeds_and_queries(cells) -> None:
    (axes,) = drawn(Results(cells())).axes
    bar = axes.containers[0].lines[2][0].get_segments()[0][:, 1]
    np.testing.assert_allclose(bar, [-0.22, -0.2])  # of two seeds drawn with replacement, none of queries


def test_without_stored_ap_means_stand_alone(made) -> None:
    (axes,) = drawn(Results([made(variant, 16, 0.5 - loss) for variant, loss in LOSS.items()])).axes
    assert [container.lines[0].get_ydata()[0] for container in axes.containers] == pytest.approx([-0.2, -0.1])


def test_the_figure_says_what_it_shows(cells, tmp_path: Path) -> None:
    svg = rendered(Results(cells()), tmp_path)["ablation.svg"].decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for text in ("difference of mAP", "crh-u", "crh-m", "16 bits", "0.6600", "pets@folders, quick, matched settings"):
        assert text in texts


def test_the_same_results_give_the_same_bytes(cells, tmp_path: Path) -> None:
    found = cells()
    first = rendered(Results(found), tmp_path / "a")
    assert sorted(first) == ["ablation.pdf", "ablation.png", "ablation.svg"]
    assert first == rendered(Results(found[::-1]), tmp_path / "b")


def test_a_figure_for_each_protocol(cells, tmp_path: Path) -> None:
    names = rendered(Results([*cells(), *cells(regime="frozen")]), tmp_path)
    assert len(names) == 6
    assert all(name.startswith("ablation-pets-folders-") for name in names)


def test_nothing_to_compare_is_no_figure(made, tmp_path: Path) -> None:
    assert rendered(Results([]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, 0.5), made("crh-m", 16, 0.5)]), tmp_path) == {}
    failed = [made("crh", 16, 0.5), made("crh-m", 16, None), made("crh-u", 16, None)]
    assert rendered(Results(failed), tmp_path) == {}
    apart = [made("crh", 16, 0.5), made("crh-m", 16, 0.5, seed=1), made("crh-u", 32, 0.5)]
    assert rendered(Results(apart), tmp_path) == {}  # no seed and code length in common


def test_the_terminal_shows_the_table(cells) -> None:
    from rich.console import Console

    console = Console(width=120)
    with console.capture() as captured:
        console.print(Ablation().terminal(Results(cells())))
    assert "Ablation of CRH: mAP" in captured.get()
    assert "relative to crh" in captured.get()
    assert Ablation().terminal(Results([])) is None

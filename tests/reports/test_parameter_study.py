import re
from pathlib import Path

import numpy as np
import pytest

from bench.reports._figures.figure import style
from bench.reports._model import panels
from bench.reports._studies.arms import cells_by_label
from bench.reports._studies.parameters import parameter_studies
from bench.reports.parameter_study import ParameterStudies, parameter_figure
from bench.storage.results import Results

CRH = {"codebook_size": None, "heads": None, "reassignment": "greedy", "warmup_epochs": 20, "period": 5, "margin": 0.2}


@pytest.fixture
def crh(made, kept):
    def cell(bits: int, mean_ap: float | None, seed: int = 0, pcc: float | None = 0.1, **settings):
        changed = ",".join(f"{k}={v}" for k, v in sorted(settings.items()))
        label = f"crh[{changed}]" if changed else "crh"
        config = {**CRH, **settings}
        stored = made("crh", bits, mean_ap, seed=seed, pcc=pcc, method_label=label, method_config=config)
        facts = {"codebook_size": settings.get("codebook_size") or 24, "heads": bits // 8, "head_dim": 8}
        return kept(stored, audit={"construction": facts})

    return cell


@pytest.fixture
def sizes(crh) -> list:
    return [
        crh(16, 0.4, codebook_size=100), crh(16, 0.5), crh(16, 0.6, seed=1), crh(16, 0.7, codebook_size=12, pcc=0.3),
        crh(32, 0.8), crh(32, 0.9, codebook_size=100),
    ]  # fmt: skip


def drawn(results: Results):
    (panel,) = panels(results)
    with style():
        (study,) = parameter_studies(panel, cells_by_label(results, panel))
        return parameter_figure(panel, study)


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in ParameterStudies().render(results, out)}


def lines(axes) -> list[np.ndarray]:
    return [container.lines[0].get_ydata().astype(float) for container in axes.containers]


def test_a_line_for_each_code_length(sizes) -> None:
    figure = drawn(Results(sizes))
    top, bottom = figure.axes
    assert (top.get_ylabel(), bottom.get_ylabel()) == ("mAP", "PCC tree")
    short, long = lines(top)
    np.testing.assert_allclose(short, [0.7, 0.55, 0.4])
    np.testing.assert_allclose(long, [0.8, 0.9])
    np.testing.assert_allclose(lines(bottom)[0], [0.3, 0.1, 0.1])
    assert [tick.get_text() for tick in bottom.get_xticklabels()] == ["12", "24", "100"]
    at = [container.lines[0].get_xdata().astype(float) for container in top.containers]
    np.testing.assert_allclose(at[0].round(), [0, 1, 2])
    np.testing.assert_allclose(at[1].round(), [1, 2])  # the longer code has no 12
    bar = top.containers[0].lines[2][0].get_segments()[1][:, 1]
    np.testing.assert_allclose(bar, [0.55 - 0.1 / 2**0.5, 0.55 + 0.1 / 2**0.5])


def test_the_methods_own_value_has_a_ring(sizes) -> None:
    top = drawn(Results(sizes)).axes[0]
    rings = [line for line in top.get_lines() if line.get_markerfacecolor() == "none"]
    assert [line.get_ydata() for line in rings] == [[pytest.approx(0.55)], [pytest.approx(0.8)]]


def test_schedules_are_named_by_their_period(crh) -> None:
    settings: list[dict] = [
        {}, {"reassignment": "never"}, {"warmup_epochs": 0, "period": 10}, {"warmup_epochs": 0, "period": 2},
        {"warmup_epochs": 4},
    ]  # fmt: skip
    axes = drawn(Results([crh(16, 0.5, pcc=None, **each) for each in settings])).axes  # 16 epochs
    assert len(axes) == 1  # no PCC
    assert [t.get_text() for t in axes[0].get_xticklabels()] == ["never", "10", "first 4,\nthen 5", "2", "1"]
    assert axes[0].get_xlabel() == "epochs between reassignments"


def test_the_figure_says_what_it_shows(sizes, tmp_path: Path) -> None:
    svg = rendered(Results(sizes), tmp_path)["parameter_codebook_size.svg"].decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for text in (
        "mAP", "PCC tree", "16 bits", "32 bits", "default", "candidates M in a head's codebook",
        "pets@folders, quick, matched settings", "crh; bars: one standard deviation over seeds",
    ):  # fmt: skip
        assert text in texts


def test_each_setting_has_a_figure(crh, tmp_path: Path) -> None:
    cells = [crh(16, 0.5), crh(16, 0.5, heads=1), *(crh(16, 0.5, margin=m) for m in (0.1, 0.3))]
    names = {name.partition(".")[0] for name in rendered(Results(cells), tmp_path)}
    assert names == {"parameter_head_dim", "parameter_margin"}


def test_the_same_results_give_the_same_bytes(sizes, tmp_path: Path) -> None:
    first = rendered(Results(sizes), tmp_path / "a")
    assert len(first) == 3
    assert first == rendered(Results(sizes[::-1]), tmp_path / "b")


def test_nothing_varied_or_nothing_finished_is_no_figure(crh, made, tmp_path: Path) -> None:
    assert rendered(Results([made("crh", 16, 0.5), made("csq", 16, 0.5)]), tmp_path) == {}
    assert rendered(Results([crh(16, 0.5), crh(16, 0.6, margin=0.3)]), tmp_path) == {}
    assert rendered(Results([crh(16, None), crh(16, None, heads=1)]), tmp_path) == {}


def test_a_value_that_failed_is_left_out_of_the_line(crh) -> None:
    (line,) = lines(drawn(Results([crh(16, 0.5), crh(16, None, heads=1), crh(16, 0.6, heads=4)])).axes[0])
    np.testing.assert_allclose(line, [0.6, 0.5])


def test_the_terminal_shows_the_table(sizes) -> None:
    from rich.console import Console

    console = Console(width=140)
    with console.capture() as captured:
        console.print(ParameterStudies().terminal(Results(sizes)))
    assert "24 (default)" in captured.get()
    assert ParameterStudies().terminal(Results([])) is None

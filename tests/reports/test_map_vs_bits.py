import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.reports._figures.figure import finished_panels, looks_of, style
from bench.reports.map_vs_bits import MapVsBits, map_figure
from bench.storage.results import Results


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in MapVsBits().render(results, out)}


def drawn(*cells):
    with style():
        results = Results(list(cells))
        return map_figure(finished_panels(results), looks_of(results))


def lines(axes) -> list[dict[int, tuple[float, float, float]]]:
    """Of each method: code length -> low end, mean and high end of its bar, as drawn."""
    found = []
    for container in axes.containers:
        line, _, (bars,) = container
        ends = np.array(bars.get_segments())[:, :, 1]
        bits = [2 ** round(np.log2(x)) for x in line.get_xdata()]
        found.append({k: (low, y, high) for k, y, (low, high) in zip(bits, line.get_ydata(), ends, strict=True)})
    return found


def test_three_forms_of_one_figure(four: Results, tmp_path: Path) -> None:
    files = rendered(four, tmp_path)
    assert sorted(files) == ["map_vs_bits.pdf", "map_vs_bits.png", "map_vs_bits.svg"]
    pixels = np.asarray(Image.open(tmp_path / "figures" / "map_vs_bits.png").convert("L"))
    assert pixels.shape == (520, 700)
    assert (pixels < 128).mean() > 0.005  # something is drawn
    assert files["map_vs_bits.pdf"].startswith(b"%PDF")


def test_the_figure_says_what_it_shows(four: Results, tmp_path: Path) -> None:
    svg = rendered(four, tmp_path)["map_vs_bits.svg"].decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for text in ("mAP", "code length (bits)", "16", "32", "crh", "csq", "chance (0.0833)", "real-valued",
                 "features (0.2500)", "worst to best", "order of ties", "pets@folders, quick, matched settings",
                 "seed 0, 95 % interval over queries"):  # fmt: skip
        assert text in texts


def test_of_several_seeds_the_bars_are_the_deviation(made) -> None:
    axes = drawn(made("crh", 16, 0.5), made("crh", 16, 0.7, seed=1), made("csq", 16, 0.4), made("csq", 32, 0.3)).axes[0]
    crh, csq = lines(axes)
    deviation = 0.1 * 2**0.5
    assert crh == {16: pytest.approx((0.6 - deviation, 0.6, 0.6 + deviation))}
    assert csq == {16: pytest.approx((0.4,) * 3), 32: pytest.approx((0.3,) * 3)}  # of one seed nothing is known
    assert "mean ± standard deviation over 1 to 2 seeds" in axes.get_title(loc="left")


def test_of_one_seed_the_bars_are_the_interval(made, kept) -> None:
    stored = made("crh", 16, 0.5)
    known = kept(stored, metrics={**stored.result["metrics"], "map_low": 0.45, "map_high": 0.6})
    (crh, csq) = lines(drawn(known, made("csq", 16, 0.3)).axes[0])
    assert crh == {16: pytest.approx((0.45, 0.5, 0.6))}
    assert csq == {16: pytest.approx((0.3, 0.3, 0.3))}


def test_methods_stand_beside_each_other(made) -> None:
    axes = drawn(*(made(f"m{i}", k, 0.5) for i in range(3) for k in (16, 64))).axes[0]
    x = np.array([container[0].get_xdata() for container in axes.containers], dtype=float)
    assert (np.diff(x, axis=0) > 0).all()
    assert x[1].tolist() == [16, 64]
    np.testing.assert_allclose(x[0], [16 * 4**-0.06, 64 * 4**-0.06])


def test_ties_of_few_methods_are_bars(made) -> None:
    axes = drawn(made("crh", 16, 0.5), made("crh", 32, 0.5, map_best=None)).axes[0]
    (bars,) = [c for c in axes.collections if c.get_alpha() is not None]
    assert np.array(bars.get_segments())[:, :, 1].tolist() == [[0.1, 0.9]]
    many = drawn(*(made(f"m{i}", 16, 0.5) for i in range(9))).axes[0]
    assert not [c for c in many.collections if c.get_alpha() is not None]
    assert len(many.get_legend().get_texts()) == 9 + 2


def test_chance_is_a_line_where_the_axes_reach_down_to_it(made) -> None:
    def references(axes) -> list[float]:
        return [line.get_ydata()[0] for line in axes.get_lines() if line.get_linestyle() in ("--", ":")]

    low = drawn(made("crh", 16, 0.5), made("csq", 16, 0.3)).axes[0]
    assert references(low) == [0.25, 0.0833]
    assert low.get_ylim()[0] == 0
    high = drawn(made("crh", 16, 0.9, map_features=0.8), made("csq", 16, 0.85, map_features=0.8)).axes[0]
    assert references(high) == [0.8]
    assert 0.7 < high.get_ylim()[0] < 0.8
    assert "chance (0.0833)" in [text.get_text() for text in high.get_legend().get_texts()]


def test_one_value_alone_has_axes(made) -> None:
    alone = {"map_features": None, "map_chance": None}
    assert drawn(made("crh", 16, 0.5, **alone)).axes[0].get_ylim() == pytest.approx((0.475, 0.525))
    assert drawn(made("crh", 16, 0.0, **alone)).axes[0].get_ylim() == (0, 1)


def test_the_same_results_give_the_same_bytes(four: Results, tmp_path: Path) -> None:
    assert rendered(four, tmp_path / "a") == rendered(four, tmp_path / "b")


def test_a_panel_for_each_protocol(made, tmp_path: Path) -> None:
    cells = [made("crh", 16, 0.5, regime=r) for r in ("quick", "frozen", "finetune")]
    svg = rendered(Results(cells), tmp_path)["map_vs_bits.svg"].decode()
    assert len(re.findall(r"<text[^>]*>pets@folders, ", svg)) == 3
    figure = drawn(*cells)
    assert [axes.axison for axes in figure.axes] == [True, True, True, False]
    assert figure.get_size_inches()[0] == pytest.approx(7)


def test_a_method_looks_the_same_in_every_panel(made) -> None:
    axes = drawn(made("crh", 16, 0.5), made("csq", 16, 0.4), made("csq", 16, 0.4, regime="frozen")).axes
    colours = {a.get_title(loc="left").split(", ")[1]: [c[0].get_color() for c in a.containers] for a in axes}
    assert colours["quick"][1] == colours["frozen"][0] != colours["quick"][0]


def test_nothing_to_draw_is_no_figure(made, tmp_path: Path) -> None:
    assert rendered(Results([]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, None)]), tmp_path) == {}


def test_failed_cells_are_left_out_of_the_line(made) -> None:
    (crh,) = lines(drawn(made("crh", 16, 0.5), made("crh", 32, None), made("crh", 64, 0.6)).axes[0])
    assert {k: mean for k, (_, mean, _) in crh.items()} == {16: 0.5, 64: 0.6}


def test_twenty_methods_fit_into_a_column(made) -> None:
    figure = drawn(*(made(f"some-method-{i}", k, 0.5 + i / 100) for i in range(20) for k in (16, 32, 64)))
    with style():
        figure.draw_without_rendering()
        axes = figure.axes[0]
        legend = axes.get_legend().get_window_extent()
        inside = axes.get_window_extent()
    assert figure.get_size_inches()[0] == pytest.approx(3.5)
    assert legend.x0 > inside.x1 and legend.x1 <= figure.bbox.x1  # beside the axes and whole
    assert legend.height <= figure.bbox.height
    assert inside.width > 1.4 * figure.dpi

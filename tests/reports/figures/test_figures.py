import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reports._figures.figure import (
    Look,
    arranged,
    bits_colours,
    file_name,
    finished_panels,
    folded,
    legend_below,
    legend_height,
    looks,
    new_figure,
    save,
    save_each,
    seeds_note,
    set_title,
    style,
)
from bench.reports._model import panels
from bench.storage.results import Results


@given(st.integers(1, 88))
def test_no_two_methods_look_the_same(count: int) -> None:
    found = looks([f"m{i}" for i in range(count)])
    assert len({(look.colour, look.marker) for look in found.values()}) == count


def test_colours_come_back_with_another_marker_and_line() -> None:
    found = list(looks([f"m{i}" for i in range(20)]).values())
    assert found[0] == Look("#0072B2", "o", "-")
    assert found[8].colour == found[0].colour and found[11].marker == found[0].marker
    assert [look.line for look in found].count("-") == 8  # the ninth repeats a colour


def test_code_lengths_go_from_dark_to_light() -> None:
    brightness = [sum(colour[:3]) for colour in bits_colours([8, 16, 32, 64]).values()]
    assert brightness == sorted(brightness)
    assert bits_colours([16]) == {16: bits_colours([16, 32])[16]}


@given(st.integers(1, 60), st.integers(1, 6))
def test_small_axes_are_arranged_in_few_and_even_rows(count: int, widest: int) -> None:
    rows, columns = arranged(count, widest)
    assert columns <= widest
    assert rows * columns >= count > (rows - 1) * columns
    assert rows == -(-count // widest)


def test_four_are_two_by_two() -> None:
    assert arranged(4, 3) == (2, 2)
    assert arranged(5, 3) == (2, 3)


def test_long_names_are_folded_where_they_can_be() -> None:
    assert folded("csq", 10) == "csq"
    assert folded("crh[period=1,warmup_epochs=1]", 24) == "crh[period=1,\nwarmup_epochs=1]"
    assert folded("real-valued features (0.1)", 19) == "real-valued\nfeatures (0.1)"
    assert folded("x" * 40, 10) == "x" * 40
    assert folded("", 10) == ""


@given(st.text(alphabet="ab[,+- ]", max_size=40), st.integers(1, 20))
def test_folding_loses_nothing_but_spaces(label: str, width: int) -> None:
    assert re.sub(r"\s", "", folded(label, width)) == label.replace(" ", "")


def test_a_title_is_as_wide_as_its_figure() -> None:
    with style():
        figure = new_figure(2, 2)
        set_title(figure, "a-long-name-of-a-dataset@split, frozen, matched settings\nmean over 3 seeds")
        figure.draw_without_rendering()
        title = figure.get_suptitle()
        (text,) = figure.texts
        assert text.get_window_extent().width <= 2 * figure.dpi
    assert title.splitlines()[-1] == "mean over 3 seeds"
    assert title.replace("\n", " ") == "a-long-name-of-a-dataset@split, frozen, matched settings mean over 3 seeds"


def test_how_many_seeds_a_mean_is_over(made) -> None:
    def note(*cells) -> str:
        return seeds_note(panels(Results(list(cells)))[0])

    assert note(made("crh", 16, 0.5, seed=7)) == "seed 7"
    assert note(made("crh", 16, 0.5), made("crh", 16, 0.5, seed=1)) == "mean over 2 seeds"
    three = [made("csq", 16, 0.5, seed=s) for s in range(3)]
    assert note(made("crh", 16, 0.5), *three) == "mean over 1 to 3 seeds"
    assert note(made("crh", 16, 0.5), made("crh", 16, None, seed=1)) == "one seed"


def test_one_file_for_each_protocol_that_has_results(made, tmp_path: Path) -> None:
    def figure_of(panel):
        return None if panel.cell.regime == "zero-shot" else new_figure(1, 1)

    one, two = made("crh", 16, 0.5), made("crh", 16, 0.5, regime="frozen")
    alone = save_each(Results([one, made("csq", 16, None, regime="failed")]), tmp_path, "x", figure_of)
    assert [f.name for f in alone] == ["x.pdf", "x.svg", "x.png"]
    both = Results([one, two, made("crh", 16, 0.5, regime="zero-shot")])
    names = [f.name for f in save_each(both, tmp_path, "x", figure_of)]
    slugs = [panel.slug for panel in finished_panels(both)]
    assert names == [f"x-{slug}.{form}" for slug in slugs[:2] for form in ("pdf", "svg", "png")]
    assert file_name("x", finished_panels(both)[1], finished_panels(both)) == f"x-{slugs[1]}"
    assert save_each(Results([]), tmp_path, "y", figure_of) == []


@pytest.mark.parametrize("count", [1, 7, 25])
def test_a_legend_takes_the_height_that_was_left_for_it(count: int) -> None:
    from matplotlib.lines import Line2D

    with style():
        handles = [Line2D([], [], label=f"method-{i}") for i in range(count)]
        figure = new_figure(7.2, 5)
        legend_below(figure, handles, 7.2)
        figure.draw_without_rendering()
        (legend,) = figure.legends
        inches = legend.get_window_extent().height / figure.dpi
        left = legend_height([h.get_label() for h in handles], 7.2)
    assert legend.get_window_extent().width <= 7.2 * figure.dpi
    assert left - 0.25 < inches < left + 0.25


def test_hostile_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    names = ["$x_1$", "<b>&amp;", "_hidden", "50 %\\n"]
    with style():
        figure = new_figure(3, 3)
        axes = figure.subplots()
        lines = [axes.plot([0, 1], [0, i], label=name)[0] for i, name in enumerate(names)]
        legend_below(figure, lines, 3)
        save(figure, tmp_path, "hostile")
    svg = (tmp_path / "figures" / "hostile.svg").read_text()
    for text in ("$x_1$", "&lt;b&gt;&amp;amp;", "_hidden", "50 %\\n"):
        assert f">{text}</text>" in svg


def test_a_last_digit_of_the_arrangement_changes_nothing(tmp_path: Path) -> None:
    """The solver's differ from process to process; a clip path is named after them."""

    def saved(name: str, shift: float) -> bytes:
        with style():
            figure = new_figure(3, 2)
            for axes in figure.subplots(1, 2):
                axes.plot([0, 1], [0, 1])
            draw = figure.draw_without_rendering

            def arranged_a_little_otherwise() -> None:
                draw()
                for axes in figure.axes:
                    axes.set_position([value + shift for value in axes.get_position(original=True).bounds])

            figure.draw_without_rendering = arranged_a_little_otherwise
            return {file.suffix: file.read_bytes() for file in save(figure, tmp_path / name, "x")}[".svg"]

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert saved("a", 0.0) == saved("b", 1e-12)

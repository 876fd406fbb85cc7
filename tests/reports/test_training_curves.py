import re
from pathlib import Path

import numpy as np
import pytest

from bench.reports._figures.figure import style
from bench.reports._model import panels
from bench.reports.training_curves import TrainingCurves, training_figure
from bench.storage.results import Results


@pytest.fixture
def cells(made, kept):
    """A cell of three epochs: cell("crh", 16, seed=1, loss=[3, 2, 1], moved=[6, 3, 0], pcc=[0.0, 0.1, 0.2, 0.2])."""

    def cell(method: str, bits: int, loss, moved=(0, 0, 0), pcc=None, features=None, seed: int = 0, **changes):
        history = [{"loss": value, "centers_moved": n} for value, n in zip(loss, moved, strict=True)]
        stored = made(method, bits, 0.5, seed=seed, **changes)
        metrics = dict(stored.result["metrics"])
        for name, path in (("pcc", pcc), ("pcc_backbone", features)):
            if path is not None:
                metrics[f"{name}_initial"] = path[0]
                for epoch, value in zip(history, path[1:], strict=True):
                    epoch[name] = value
        return kept(stored, metrics=metrics, history=history)

    return cell


def drawn(*found):
    (panel,) = panels(Results(list(found)))
    with style():
        return training_figure(panel)


def axes_of(figure, name: str):
    return [axes for axes in figure.axes if axes.get_label() == name]


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in TrainingCurves().render(results, out)}


def test_the_lines_are_the_means_of_what_is_stored(cells) -> None:
    figure = drawn(
        cells("crh", 16, [3, 2, 1], (6, 3, 0), [0.0, 0.1, 0.2, 0.2]),
        cells("crh", 16, [5, 4, 1], (6, 0, 0), [0.2, 0.3, 0.3, 0.3], seed=1),
        cells("csq", 32, [0.5, 0.4, 0.3], pcc=[0.1, 0.1, 0.1, 0.1]),
    )
    crh, csq = axes_of(figure, "loss")
    assert (crh.get_title(), csq.get_title()) == ("crh", "csq")
    (line,) = crh.get_lines()
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == [4, 3, 1]
    (band,) = crh.collections
    assert band.get_paths()[0].get_extents().height == pytest.approx(4 + 2**0.5 - 1)  # from 1 to the first mean + sd
    (other,) = csq.get_lines()
    assert other.get_ydata().tolist() == [0.5, 0.4, 0.3]
    assert other.get_color() != line.get_color()  # colours are code lengths
    assert not csq.collections  # one seed has no band


def test_pcc_is_a_step_at_the_end_of_the_epoch(cells) -> None:
    figure = drawn(cells("crh", 16, [3, 2, 1], (6, 3, 0), [0.0, 0.1, 0.2, 0.2], features=[0.3, 0.4, 0.5, 0.5]))
    (axes,) = axes_of(figure, "pcc")
    _, tree, features = axes.get_lines()
    assert tree.get_drawstyle() == "steps-post"
    assert tree.get_xdata().tolist() == [0, 1, 2, 3, 3.5]
    np.testing.assert_allclose(tree.get_ydata(), [0.0, 0.1, 0.2, 0.2, 0.2])
    np.testing.assert_allclose(features.get_ydata(), [0.3, 0.4, 0.5, 0.5, 0.5])
    assert (tree.get_linestyle(), features.get_linestyle()) == ("-", ":")


def test_epochs_that_moved_centers_are_marked_by_their_share_below_the_loss(cells) -> None:
    figure = drawn(cells("crh", 16, [3, 2, 1], (12, 3, 0)), cells("csq", 16, [3, 2, 1]))
    (rug,) = axes_of(figure, "moved")
    segments = np.array(rug.collections[0].get_segments())
    assert segments[:, :, 0].tolist() == [[1, 1], [2, 2]]
    assert segments[:, :, 1].tolist() == [[0, 1], [0, 0.25]]
    loss = axes_of(figure, "loss")[0]
    low, high = loss.get_ylim()
    assert low + (high - low) / rug.get_ylim()[1] < 1  # the highest mark ends below the least loss


def test_without_a_reference_there_is_only_the_loss(cells) -> None:
    figure = drawn(cells("crh", 16, [3, 2, 1]))
    assert [axes.get_label() for axes in figure.axes] == ["loss"]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["16 bits"]


def test_methods_share_the_scale_of_pcc_but_not_of_the_loss(cells) -> None:
    figure = drawn(
        cells("crh", 16, [9, 8, 7], pcc=[0.0, 0.8, 0.8, 0.8]), cells("csq", 16, [0.3, 0.2, 0.1], pcc=[0.1] * 4)
    )
    first, second = axes_of(figure, "pcc")
    assert first.get_ylim() == second.get_ylim()
    first, second = axes_of(figure, "loss")
    assert second.get_ylim()[1] < 1 < 6 < first.get_ylim()[0]


def test_the_figure_says_what_it_shows(cells, tmp_path: Path) -> None:
    found = [
        cells("crh[period=1,warmup_epochs=1]", 16, [3, 2, 1], (6, 3, 0), [0.0, 0.1, 0.2, 0.2], [0.1] * 4, seed=s)
        for s in (0, 1)
    ]
    svg = rendered(Results(found), tmp_path)["training_curves.svg"].decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for text in (
        "pets@folders, quick, matched settings", "mean over 2 seeds", "crh[period=1,", "warmup_epochs=1]", "loss",
        "PCC", "epoch", "16 bits", "PCC with the class tree", "PCC with class means of features",
        "± standard deviation over seeds", "share of centers moved", "all",
    ):  # fmt: skip
        assert text in texts


def test_the_same_results_give_the_same_bytes_for_each_protocol(cells, tmp_path: Path) -> None:
    results = Results([
        cells("crh", 16, [3, 2, 1], (6, 3, 0)), cells("csq", 16, [3, 2, 1], regime="frozen", multi_label=True)
    ])  # fmt: skip
    files = rendered(results, tmp_path / "a")
    assert files == rendered(results, tmp_path / "b")
    assert len(files) == 6


def test_nothing_to_draw_is_no_figure(made, tmp_path: Path) -> None:
    assert rendered(Results([]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, None), made("crh", 32, 0.5)]), tmp_path) == {}


def test_many_methods_stay_on_a_page(cells) -> None:
    figure = drawn(*(cells(f"method-{i}", 16, [3, 2, 1], pcc=[0.0] * 4) for i in range(20)))
    assert len(axes_of(figure, "loss")) == 20
    assert figure.get_size_inches()[0] == pytest.approx(7.2)
    assert figure.get_size_inches()[1] < 9.5

from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.reports._figures.diagram import _levels, _sides
from bench.reports._model import panels
from bench.reports.critical_difference import CriticalDifference, averaged, blocks_of
from bench.storage.results import Results


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in CriticalDifference().render(results, out)}


def texts(svg: bytes) -> list[str]:
    return ["".join(t.itertext()) for t in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture
def study(made):
    """Methods in this order, best first, at two code lengths with so many seeds; the last two change places once."""

    def make(methods: list[str], seeds: int = 6, **changes: object) -> list:
        def value(place: int, bits: int, seed: int) -> float:
            swapped = seed == 0 and place >= len(methods) - 2
            return bits / 100 - 0.01 * (2 * len(methods) - 3 - place if swapped else place)

        return [
            made(method, bits, value(place, bits, seed), seed=seed, **changes)
            for place, method in enumerate(methods) for bits in (16, 32) for seed in range(seeds)
        ]  # fmt: skip

    return make


def test_mean_ranks_tests_and_what_they_hold_for(study, tmp_path: Path) -> None:
    shown = texts(rendered(Results(study(["a", "b", "c"])), tmp_path)["critical_difference.svg"])
    assert {"a  1.0", "b  2.2", "2.8  c"} <= {*shown}  # b is third in 2 of 12 blocks
    assert "mean ranks by mAP over 12 blocks: 2 code lengths × 6 seeds" in shown
    assert any(line.startswith("Friedman's test: p < 0.0001; a bar joins") for line in shown)
    assert any("not for other datasets" in line for line in shown)
    assert "critical difference 1.0 (5 %)" in shown  # 2.343 * sqrt(12 / 72) = 0.957
    assert not any("fewer than" in line for line in shown)


def test_few_blocks_and_one_seed_are_said(study, tmp_path: Path) -> None:
    shown = texts(rendered(Results(study(["a", "b", "c"], seeds=3)), tmp_path)["critical_difference.svg"])
    assert any(line.startswith("fewer than 10 blocks") for line in shown)


def test_no_difference_is_said(made, tmp_path: Path) -> None:
    turns = [(0.3, 0.2, 0.1), (0.1, 0.3, 0.2), (0.2, 0.1, 0.3)]
    cells = [made(m, 16, v[i], seed=s) for s, v in enumerate(turns) for i, m in enumerate("abc")]
    shown = texts(rendered(Results(cells), tmp_path)["critical_difference.svg"])
    assert "Friedman's test: p = 1: no method is shown to differ from another" in shown


def test_what_has_gaps_is_left_out_and_named(study, made, tmp_path: Path) -> None:
    cells = [*study(["a", "b", "c"]), made("late", 16, 0.5), made("a", 64, 0.9)]
    blocks = blocks_of(panels(Results(cells)))
    assert (blocks.methods, blocks.values.shape) == (["a", "b", "c"], (12, 3))
    shown = texts(rendered(Results(cells), tmp_path)["critical_difference.svg"])
    assert "left out, not finished everywhere: late, 1 block" in shown


def test_several_datasets_have_a_diagram_of_their_own_with_means_over_seeds(study, tmp_path: Path) -> None:
    cells = [c for name in ("pets", "cars") for c in study(["a", "b", "c"], 3, dataset_label=name, fingerprint=name)]
    found = rendered(Results(cells), tmp_path)
    assert len(found) == 9
    shown = texts(found["critical_difference-datasets-quick-matched.svg"])
    assert "mean ranks by mAP over 4 blocks: 2 protocols at their code lengths, mean over seeds" in shown
    assert "datasets: cars, pets" in shown
    blocks = averaged(blocks_of(panels(Results(cells))))
    assert [bits for _, bits, _ in blocks.names] == [16, 32, 16, 32]
    assert blocks.values[0].tolist() == pytest.approx([0.16, 0.15 - 0.01 / 3, 0.14 + 0.01 / 3])


def test_one_dataset_in_two_regimes_is_not_several(study, tmp_path: Path) -> None:
    cells = [c for regime in ("quick", "frozen") for c in study(["a", "b", "c"], 2, regime=regime)]
    assert not any("datasets" in name for name in rendered(Results(cells), tmp_path))


@pytest.mark.parametrize(("methods", "seeds"), [(["a", "b"], 6), (["a", "b", "c"], 1), ([], 1)])
def test_too_little_is_no_figure(study, tmp_path: Path, methods: list[str], seeds: int) -> None:
    assert rendered(Results(study(methods, seeds)), tmp_path) == {}


def test_failed_cells_are_no_figure(made, tmp_path: Path) -> None:
    cells = [made(m, 16, None, seed=s) for m in "abc" for s in range(4)]
    assert rendered(Results(cells), tmp_path) == {}


def test_hostile_names_and_the_same_bytes_again(study, tmp_path: Path) -> None:
    names = ["x" * 500, "<script>alert(1)</script>", "$x$", "שלום", "null\x00"]
    first, second = (rendered(Results(study(names)), tmp_path / place) for place in "ab")
    assert first == second
    assert b"<script" not in first["critical_difference.svg"]
    assert any(line.startswith("$x$") for line in texts(first["critical_difference.svg"]))


def test_names_left_and_right_and_bars_that_do_not_touch() -> None:
    assert _sides(5) == ([0, 1, 2], [4, 3])
    assert _levels([(0, 2), (1, 3), (3, 4), (4, 6)]) == [0, 1, 0, 1]

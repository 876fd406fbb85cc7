from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reports._figures.scatter import Point
from bench.reports.map_vs_cost import MapVsCost, cost, pareto_front
from bench.storage.results import Results

coordinates = st.integers(0, 6).map(float)


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in MapVsCost().render(results, out)}


def texts(svg: bytes) -> list[str]:
    return ["".join(t.itertext()) for t in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture
def timed(made, kept):
    """A cell that took so many seconds: timed("crh", 16, 0.5, training=3.0, seed=1)."""

    def make(method: str, bits: int, mean_ap: float, provenance: object = None, seed: int = 0, **seconds: float):
        return kept(made(method, bits, mean_ap, seed=seed), seconds=seconds, provenance=provenance)

    return make


@given(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=12))
def test_the_front_is_what_no_other_point_beats(drawn: list[tuple[float, float]]) -> None:
    points = [Point(str(i), x, y) for i, (x, y) in enumerate(drawn)]
    slow = {p.method for p in points if not any(q.x <= p.x and q.y >= p.y and (q.x, q.y) != (p.x, p.y) for q in points)}
    front = pareto_front(points)
    assert {p.method for p in front} == slow
    assert [p.x for p in front] == sorted(p.x for p in front)


def test_cost_is_what_the_method_decides(timed) -> None:
    seconds = {"data": 100.0, "centers": 1.0, "classifier": 2.0, "reference": 4.0, "training": 8.0, "codes": 50.0}
    assert cost(timed("shc", 16, 0.5, **seconds, evaluation=70.0, lost=9.0, total=244.0)) == 15
    assert cost(timed("crh", 16, 0.5, total=3.0)) is None


def test_what_the_figure_says(timed, tmp_path: Path) -> None:
    made_by = {"processor": "Abacus", "gpu": None, "trained_together": 4}
    cells = [timed("crh", 16, 0.5, made_by, training=2.0), timed("shc", 16, 0.6, made_by, classifier=20.0)]
    shown = texts(rendered(Results(cells), tmp_path)["map_vs_cost.svg"])
    assert {"crh", "shc", "mAP", "16 bits"} <= {*shown}
    assert "on Abacus; cells trained in one pass share its time equally" in " ".join(shown)
    assert "seconds: centers + classifier + reference + training" in " ".join(shown)


def test_machines_are_named_or_warned_of(timed, tmp_path: Path) -> None:
    gpu = {"processor": "Abacus", "gpu": {"name": "Loom 2"}}
    cells = [timed("crh", 16, 0.5, gpu, training=2.0), timed("csq", 16, 0.6, {"processor": "Abacus"}, training=3.0)]
    assert "on Loom 2" in texts(rendered(Results(cells[:1]), tmp_path / "a")["map_vs_cost.svg"])
    both = texts(rendered(Results(cells), tmp_path / "b")["map_vs_cost.svg"])
    assert "on 2 kinds of machines: compare with care" in both


def test_hostile_names_and_the_same_bytes_again(timed, tmp_path: Path) -> None:
    cells = [timed("$x$", 16, 0.5, seed=s, training=2.0 + s) for s in range(3)]
    cells += [timed("<script>alert(1)<script>" * 5, 16, 0.0, centers=1e-6, training=0.0)]
    first, second = (rendered(Results(cells), tmp_path / place) for place in "ab")
    assert first == second and sorted(first) == ["map_vs_cost.pdf", "map_vs_cost.png", "map_vs_cost.svg"]
    assert b"<script" not in first["map_vs_cost.svg"]
    assert "$x$" in texts(first["map_vs_cost.svg"])


def test_a_file_for_each_protocol(made, kept, tmp_path: Path) -> None:
    cells = [kept(made("crh", 16, 0.5, regime=r), seconds={"training": 1.0}) for r in ("quick", "frozen")]
    assert len(rendered(Results(cells), tmp_path)) == 6


def test_nothing_to_draw_is_no_figure(made, tmp_path: Path) -> None:
    assert rendered(Results([]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, None), made("csq", 16, 0.5)]), tmp_path) == {}  # only a total is stored

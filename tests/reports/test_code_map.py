from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.codes.packing import pack
from bench.reports._figures.embedding import embed
from bench.reports.code_map import CodeMap, class_colours, group_of_items, main_methods, sampled
from bench.storage.results import Results

RNG = np.random.default_rng(0)


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in CodeMap().render(results, out)}


def texts(svg: bytes) -> list[str]:
    return ["".join(t.itertext()) for t in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def noisy(centers: np.ndarray, copies: int, flips: float = 0.05, seed: int = 0) -> np.ndarray:
    codes = centers.repeat(copies, axis=0)
    return np.where(np.random.default_rng(seed).random(codes.shape) < flips, -codes, codes).astype(np.int8)


def words(number: int, bits: int = 16) -> np.ndarray:
    return np.random.default_rng(1).choice([-1, 1], (number, bits)).astype(np.int8)


@pytest.fixture
def stored(made, kept):
    """A cell of twelve classes in three groups, with five noisy codes of each class."""

    def make(method: str, groups: list[str] = ["x", "y", "z"], paths: bool = True, **changes: object):  # noqa: B006
        centers = words(12)
        labels = np.arange(12).repeat(5).astype(np.uint8)
        if changes.get("multi_label"):
            labels = np.packbits(np.eye(12, dtype=bool)[labels] | np.eye(12, dtype=bool)[labels[::-1]], axis=1)
        arrays = {"query_codes": pack(noisy(centers, 5)), "query_labels": labels, "centers_final": centers}
        tree = [[groups[c % len(groups)], f"class {c}"] for c in range(12)] if paths else None
        classes = {"names": [f"class {c}" for c in range(12)], "paths": tree}
        changes = {"counts": {"train": 1, "query": 60, "database": 1}, **changes}
        return kept(made(method, 16, 0.5, **changes), arrays, classes=classes)

    return make


def test_near_codes_are_near() -> None:
    """The nearest other point is of the same class for nearly all codes of ten well-separated classes."""
    centers = words(10, 32)
    places = embed(noisy(centers, 12))
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    label = np.arange(10).repeat(12)
    assert (label[apart.argmin(axis=1)] == label).mean() > 0.95


def test_the_same_codes_give_the_same_places() -> None:
    codes = noisy(words(6), 10)
    assert np.array_equal(embed(codes), embed(codes))


@pytest.mark.parametrize("distinct", [1, 2, 3, 4, 5, 7])
def test_few_distinct_codes_and_many_equal_ones(distinct: int) -> None:
    codes = words(distinct, 8)[np.arange(40) % distinct]
    places = embed(codes)
    assert np.isfinite(places).all()
    assert len(np.unique(places, axis=0)) == 40  # equal codes stand beside each other
    if distinct > 1:
        label, apart = np.arange(40) % distinct, np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
        assert apart[label[:, None] == label].max() < apart[label[:, None] != label].min()


def test_one_bit() -> None:
    assert embed(np.array([[1], [-1], [1]], dtype=np.int8)).shape == (3, 2)


def test_a_sample_keeps_the_share_of_each_class() -> None:
    assert sampled(7).tolist() == list(range(7))
    labels = np.arange(100).repeat(50)
    assert (np.bincount(labels[sampled(5000)]) == 8).all()
    assert len(np.unique(sampled(801))) == 800


def test_groups_of_items_by_hand() -> None:
    of_class = np.array([0, 0, 1, 2])
    assert group_of_items(np.array([3, 0, 2], dtype=np.uint8), of_class, False).tolist() == [2, 0, 1]
    rows = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)
    assert group_of_items(np.packbits(rows, axis=1), of_class, True).tolist() == [0, -1, 2, -1]


def test_one_of_each_family_where_methods_are_many(made) -> None:
    names = [
        "crh-m",
        "crh",
        "crh-u",
        "csq",
        "mds",
        "mds-admm",
        "orthohash-maxhd",
        "orthohash",
        "shc",
        "own",
        "crh+csq-loss",
    ]
    cells = {name: made(name, 16, 0.5) for name in names}
    assert list(main_methods(cells)) == ["crh", "csq", "mds", "orthohash", "shc", "own", "crh+csq-loss"]
    assert list(main_methods({name: cells[name] for name in names[:9]})) == names[:9]
    many = {f"m{i}": made(f"m{i}", 16, 0.5) for i in range(20)}
    assert list(main_methods(many)) == [f"m{i}" for i in range(9)]


def test_colours_by_group_else_by_class_on_a_wheel(stored, made) -> None:
    grouped = class_colours(stored("crh"))
    assert grouped.names == ["x", "y", "z"] and grouped.of_class.tolist() == [0, 1, 2] * 4
    single = class_colours(stored("csq", paths=False))
    assert len({tuple(c) for c in single.colours}) == 12 and single.names == [f"class {c}" for c in range(12)]
    wheel = class_colours(made("crh", 16, 0.5, num_classes=100))
    assert wheel.names == [] and len({tuple(c) for c in wheel.colours}) == 100


def test_what_the_figure_says(stored, tmp_path: Path) -> None:
    shown = texts(rendered(Results([stored("crh"), stored("csq")]), tmp_path)["code_map.svg"])
    assert {"crh", "csq", "mAP 0.50", "x", "y", "z", "center"} <= {*shown}
    assert "t-SNE of 60 query codes and the centers at 16 bits, seed 0" in shown
    assert "near codes stay near; distances between clusters and their sizes mean little" in shown


def test_items_of_several_groups_have_a_colour_of_their_own(stored, tmp_path: Path) -> None:
    svg = rendered(Results([stored("crh", multi_label=True)]), tmp_path)["code_map.svg"]
    assert "of several colours" in texts(svg)
    assert b"#bfbfbf" in svg  # 0.75: drawn


def test_failed_and_bare_cells(stored, made, kept, tmp_path: Path) -> None:
    assert rendered(Results([]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, None)]), tmp_path) == {}
    assert rendered(Results([kept(made("crh", 16, 0.5))]), tmp_path) == {}
    shown = " ".join(texts(rendered(Results([stored("crh"), made("csq", 16, None)]), tmp_path)["code_map.svg"]))
    assert "1 method not shown" in shown


def test_hostile_names_and_the_same_bytes_again(stored, tmp_path: Path) -> None:
    groups = ["<script>alert(1)</script>", "$x$", "שלום" * 100]
    cells = [stored("crh", groups, method_label=name) for name in ("<script>x</script>" * 30, "$y$\x00")]
    first, second = (rendered(Results(cells), tmp_path / place) for place in "ab")
    assert first == second and sorted(first) == ["code_map.pdf", "code_map.png", "code_map.svg"]
    assert b"<script" not in first["code_map.svg"]
    assert {"$x$", "$y$"} <= {*texts(first["code_map.svg"])}

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from bench.reports._figures.one_run import one_run
from bench.reports._model import panels
from bench.reports.center_similarity import CenterSimilarity, center_products, class_order, references
from bench.storage.results import Results

PATHS = [["pet", "cat"], ["farm", "cow"], ["pet", "dog"], ["farm", "pig"]]
CENTERS = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, 1, 1, -1], [-1, -1, 1, 1]], dtype=np.int8)


def rendered(results: Results, out: Path) -> dict[str, bytes]:
    out.mkdir(exist_ok=True)
    return {file.name: file.read_bytes() for file in CenterSimilarity().render(results, out)}


def texts(svg: bytes) -> list[str]:
    return ["".join(t.itertext()) for t in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture
def stored(made, kept):
    """A cell of four classes with centers: stored("crh", 4, paths=..., class_similarity=...)."""

    def make(method: str, bits: int = 4, paths: object = PATHS, class_similarity: object = None, **changes: object):
        arrays = {"centers_final": CENTERS}
        if class_similarity is not None:
            arrays["class_similarity"] = np.asarray(class_similarity, dtype=np.float16)
        classes = {"names": ["cat", "cow", "dog", "pig"], "paths": paths}
        return kept(made(method, bits, 0.5, num_classes=4, **changes), arrays, classes=classes)

    return make


def test_products_and_references_by_hand(stored) -> None:
    cell = stored("crh", class_similarity=[-0.5, 0.75, 0.25, 0.125, 0.5, 0.0])
    expected = [[1, 0, 0.5, 0], [0, 1, 0.5, -1], [0.5, 0.5, 1, -0.5], [0, -1, -0.5, 1]]
    assert center_products(cell).tolist() == expected
    tree, features = references(cell)
    assert (tree.metric, features.metric) == ("pcc", "pcc_backbone")
    assert tree.similarity.tolist() == [[1, 0, 0.5, 0], [0, 1, 0, 0.5], [0.5, 0, 1, 0], [0, 0.5, 0, 1]]
    assert features.similarity[0].tolist() == [1, -0.5, 0.75, 0.25]
    assert (features.similarity == features.similarity.T).all()


def test_order_by_tree_else_by_features_else_as_they_are(stored) -> None:
    cell = stored("crh", paths=None, class_similarity=[0.0, 0.0, 0.9, 0.9, 0.0, 0.0])
    assert class_order(4, PATHS, []).tolist() == [0, 2, 1, 3]
    order = class_order(4, None, references(cell)).tolist()
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset((0, 3)), frozenset((1, 2))}
    assert class_order(4, None, []).tolist() == [0, 1, 2, 3]


def test_where_most_methods_have_finished_then_the_longest_codes(stored) -> None:
    cells = [stored("a", 8), stored("a", 16), stored("b", 8, seed=1), stored("b", 16, seed=1), stored("a", 8, seed=1)]
    run = one_run(panels(Results(cells))[0])
    assert run is not None and (run.bits, run.seed, list(run.cells)) == (8, 1, ["a", "b"])
    run = one_run(panels(Results(cells[:2]))[0])
    assert run is not None and (run.bits, run.seed) == (16, 0)


def test_what_the_figure_says(stored, tmp_path: Path) -> None:
    cells = [stored("crh", class_similarity=[0.1] * 5 + [0.2]), stored("csq", class_similarity=[0.1] * 6, pcc=None)]
    shown = texts(rendered(Results(cells), tmp_path)["center_similarity.svg"])
    assert {"crh", "csq", "pet", "farm", "class tree", "class means of features", "darker: nearer"} <= {*shown}
    assert {"PCC −0.12 | –", "PCC – | –", "inner product of two centers / bits"} <= {*shown}
    assert "centers at 4 bits, seed 0; PCC with class tree | with class means of features" in shown


def test_the_picture_shows_the_products_in_order(stored, tmp_path: Path) -> None:
    """In the order cat, dog, cow, pig the only product of -1 is of the last two: the deepest blue off the diagonal."""
    rendered(Results([stored("crh")]), tmp_path)
    pixels = np.asarray(Image.open(tmp_path / "figures" / "center_similarity.png").convert("RGB")).astype(int)
    blue = np.argwhere((pixels[..., 2] - pixels[..., 0] > 60) & (pixels[..., 2] < 120))
    red = np.argwhere((pixels[..., 0] - pixels[..., 2] > 60) & (pixels[..., 0] < 120))
    matrix = slice(None, -120)  # above the colour bar
    blue = blue[blue[:, 0] < pixels[matrix].shape[0]]
    red = red[red[:, 0] < pixels[matrix].shape[0]]
    size = (np.ptp(red[:, 0]) + 1) / 4
    last_two = red.min(axis=0) + 2 * size
    assert (blue >= last_two - 2).all() and len(blue) > size**2


def test_without_a_reference(stored, tmp_path: Path) -> None:
    shown = texts(rendered(Results([stored("crh", paths=None)]), tmp_path)["center_similarity.svg"])
    assert "centers at 4 bits, seed 0; no class tree and no features stored" in shown


def test_methods_that_have_not_finished_there_are_counted(stored, made, tmp_path: Path) -> None:
    cells = [stored("crh"), made("csq", 4, None, num_classes=4)]
    shown = texts(rendered(Results(cells), tmp_path)["center_similarity.svg"])
    assert "without 1 method that has not finished there" in shown


@pytest.mark.slow
def test_many_methods_in_rows(stored, tmp_path: Path) -> None:
    files = rendered(Results([stored(f"method-{i}") for i in range(19)]), tmp_path)
    assert {f"method-{i}" for i in range(19)} <= {*texts(files["center_similarity.svg"])}


def test_nothing_to_draw_is_no_figure(made, kept, tmp_path: Path) -> None:
    assert rendered(Results([]), tmp_path) == {}
    assert rendered(Results([made("crh", 16, None)]), tmp_path) == {}
    assert rendered(Results([kept(made("crh", 16, 0.5))]), tmp_path) == {}  # no centers stored


def test_hostile_names_and_the_same_bytes_again(stored, tmp_path: Path) -> None:
    paths = [
        ["<script>alert(1)</script>", "a"],
        ["$x$" * 200, "b"],
        ["<script>alert(1)</script>", "c"],
        ["שלום\x00", "d"],
    ]
    cells = [stored("crh", paths=paths, method_label=name) for name in ("<script>x</script>", "$x$\x00", "y" * 500)]
    first, second = (rendered(Results(cells), tmp_path / place) for place in "ab")
    assert first == second and len(first) == 3
    assert b"<script" not in first["center_similarity.svg"]
    assert "$x$" in texts(first["center_similarity.svg"])


def test_a_file_for_each_protocol(stored, tmp_path: Path) -> None:
    cells = [stored("crh", regime=regime) for regime in ("quick", "frozen")]
    assert len({name for name in rendered(Results(cells), tmp_path) if name.endswith("svg")}) == 2

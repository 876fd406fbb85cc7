import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.reports._figures.classes import Groups, borders, linkage_order, names_of, paths_of, top_groups, tree_order

ANIMALS = [("pet", "cat", "lynx"), ("farm", "cow"), ("pet", "dog"), ("farm", "pig"), ("pet", "cat", "tabby")]


def test_depth_first_in_the_order_of_first_appearance() -> None:
    assert tree_order(ANIMALS).tolist() == [0, 4, 2, 1, 3]  # pet: cat (lynx, tabby), dog; farm: cow, pig


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3), min_size=2, max_size=12))
def test_classes_of_any_node_stand_together(paths: list[list[str]]) -> None:
    order = tree_order(paths).tolist()
    assert sorted(order) == list(range(len(paths)))
    for node in {tuple(path[:depth]) for path in paths for depth in range(1, len(path) + 1)}:
        places = [order.index(c) for c, path in enumerate(paths) if tuple(path[: len(node)]) == node]
        assert max(places) - min(places) == len(places) - 1


def test_groups_are_the_first_level_at_which_classes_part() -> None:
    groups = top_groups([("all", *path) for path in ANIMALS])
    assert groups is not None
    assert groups.names == ["pet", "farm"]
    assert groups.of_class.tolist() == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("paths", [[("a",), ("b",)], [("x", "a"), ("x", "b")], [("a",), ("a",)]])
def test_no_groups_where_every_class_is_by_itself_or_none_part(paths: list[tuple[str, ...]]) -> None:
    assert top_groups(paths) is None


def test_borders_are_the_runs_of_a_group() -> None:
    groups = Groups(["pet", "farm"], np.array([0, 1, 0, 1, 0]))
    assert borders(groups, np.array([0, 4, 2, 1, 3])) == [("pet", 0, 3), ("farm", 3, 5)]


def test_clustering_brings_like_classes_together() -> None:
    similarity = np.full((4, 4), 0.1)
    for i, j in ((0, 2), (1, 3)):
        similarity[i, j] = similarity[j, i] = 0.9
    order = linkage_order(similarity).tolist()
    assert abs(order.index(0) - order.index(2)) == 1 and abs(order.index(1) - order.index(3)) == 1
    assert linkage_order(np.eye(2)).tolist() == [0, 1]


def test_classes_of_a_cell_that_stores_none(made) -> None:
    cell = made("crh", 16, 0.5, num_classes=2)
    assert paths_of(cell) is None
    assert names_of(cell) == ["class 0", "class 1"]

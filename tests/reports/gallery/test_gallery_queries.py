import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.reports._gallery.queries import answerable, choose_queries

ALL = np.ones(6, dtype=bool)
AP = np.array([[0.9, 0.1, 0.5, 0.8, 0.0, 0.3], [0.9, 0.3, 0.1, 0.2, 0.0, 0.4]])  # means .9 .2 .3 .5 0 .35


def test_groups_by_hand() -> None:
    found = choose_queries(AP, ALL, "abc", 2)
    assert found["best"] == [0, 3]
    assert found["worst"] == [4, 1]
    assert found["different"] == [3, 2]
    assert sorted(choose_queries(AP, ALL, "abc", 6)["random"]) == [0, 1, 2, 3, 4, 5]


def test_queries_without_anything_to_find_are_drawn_by_chance_alone() -> None:
    can = ALL.copy()
    can[4] = False
    found = choose_queries(AP, can, "abc", 6)
    assert 4 in found["random"]
    assert all(4 not in found[name] and len(found[name]) == 5 for name in ("best", "worst", "different"))


def test_queries_without_ap_are_drawn_by_chance_alone() -> None:
    ap = AP.copy()
    ap[1, 0] = np.nan
    assert choose_queries(ap, ALL, "abc", 1)["best"] == [3]


def test_one_method_does_not_differ_from_itself() -> None:
    assert set(choose_queries(AP[:1], ALL, "abc", 2)) == {"random", "best", "worst"}


def test_the_protocol_seeds_the_draw() -> None:
    ap = np.ones((1, 1000))
    one, same, other = (choose_queries(ap, np.ones(1000, dtype=bool), name, 4) for name in ("abc", "abc", "abd"))
    assert one == same
    assert one["random"] != other["random"]
    assert one["best"] == one["random"]  # of equals, not the first four


@given(st.integers(0, 1000), st.integers(1, 4), st.integers(1, 12), st.integers(1, 12))
def test_a_shorter_choice_is_the_beginning_of_a_longer_one(seed: int, methods: int, queries: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    ap, can = rng.integers(0, 3, (methods, queries)) / 2, rng.random(queries) < 0.7
    longer, shorter = (choose_queries(ap, can, "x", n) for n in (count + 1, count))
    assert all(longer[name][:count] == shorter[name] for name in longer)


def test_answerable() -> None:
    assert answerable(np.array([0, 1, 2]), np.array([2, 2, 0])).tolist() == [True, False, True]
    queries = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)
    assert answerable(queries, np.array([[1, 0, 0], [1, 0, 1]], dtype=bool)).tolist() == [True, False, False]

"""Expected classes of the nearest items, against all orders of ties."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.codes.packing import pack
from bench.reports._gallery import confusions as module
from bench.reports._gallery.confusions import NEAREST, PAIRS, confusions, nearest_classes, sampled


def over_all_orders(query, query_labels, database, labels, classes: int, count: int):
    """The mean, over every order of the database, of the classes of the first `count` of a stable sort."""
    total, orders = np.zeros((classes, classes)), list(permutations(range(len(database))))
    for q, own in zip(query, query_labels, strict=True):
        distances = [int((q != row).sum()) for row in database]
        for order in orders:
            for i in sorted(order, key=lambda item: distances[item])[:count]:
                total[own, labels[i]] += 1
    return total / len(orders) / min(count, len(database))


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6))
def test_equals_the_mean_over_all_orders(seed: int, items: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    query, database = rng.choice([-1, 1], (3, 3)), rng.choice([-1, 1], (items, 3))
    labels = rng.integers(0, 3, 3), rng.integers(0, 3, items)
    found = nearest_classes(pack(query), labels[0], pack(database), labels[1], 3, count)
    np.testing.assert_allclose(found, over_all_orders(query, labels[0], database, labels[1], 3, count))


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(1, 80), st.sampled_from([1, 7, 2**19]))
def test_blocks_and_the_bound_change_nothing(seed: int, bits: int, block: int) -> None:
    rng = np.random.default_rng(seed)
    query, database = rng.choice([-1, 1], (9, bits)), rng.choice([-1, 1], (400, bits))  # enough for a bound by some
    labels = rng.integers(0, 4, 9), rng.integers(0, 4, 400)
    expected = np.zeros((4, 4))
    for q, own in zip(query, labels[0], strict=True):
        distances = (q != database).sum(axis=1)
        last = np.sort(distances)[NEAREST - 1]
        tied = distances == last
        weight = np.where(distances < last, 1, tied * (NEAREST - (distances < last).sum()) / tied.sum())
        expected[own] += np.bincount(labels[1], weight, 4) / NEAREST
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        found = nearest_classes(pack(query), labels[0], pack(database), labels[1], 4)
    np.testing.assert_allclose(found, expected)


def arrays(**changes):
    """Class 0's two queries are on three items of class 1 and seven of class 0, class 1's one on 20 of class 0."""
    near, far = np.ones((1, 8)), -np.ones((1, 8))
    return {
        "query_codes": pack(np.concatenate([near, near, far])), "query_labels": np.array([0, 0, 1], dtype=np.uint8),
        "database_codes": pack(np.concatenate([near] * 10 + [far] * 20)),
        "database_labels": np.array([1] * 3 + [0] * 7 + [0] * 20, dtype=np.uint8),
        "centers_used": np.array([[1] * 8, [1] * 3 + [-1] * 5, [-1] * 8], dtype=np.int8), **changes,
    }  # fmt: skip


def test_pairs_by_hand() -> None:
    assert confusions(arrays(), 3) == {
        "own": round((7 / 10 * 2 + 0) / 3, 4), "queries": 3, "nearest": 10, "pairs": [[1, 0, 1.0, 5], [0, 1, 0.3, 5]],
    }  # fmt: skip


def test_fewer_items_than_ten() -> None:
    found = confusions(arrays(database_codes=pack(np.ones((2, 8))), database_labels=np.array([2, 0])), 3)
    assert found is not None
    assert found["nearest"] == 2
    assert found["pairs"] == [[0, 2, 0.5, 8], [1, 0, 0.5, 5], [1, 2, 0.5, 3]]


def test_without_centers_their_distance_is_not_known() -> None:
    cell = arrays()
    del cell["centers_used"]
    found = confusions(cell, 3)
    assert found is not None and [pair[3] for pair in found["pairs"]] == [None, None]


def test_nothing_to_search() -> None:
    assert (
        confusions(arrays(database_codes=np.zeros((0, 1), np.uint8), database_labels=np.zeros(0, np.uint8)), 3) is None
    )


def test_ten_pairs_and_the_first_of_equals_first() -> None:
    codes = pack(np.ones((20, 8)))
    found = confusions(
        arrays(query_codes=codes, query_labels=np.arange(20), database_codes=codes, database_labels=np.arange(20),
               centers_used=np.ones((20, 8), np.int8)), 20
    )  # fmt: skip
    assert found is not None
    assert [pair[:2] for pair in found["pairs"]] == [[0, c] for c in range(1, PAIRS + 1)]
    assert found["own"] == 0.05


def test_of_many_queries_each_class_gives_as_many_evenly_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.array([0] * 10 + [1] * 3)
    assert sampled(labels, 2, 100).tolist() == list(range(13))
    monkeypatch.setattr(module, "_MOST_DISTANCES", 1000)
    assert sampled(labels, 2, 100).tolist() == [0, 2, 4, 6, 8, 10, 11, 12]
    assert sampled(labels, 2, 10**6).tolist() == [0, 10]

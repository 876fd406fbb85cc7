"""The nearest items and their ranks under ties, against a sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.codes.packing import pack
from bench.reports._gallery.nearest import Database, nearest, shares_class


@given(st.integers(0, 10**6), st.integers(1, 300), st.integers(1, 30), st.integers(1, 14))
def test_equals_a_stable_sort(seed: int, bits: int, items: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    database = rng.choice([-1, 1], (items, bits))
    query = database[rng.integers(items)] * rng.choice([1, 1, 1, -1], bits)
    relevant = rng.random(items) < 0.4
    distances = [sum(int(a != b) for a, b in zip(query, row, strict=True)) for row in database]
    ranked = sorted(range(items), key=lambda i: (distances[i], i))

    measured = Database(pack(database)).distances(pack(query[None]))[0]
    found = nearest(measured, relevant, count)

    assert measured.tolist() == distances
    assert found.places.tolist() == ranked[:count]
    in_order = [distances[i] for i in ranked]
    for place, number in zip(found.places, found.tie_of, strict=True):
        tie = found.ties[number]
        assert tie.distance == distances[place]
        assert tie.first == in_order.index(tie.distance) + 1
        assert tie.last == items - in_order[::-1].index(tie.distance)
        assert tie.relevant == sum(relevant[i] for i in range(items) if distances[i] == tie.distance)
    assert [tie.distance for tie in found.ties] == sorted({distances[i] for i in ranked[:count]})


def test_by_hand() -> None:
    found = nearest(np.array([3, 0, 1, 3, 1, 1], dtype=np.uint8), np.array([1, 0, 0, 1, 1, 0], dtype=bool), 3)
    assert found.places.tolist() == [1, 2, 4]
    assert [(t.distance, t.first, t.last, t.relevant) for t in found.ties] == [(0, 1, 1, 0), (1, 2, 4, 1)]


@pytest.mark.parametrize("bits", [192, 256, 320])
def test_long_codes_do_not_overflow(bits: int) -> None:
    ones = np.ones((1, bits), dtype=np.int8)
    assert Database(pack(-ones)).distances(pack(ones)).tolist() == [[bits]]


def test_relevance_is_a_shared_class() -> None:
    assert shares_class(np.int64(2), np.array([2, 0, 2])).tolist() == [True, False, True]
    several = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    assert shares_class(np.array([0, 1, 0]), several).tolist() == [True, False, False]

"""Points of methods and their correlations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reports._figures.scatter import Point, correlation


def points(x: list[float], y: list[float]) -> list[Point]:
    return [Point(str(i), a, b) for i, (a, b) in enumerate(zip(x, y, strict=True))]


def test_correlations_by_hand() -> None:
    """Deviations (-1, 0, 1, 0) and (-2, 1, 2, -1); ranks (1, 2.5, 4, 2.5) and (1, 3, 4, 2)."""
    found = correlation(points([0, 1, 2, 1], [1, 4, 5, 2]))
    assert found is not None
    assert found.pearson == pytest.approx(4 / np.sqrt(20))
    assert found.spearman == pytest.approx(4.5 / np.sqrt(22.5))


@pytest.mark.parametrize(("x", "y"), [([], []), ([0, 1], [0, 1]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [1, 1, 1])])
def test_a_correlation_that_is_undefined(x: list[float], y: list[float]) -> None:
    assert correlation(points(x, y)) is None


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=12))
def test_spearman_sees_order_alone(pairs: list[tuple[int, int]]) -> None:
    x, y = (list(map(float, values)) for values in zip(*pairs, strict=True))
    found = correlation(points(x, y))
    if found is None:
        assert len(set(x)) == 1 or len(set(y)) == 1
        return
    assert -1 - 1e-9 <= found.spearman <= 1 + 1e-9
    for others, expected in (([v**3 for v in x], found.spearman), ([-v for v in x], -found.spearman)):
        assert correlation(points(others, y)).spearman == pytest.approx(expected)
    assert correlation(points(y, x)).spearman == pytest.approx(found.spearman)

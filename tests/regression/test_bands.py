from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.regression.bands import band
from bench.regression.quantities import QUANTITIES, Quantity

MAP, D_MIN = QUANTITIES["map"], QUANTITIES["d_min"]
numbers = st.lists(st.floats(0, 1, width=16), min_size=3, max_size=30)


def test_golden_value_by_hand() -> None:
    """Values 0.1, 0.2, 0.3: mean 0.2, sd 0.1. The table has t = 2.920 for 2 degrees of freedom and 0.95."""
    found = band([0.1, 0.2, 0.3], MAP, again=3, rate=0.1)
    assert found.mean == pytest.approx(0.2)
    assert found.sd == found.unit == pytest.approx(0.1)
    assert (found.least, found.most) == (0.1, 0.3)
    assert found.low == 0  # 0.2 - 0.238416: no mAP is less than 0
    assert found.high == pytest.approx(0.2 + 2.920 * 0.1 * math.sqrt(1 / 3 + 1 / 3), abs=1e-5)
    assert found.deviations(0.35) == pytest.approx(1.5)


def test_whole_numbers_that_never_moved_have_the_spread_of_rounding() -> None:
    """Least distance 4 in 20 seeds. The table has t = 3.883 for 19 degrees of freedom and 0.9995."""
    found = band([4.0] * 20, D_MIN, again=3, rate=0.001)
    assert found.sd == 0
    assert found.unit == pytest.approx(1 / math.sqrt(12))
    half = 3.883 / math.sqrt(12) * math.sqrt(1 / 3 + 1 / 20)
    assert found.high - found.mean == pytest.approx(half, abs=1e-3)
    assert found.holds(4 + 2 / 3)
    assert not found.holds(5)


@given(numbers, st.integers(1, 5), st.floats(1e-6, 0.5))
def test_a_band_holds_its_mean_and_stays_where_values_can_be(values: list[float], again: int, rate: float) -> None:
    found = band(values, MAP, again, rate)
    assert 0 <= found.low <= found.mean + 1e-12
    assert found.mean - 1e-12 <= found.high <= 1
    assert found.least <= found.mean + 1e-12


@given(numbers, st.integers(1, 5))
def test_rarer_alarms_and_fewer_seeds_widen_it(values: list[float], again: int) -> None:
    free = Quantity("any", lambda _: None, least=-math.inf)

    def width(again: int, rate: float) -> float:
        found = band(values, free, again, rate)
        return found.high - found.low

    assert width(again, 0.001) > width(again, 0.01)
    assert width(again, 0.01) > width(again + 1, 0.01)


def test_a_value_that_a_seed_has_given_is_no_alarm() -> None:
    """One seed of twenty far away from all others: the interval of a normal quantity would leave it out."""
    values = [*[3.0] * 19, 9.0]
    found = band(values, D_MIN, again=1, rate=0.1)
    assert found.high == 9
    assert not found.holds(9.1)


def test_the_rate_of_false_alarms_is_about_what_was_asked_for() -> None:
    """10,000 programs that are as they were: 20 seeds learned from, 3 checked, of which 1 in 1,000 is to be outside."""
    rng, free, rate = np.random.default_rng(0), Quantity("any", lambda _: None, least=-math.inf), 0.001
    draws = rng.normal(0.4, 0.02, (10_000, 23))
    alarms = sum(not band(row[:20].tolist(), free, 3, rate).holds(float(row[20:].mean())) for row in draws)
    assert 3 <= alarms <= 20

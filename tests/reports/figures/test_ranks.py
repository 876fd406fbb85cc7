import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f

from bench.reports._figures.ranks import Ranking, complete, critical_difference, ranking

DEMSAR = np.array([  # Table 6 of the paper: AUC of C4.5, with m, with cf, with both, on 14 datasets
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
])  # fmt: skip


def test_the_example_of_the_paper() -> None:
    found = ranking(["C4.5", "+m", "+cf", "+m+cf"], DEMSAR)
    assert found.methods == ("+m+cf", "+m", "+cf", "C4.5")
    assert found.ranks.round(3).tolist() == [1.964, 2.0, 2.893, 3.143]
    assert found.critical == pytest.approx(1.25, abs=0.005)
    # The paper's chi square is 9.28; over 1 - (6 + 6 + 60 + 6) / (14 * 60) for the ties it is 10.23, and F is 4.187.
    assert found.p_value == pytest.approx(f.sf(13 * 10.23 / (42 - 10.23), 3, 39), rel=0.01)
    assert found.alike == [(0, 3)]  # 3.143 - 1.964 = 1.18 < 1.25


@pytest.mark.parametrize(
    ("methods", "quantile"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (8, 3.031), (10, 3.164)]
)
def test_quantiles_of_the_papers_table(methods: int, quantile: float) -> None:
    expected = quantile * np.sqrt(methods * (methods + 1) / (6 * 7))
    assert critical_difference(7, methods) == pytest.approx(expected, rel=1e-3)


def test_mean_ranks_by_hand_with_a_tie() -> None:
    found = ranking(["a", "b", "c"], np.array([[0.3, 0.3, 0.1], [0.2, 0.4, 0.4 + 1e-12]]))
    assert dict(zip(found.methods, found.ranks.tolist(), strict=True)) == {"a": 2.25, "b": 1.5, "c": 2.25}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=2, max_size=8))
def test_ranks_are_those_of_counting(rows: list[list[int]]) -> None:
    """1 + how many are better + half of the others that are equal."""
    found = ranking(["a", "b", "c"], np.array(rows, dtype=float))
    slow = {
        name: np.mean([1 + sum(v > row[i] for v in row) + (row.count(row[i]) - 1) / 2 for row in rows])
        for i, name in enumerate("abc")
    }
    assert dict(zip(found.methods, found.ranks, strict=True)) == pytest.approx(slow)
    assert 0 <= found.p_value <= 1


def test_perfect_agreement_and_no_difference_at_all() -> None:
    assert ranking(["a", "b", "c"], np.tile([3.0, 2.0, 1.0], (5, 1))).p_value == 0
    equal = ranking(["a", "b", "c"], np.ones((5, 3)))
    assert (equal.p_value, equal.alike) == (1, [(0, 2)])


@pytest.mark.parametrize(
    ("ranks", "critical", "expected"),
    [
        ([1, 2, 3, 4], 1.5, [(0, 1), (1, 2), (2, 3)]), ([1, 1.2, 1.4, 4], 1.0, [(0, 2)]), ([1, 3, 5], 2.0, []),
        ([1, 2, 2.5, 4], 1.9, [(0, 2), (2, 3)]),
    ],
)  # fmt: skip
def test_bars_are_the_longest_runs(ranks: list[float], critical: float, expected: list[tuple[int, int]]) -> None:
    found = Ranking(tuple("abcd"[: len(ranks)]), np.array(ranks, dtype=float), 9, 0.001, critical)
    assert found.alike == expected


@pytest.mark.parametrize("seed", range(20))
def test_bars_against_all_runs(seed: int) -> None:
    ranks = np.sort(np.random.default_rng(seed).uniform(1, 8, 8))
    found = Ranking(tuple("abcdefgh"), ranks, 9, 0.001, 2.0)
    runs = [(i, j) for i, j in itertools.combinations(range(8), 2) if ranks[j] - ranks[i] < 2]
    assert found.alike == [r for r in runs if not any(o != r and o[0] <= r[0] and r[1] <= o[1] for o in runs)]


def test_gaps_go_with_what_misses_most() -> None:
    table = np.ones((4, 3))
    table[1:, 2] = np.nan  # a method that hardly began
    assert [kept.tolist() for kept in complete(table)] == [[0, 1, 2, 3], [0, 1]]
    table = np.ones((4, 3))
    table[2, 1] = np.nan  # a third of a block, a quarter of a method
    assert [kept.tolist() for kept in complete(table)] == [[0, 1, 3], [0, 1, 2]]
    assert complete(np.full((2, 2), np.nan))[0].size == 0

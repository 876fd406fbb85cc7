import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.errors import ConfigError
from bench.evaluation.uncertainty import bootstrap_interval, compare, holm, paired_p_value


def test_interval_of_many_queries_is_the_normal_one() -> None:
    ap = np.random.default_rng(0).beta(2, 3, 2000)
    low, high = bootstrap_interval(ap, resamples=4000)
    half = 1.96 * ap.std(ddof=1) / len(ap) ** 0.5
    assert low == pytest.approx(ap.mean() - half, abs=half / 10)
    assert high == pytest.approx(ap.mean() + half, abs=half / 10)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(300):
        low, high = bootstrap_interval(rng.beta(2, 3, 120), level=0.9, resamples=300, seed=trial)
        covered += low <= 0.4 <= high
    assert 0.84 < covered / 300 < 0.95


def test_interval_over_seeds_and_queries_is_wider_where_seeds_differ() -> None:
    rng = np.random.default_rng(2)
    queries = rng.normal(0.5, 0.1, 400)
    alike = np.stack([queries] * 5)
    apart = alike + rng.normal(0, 0.05, (5, 1))
    one, same, wide = (bootstrap_interval(x, resamples=3000) for x in (queries, alike, apart))
    assert same.high - same.low == pytest.approx(one.high - one.low, rel=0.1)
    spread = 1.96 * (0.1**2 / 400 + apart.mean(axis=1).var() / 5) ** 0.5
    assert (wide.high - wide.low) / 2 == pytest.approx(spread, rel=0.2)


def test_interval_is_reproducible_and_of_one_value_is_that_value() -> None:
    ap = np.random.default_rng(3).random(50)
    assert bootstrap_interval(ap, seed=4) == bootstrap_interval(ap, seed=4) != bootstrap_interval(ap, seed=5)
    assert bootstrap_interval([0.25, 0.25]) == (0.25, 0.25)


@given(st.integers(0, 2**32 - 1))
def test_p_value_is_that_of_all_sign_flips(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.random(8), rng.random(8)
    flips = np.array(list(itertools.product([-1, 1], repeat=8))) @ (a - b)
    exact = (abs(flips) >= abs((a - b).sum()) - 1e-9).mean()
    assert paired_p_value(a, b, resamples=4000) == pytest.approx(exact, abs=0.04)


def test_p_value_agrees_with_scipy() -> None:
    rng = np.random.default_rng(5)
    a = rng.random(60)
    b = a + rng.normal(0.03, 0.1, 60)
    theirs = stats.permutation_test(
        (a, b), lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=9999, rng=0,
    ).pvalue  # fmt: skip
    assert paired_p_value(a, b) == pytest.approx(theirs, abs=0.01)


def test_p_value_of_no_difference_and_of_a_sure_one() -> None:
    a = np.random.default_rng(6).random(200)
    assert paired_p_value(a, a) == 1
    assert paired_p_value(a, a + 0.1, resamples=999) == pytest.approx(1 / 1000)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]).tolist() == [1, 1]
    assert holm([]).tolist() == []


def test_compare_takes_every_pair_and_the_mean_over_seeds() -> None:
    rng = np.random.default_rng(7)
    a = rng.random(100)
    found = compare({"x": np.stack([a, a + 0.02]), "y": a, "z": a + 0.2})
    assert [(c.first, c.second) for c in found] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert found[0].difference == pytest.approx(0.01)
    assert found[2].difference == pytest.approx(-0.2)
    assert all(c.p_holm >= c.p_value for c in found)


def test_compare_gives_each_pair_the_p_value_it_has_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.evaluation.uncertainty._CHUNK_PAIRS", 4)
    rng = np.random.default_rng(8)
    base = rng.random(70)
    ap = {name: base + rng.normal(0.01 * i, 0.08, 70) for i, name in enumerate("abcde")}
    for c in compare(ap, resamples=2000, seed=3):
        assert c.p_value == pytest.approx(paired_p_value(ap[c.first], ap[c.second], 2000, seed=3), abs=1e-3)


def test_bad_input() -> None:
    with pytest.raises(ConfigError, match="at least one query"):
        bootstrap_interval([])
    with pytest.raises(ConfigError, match="level"):
        bootstrap_interval([0.5], level=95)
    with pytest.raises(ConfigError, match="same queries"):
        paired_p_value([0.5], [0.5, 0.6])
    with pytest.raises(ConfigError, match="same queries"):
        compare({"a": [0.5, 0.2], "b": [0.5]})

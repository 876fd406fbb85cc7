import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.codes.histograms import Histograms
from bench.errors import ConfigError
from bench.evaluation import ranking as ranking_module
from bench.evaluation.ranking import Evaluation

FIVE = [(1, 1), (3, 1), (0, 0), (0, 0), (1, 1)]  # (items, relevant) by distance


def of_buckets(*rows: list[tuple[int, int]]) -> Evaluation:
    table = np.array(rows)
    return Evaluation(Histograms(table[..., 0], table[..., 1]))


def orders(buckets: list[tuple[int, int]]) -> list[tuple[int, ...]]:
    """All rankings, as relevance by rank, that the ties allow; each equally likely."""
    inside = [set(itertools.permutations([1] * p + [0] * (n - p))) for n, p in buckets]
    return [sum(parts, ()) for parts in itertools.product(*inside)]


def ap(order: tuple[int, ...], k: int, normalizer: str, relevant: int) -> Fraction:
    hits, total = 0, Fraction(0)
    for rank, hit in enumerate(order[:k], 1):
        hits += hit
        total += Fraction(hit * hits, rank)
    divisor = {"hits": hits, "all": relevant, "min": min(k, relevant)}[normalizer]
    return total / divisor if divisor else Fraction(0)


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        (FIVE, Fraction(209, 270)),
        ([(5, 2)], Fraction(237, 400)),
        ([(2, 1), (3, 2)], Fraction(181, 270)),
        ([(3, 2), (0, 0), (4, 1), (5, 3), (8, 0)], Fraction(18551, 30240)),
    ],
)
def test_golden_expected_ap(buckets: list[tuple[int, int]], expected: Fraction) -> None:
    assert of_buckets(buckets).map == pytest.approx(float(expected), abs=1e-12)


def test_golden_ap_at_k() -> None:
    five = [1, 1, 17 / 18, 31 / 36, 209 / 270]
    assert [of_buckets(FIVE).map_at(k, "hits") for k in range(1, 6)] == pytest.approx(five)
    two = [1 / 2, 3 / 4, 13 / 18, 37 / 54, 181 / 270]
    assert [of_buckets([(2, 1), (3, 2)]).map_at(k, "hits") for k in range(1, 6)] == pytest.approx(two)
    long = of_buckets([(3, 2), (0, 0), (4, 1), (5, 3), (8, 0)])
    assert long.map_at(5, "hits") == pytest.approx(0.7837962963, abs=1e-9)
    assert long.map_at(10, "hits") == pytest.approx(0.6427966265, abs=1e-9)


def test_best_and_worst_by_hand() -> None:
    result = of_buckets(FIVE)
    assert result.map_best == pytest.approx(13 / 15)
    assert result.map_worst == pytest.approx(7 / 10)


@st.composite
def small_buckets(draw: st.DrawFn) -> list[tuple[int, int]]:
    sizes = draw(st.lists(st.integers(0, 4), min_size=1, max_size=3).filter(any))
    return [(n, draw(st.integers(0, n))) for n in sizes]


@given(small_buckets(), st.integers(1, 9), st.sampled_from(["hits", "all", "min"]))
def test_closed_forms_equal_the_mean_over_all_orders(buckets: list[tuple[int, int]], k: int, normalizer: str) -> None:
    every, relevant = orders(buckets), sum(p for _, p in buckets)
    k = min(k, len(every[0]))
    result = of_buckets(buckets)
    mean = sum(ap(o, k, normalizer, relevant) for o in every) / len(every)
    assert result.map_at(k, normalizer) == pytest.approx(float(mean), abs=1e-12)
    whole = [ap(o, len(o), "all", relevant) for o in every]
    assert result.map == pytest.approx(float(sum(whole) / len(whole)), abs=1e-12)
    assert result.map_best == pytest.approx(float(max(whole)), abs=1e-12)
    assert result.map_worst == pytest.approx(float(min(whole)), abs=1e-12)
    hits = sum(sum(o[:k]) for o in every) / len(every)
    assert result.precision_at(k) == pytest.approx(hits / k)
    assert result.recall_at(k) == pytest.approx(hits / max(relevant, 1))


def test_closed_forms_on_1200_seeded_cases_at_every_cutoff() -> None:
    rng = np.random.default_rng(0)
    for _ in range(1200):
        sizes = rng.integers(0, 4, rng.integers(1, 5))
        buckets = [(int(n), int(rng.integers(0, n + 1))) for n in sizes]
        if not (total := int(sizes.sum())):
            continue
        every, relevant, result = orders(buckets), sum(p for _, p in buckets), of_buckets(buckets)
        cuts = {1, total, int(rng.integers(1, total + 1))}
        for k, normalizer in itertools.product(cuts, ("hits", "all", "min")):
            mean = sum(ap(o, k, normalizer, relevant) for o in every) / len(every)
            assert abs(result.map_at(k, normalizer) - float(mean)) < 1e-12, (buckets, k, normalizer)


@given(small_buckets())
def test_a_database_of_millions_needs_no_table(buckets: list[tuple[int, int]]) -> None:
    expected = of_buckets(buckets).map
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking_module, "_TABLE_ENTRIES", 0)
        assert of_buckets(buckets).map == pytest.approx(expected, abs=1e-12)


@given(small_buckets())
def test_chance_is_one_large_tie(buckets: list[tuple[int, int]]) -> None:
    whole = [(sum(n for n, _ in buckets), sum(p for _, p in buckets))]
    assert of_buckets(buckets).map_chance == pytest.approx(of_buckets(whole).map)


@given(small_buckets())
def test_hits_at_the_whole_database_is_the_plain_ap(buckets: list[tuple[int, int]]) -> None:
    result = of_buckets(buckets)
    assert result.map_at(1000, "hits") == pytest.approx(result.map_at(1000, "all")) == pytest.approx(result.map)


def test_queries_without_a_relevant_item_count_as_zero() -> None:
    result = of_buckets([(2, 1), (1, 0)], [(3, 0), (0, 0)])
    assert result.empty_queries == 1
    assert result.ap[1] == 0
    assert result.map == pytest.approx(result.ap[0] / 2)


def test_queries_without_a_relevant_item_can_be_skipped() -> None:
    table = np.array([[(2, 1), (1, 0)], [(3, 0), (0, 0)]])
    histograms = Histograms(table[..., 0], table[..., 1])
    skipping = Evaluation(histograms, empty="skip")
    assert skipping.map == skipping.ap[0]
    assert skipping.counted.tolist() == [True, False]
    assert skipping.map_stderr == 0
    nothing = Evaluation(Histograms(table[1:, :, 0], table[1:, :, 1]), empty="skip")
    assert nothing.map == nothing.map_best == nothing.precision_at(1) == 0
    with pytest.raises(ConfigError, match="zero or skip"):
        Evaluation(histograms, empty="one")  # type: ignore[arg-type]


def test_lookups_within_a_radius_by_hand() -> None:
    result = of_buckets([(0, 0), (4, 1), (1, 1)], [(2, 2), (0, 0), (3, 0)])
    assert result.within(0) == (0.5, 0.5, 0.5)  # the first query finds nothing: precision 0
    assert result.within(1) == ((1 / 4 + 1) / 2, (1 / 2 + 1) / 2, 1)
    assert result.within(99) == ((2 / 5 + 2 / 5) / 2, 1, 1)
    assert result.bucket_occupancy.tolist() == [1, 2, 2]
    with pytest.raises(ConfigError, match="radius"):
        result.within(-1)


def test_a_cutoff_for_each_query() -> None:
    result = of_buckets(FIVE, FIVE, FIVE)
    each = result.ap_at(np.array([0, 3, 5]), "hits")
    assert each == pytest.approx([0, 17 / 18, 209 / 270])


def test_precision_recall_curve_by_hand() -> None:
    precision, recall = of_buckets([(0, 0), (2, 1), (2, 1)]).pr_curve
    assert precision.tolist() == [1, 0.5, 0.5]
    assert recall.tolist() == [0, 0.5, 1]


def test_standard_error_is_over_queries() -> None:
    result = of_buckets([(1, 1), (1, 0)], [(1, 0), (1, 1)])
    assert result.ap.tolist() == [1, 0.5]
    assert result.map_stderr == pytest.approx(np.std([1, 0.5], ddof=1) / 2**0.5)
    assert of_buckets([(1, 1)]).map_stderr == 0


@pytest.mark.parametrize(("k", "normalizer"), [(0, "all"), (3, "none")])
def test_bad_cutoffs_are_refused(k: int, normalizer: str) -> None:
    with pytest.raises(ConfigError):
        of_buckets(FIVE).map_at(k, normalizer)  # type: ignore[arg-type]

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import bench
from bench.codes.packing import pack
from bench.errors import ConfigError, DataError
from bench.evaluation.evaluate import evaluate_parts


def sorted_map(distances: np.ndarray, relevant: np.ndarray) -> float:
    """AP by a sort, for rankings without ties."""
    total = 0.0
    for d, r in zip(distances, relevant, strict=True):
        hits = r[np.argsort(d)]
        total += float((hits * np.cumsum(hits) / np.arange(1, len(hits) + 1)).sum() / max(hits.sum(), 1))
    return total / len(distances)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    q, n = draw(st.integers(1, 5)), draw(st.integers(1, 30))
    codes = [rng.integers(0, 2, (m, 12)) * 2 - 1 for m in (q, n)]
    labels = [rng.integers(0, 3, m) for m in (q, n)]
    return codes[0], labels[0], codes[1], labels[1]


@given(cases(), st.integers(0, 2**32 - 1))
def test_order_of_the_database_changes_nothing(case: tuple[np.ndarray, ...], seed: int) -> None:
    q, ql, d, dl = case
    order = np.random.default_rng(seed).permutation(len(d))
    assert np.array_equal(bench.evaluate(q, ql, d, dl).ap, bench.evaluate(q, ql, d[order], dl[order]).ap)


@given(cases())
def test_expected_map_lies_between_worst_and_best(case: tuple[np.ndarray, ...]) -> None:
    result = bench.evaluate(*case)
    assert result.map_worst - 1e-12 <= result.map <= result.map_best + 1e-12


def test_without_ties_it_is_the_ordinary_map() -> None:
    bits = 16
    database = np.where(np.arange(bits)[None] < np.arange(bits + 1)[:, None], 1, -1)  # all distances differ
    query, labels = np.full((1, bits), -1), np.arange(bits + 1) % 3
    distances = (query[:, None] != database[None]).sum(2)
    expected = sorted_map(distances, (labels == 1)[None].astype(float))
    result = bench.evaluate(query, [1], database, labels)
    assert result.map == pytest.approx(expected) == pytest.approx(result.map_best) == pytest.approx(result.map_worst)


@given(cases(), st.integers(1, 35), st.sampled_from(["hits", "all", "min"]))
def test_stable_ties_are_those_of_a_stable_sort(case: tuple[np.ndarray, ...], k: int, normalizer: str) -> None:
    q, ql, d, dl = case
    result = bench.evaluate(*case, ties="stable")
    for i in range(len(q)):
        hits = (dl == ql[i])[np.argsort((q[i] != d).sum(1), kind="stable")]
        places = np.flatnonzero(hits[:k]) + 1
        divisor = {"hits": len(places), "all": hits.sum(), "min": min(hits.sum(), k, len(d))}[normalizer]
        expected = (np.arange(1, len(places) + 1) / places).sum() / max(divisor, 1)
        assert result.ap_at(k, normalizer)[i] == pytest.approx(expected, abs=1e-12)
        assert result.hits_at(k)[i] == len(places)
    assert result.map_worst - 1e-12 <= result.map <= result.map_best + 1e-12


@given(cases())
def test_stable_ties_of_one_hot_rows_and_of_parts(case: tuple[np.ndarray, ...]) -> None:
    q, ql, d, dl = case
    expected = bench.evaluate(*case, ties="stable").ap
    rows = np.eye(3, dtype=bool)
    assert np.array_equal(bench.evaluate(q, rows[ql], d, rows[dl], ties="stable").ap, expected)
    half = len(d) // 2
    parts = [(pack(d[s]), dl[s]) for s in (slice(half), slice(half, None)) if len(d[s])]
    found = evaluate_parts(pack(q), ql, parts, q.shape[1], ties="stable")
    assert found.ap == pytest.approx(expected, abs=1e-12)


def test_shuffles_have_the_expectation_as_their_mean() -> None:
    rng = np.random.default_rng(1)
    q, d = (rng.integers(0, 2, (n, 4)) * 2 - 1 for n in (3, 30))
    ql, dl = rng.integers(0, 3, 3), np.sort(rng.integers(0, 3, 30))
    shuffled = [bench.evaluate(q, ql, d, dl, ties="shuffled", seed=s).map for s in range(300)]
    assert np.mean(shuffled) == pytest.approx(bench.evaluate(q, ql, d, dl).map, abs=4 * np.std(shuffled) / 300**0.5)
    assert shuffled[7] == bench.evaluate(q, ql, d, dl, ties="shuffled", seed=7).map
    assert len(set(shuffled)) > 100


def test_packed_codes_tensors_and_one_hot_rows_give_the_same() -> None:
    rng = np.random.default_rng(0)
    q, d = (rng.integers(0, 2, (n, 20)) * 2 - 1 for n in (4, 30))
    ql, dl = rng.integers(0, 3, 4), rng.integers(0, 3, 30)
    plain = bench.evaluate(q, ql, d, dl).map
    assert bench.evaluate(pack(q), ql, pack(d), dl, bits=20).map == plain
    assert bench.evaluate(torch.tensor(q), torch.tensor(ql), torch.tensor(d), torch.tensor(dl)).map == plain
    assert bench.evaluate(q, np.eye(3)[ql], d, np.eye(3)[dl]).map == plain


def test_bad_inputs_are_refused() -> None:
    good = np.ones((2, 8))
    with pytest.raises(DataError, match="rows of one length"):
        bench.evaluate(good, [0, 1], np.ones((2, 9)), [0, 1])
    with pytest.raises(DataError, match="uint8"):
        bench.evaluate(good, [0, 1], good, [0, 1], bits=8)
    with pytest.raises(DataError, match="class indices"):
        bench.evaluate(good, np.zeros((2, 1, 1)), good, [0, 1])
    with pytest.raises(DataError, match="from 0 on"):
        bench.evaluate(good, [0, -1], good, [0, 1])
    with pytest.raises(DataError, match="from 0 on"):
        bench.evaluate(good, [0.0, 0.5], good, [0, 1])
    with pytest.raises(ConfigError, match="ties"):
        bench.evaluate(good, [0, 1], good, [0, 1], ties="coin")

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.codes import histograms as module
from bench.codes.histograms import distance_histograms
from bench.codes.packing import pack
from bench.errors import DataError


def naive(q: np.ndarray, ql: np.ndarray, d: np.ndarray, dl: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    bits = q.shape[1]
    items, relevant = np.zeros((len(q), bits + 1), int), np.zeros((len(q), bits + 1), int)
    for i in range(len(q)):
        for j in range(len(d)):
            distance = int((q[i] != d[j]).sum())
            items[i, distance] += 1
            shared = ql[i] == dl[j] if ql.ndim == 1 else bool((ql[i] & dl[j]).any())
            relevant[i, distance] += shared
    return items, relevant


@st.composite
def retrievals(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bits, classes = draw(st.integers(1, 80)), draw(st.integers(2, 5))
    sizes = draw(st.integers(1, 6)), draw(st.integers(1, 25))
    codes = [(rng.integers(0, 2, (n, bits)) * 2 - 1).astype(np.int8) for n in sizes]
    if draw(st.booleans()):
        labels = [rng.integers(0, classes, n) for n in sizes]
    else:
        labels = [rng.random((n, classes)) < 0.4 for n in sizes]
    return codes[0], labels[0], codes[1], labels[1]


@given(retrievals())
def test_counts_equal_a_double_loop(case: tuple[np.ndarray, ...]) -> None:
    q, ql, d, dl = case
    found = distance_histograms(pack(q), ql, pack(d), dl, q.shape[1])
    items, relevant = naive(*case)
    assert np.array_equal(found.items, items)
    assert np.array_equal(found.relevant, relevant)


@given(retrievals(), st.integers(1, 200))
def test_chunks_and_shards_change_nothing(case: tuple[np.ndarray, ...], budget: int) -> None:
    q, ql, d, dl = case
    bits, packed = q.shape[1], pack(d)
    whole = distance_histograms(pack(q), ql, packed, dl, bits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK_BYTES", budget)
        chunked = distance_histograms(pack(q), ql, packed, dl, bits)
    assert np.array_equal(chunked.relevant, whole.relevant)
    if len(d) > 1:
        half = len(d) // 2
        parts = [distance_histograms(pack(q), ql, packed[s], dl[s], bits) for s in (slice(half), slice(half, None))]
        assert np.array_equal((parts[0] + parts[1]).items, whole.items)
        assert np.array_equal((parts[0] + parts[1]).relevant, whole.relevant)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": np.zeros((0, 1), np.uint8), "query_labels": np.zeros(0, int)}, "at least one query"),
        ({"database": np.zeros((2, 2), np.uint8)}, "must both hold 8 bits"),
        ({"database_labels": np.zeros(3, int)}, "labels do not match"),
        ({"database_labels": np.zeros((2, 3), bool)}, "one form"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    good = {
        "query": np.zeros((1, 1), np.uint8), "query_labels": np.zeros(1, int), "database": np.zeros((2, 1), np.uint8),
        "database_labels": np.zeros(2, int),
    }  # fmt: skip
    with pytest.raises(DataError, match=message):
        distance_histograms(**{**good, **change}, bits=8)

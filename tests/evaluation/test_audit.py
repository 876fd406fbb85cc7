import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.centers.hadamard import hadamard
from bench.evaluation import audit as module
from bench.evaluation.audit import audit_centers, audit_codes


def words(*texts: str) -> np.ndarray:
    return np.array([[1 if c == "+" else -1 for c in text] for text in texts], np.int8)


def test_centers_by_hand() -> None:
    found = audit_centers(words("++++", "++--", "++++", "+---"))
    # distances 2, 0, 3, 2, 1, 3
    assert found["distances"] == [1, 1, 2, 2, 0]
    assert (found["d_min"], found["duplicates"], found["constant_bits"]) == (0, 1, 1)
    assert found["d_mean"] == pytest.approx(11 / 6)
    assert found["d_variance"] == pytest.approx(np.var([2, 0, 3, 2, 1, 3]))


def test_hadamard_rows_reach_the_plotkin_bound() -> None:
    matrix = hadamard(16)
    assert matrix is not None
    found = audit_centers(np.concatenate([matrix, -matrix]))
    assert found["d_min"] == found["plotkin"] == 8


@given(st.integers(2, 9), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_no_code_beats_an_upper_bound(classes: int, bits: int, seed: int) -> None:
    centers = (np.random.default_rng(seed).integers(0, 2, (classes, bits)) * 2 - 1).astype(np.int8)
    found = audit_centers(centers)
    assert found["d_min"] <= min(found["plotkin"], found["sphere_packing"])
    pairs = [int((a != b).sum()) for a, b in itertools.combinations(centers, 2)]
    assert found["distances"] == np.bincount(pairs, minlength=bits + 1).tolist()


def test_codes_by_hand() -> None:
    codes = words("+++-", "++--", "+-+-", "+---")
    centers = words("++++", "----", "+-+-")
    found = audit_codes(codes, np.array([0, 0, 2, 1]), centers)
    assert found["bit_balance"] == pytest.approx((0.5 + 0 + 0 + 0.5) / 4)
    assert found["bit_entropy"] == pytest.approx((0 + 1 + 1 + 0) / 4)
    assert found["bit_correlation"] == pytest.approx(0)  # of the two bits that vary
    assert found["own_center_distance"] == pytest.approx((1 + 2 + 0 + 1) / 4)
    assert found["other_center_distance"] == pytest.approx((1 + 2 + 2 + 1) / 4)
    assert found["own_center_distances"] == [1, 2, 1, 0, 0]
    assert found["other_center_distances"] == [0, 2, 2, 0, 0]


def test_the_own_center_of_several_classes_is_the_nearest() -> None:
    rows = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 0]], bool)
    found = audit_codes(words("++++", "++--", "----"), rows, words("++++", "+---", "----"))
    assert found["own_center_distance"] == pytest.approx((0 + 1) / 2)  # the item without a class has none
    assert found["other_center_distance"] == pytest.approx((4 + 0) / 2)  # the item of all classes has no other


def test_equal_bits_correlate_and_constant_codes_have_no_correlation() -> None:
    found = audit_codes(words("++", "--"), np.array([0, 1]), words("++", "--"))
    assert found["bit_correlation"] == pytest.approx(1)
    constant = audit_codes(words("++", "++"), np.array([0, 1]), words("++", "--"))
    assert constant["bit_correlation"] is None
    assert constant["bit_entropy"] == 0


@given(st.integers(2, 60), st.integers(0, 2**32 - 1))
def test_codes_in_blocks_equal_plain_numbers(items: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes, centers = (np.where(rng.random((n, 6)) < 0.8, 1, -1).astype(np.int8) for n in (items, 5))
    labels = rng.integers(0, 5, items)
    distances = (codes[:, None] != centers).sum(axis=2).astype(float)
    own = distances[range(items), labels]
    distances[range(items), labels] = np.inf
    varying = codes[:, codes.std(axis=0) > 0]
    pairs = np.triu_indices(varying.shape[1], 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_ENTRIES", 20)
        patch.setattr(module, "_BLOCK_ITEMS", 7)
        found = audit_codes(codes, labels, centers)
    assert found["own_center_distance"] == pytest.approx(own.mean())
    assert found["other_center_distance"] == pytest.approx(distances.min(axis=1).mean())
    if len(pairs[0]):
        expected = abs(np.corrcoef(varying, rowvar=False))[pairs].mean()
        assert found["bit_correlation"] == pytest.approx(expected, abs=1e-12)
    else:
        assert found["bit_correlation"] is None


def test_distances_to_many_centers_need_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_ENTRIES", 2**14)
    codes, centers = np.ones((20_000, 8), np.int8), np.ones((300, 8), np.int8)
    tracemalloc.start()
    audit_codes(codes, np.arange(20_000) % 300, centers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000  # all distances would take 24 MB

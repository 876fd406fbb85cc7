import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.centers import separation as module
from bench.centers.separation import distance_counts, separation


def test_by_hand() -> None:
    found = separation(np.array([[1, 1, 1], [1, 1, 1], [-1, -1, 1]]))
    assert found.counts.tolist() == [1, 0, 2, 0]
    assert (found.least, found.duplicates) == (0, 1)
    assert found.mean == pytest.approx(4 / 3)
    assert found.variance == pytest.approx(np.var([0, 2, 2]))
    assert found.mds_score == pytest.approx(4 / 3 + 0 - np.var([0, 2, 2]))


@given(st.integers(2, 40), st.integers(1, 70), st.integers(1, 9), st.integers(0, 2**31))
def test_blocks_equal_a_loop_over_pairs(classes: int, bits: int, block: int, seed: int) -> None:
    centers = np.random.default_rng(seed).integers(0, 2, (classes, bits)) * 2 - 1
    expected = np.zeros(bits + 1, int)
    for a, b in itertools.combinations(centers, 2):
        expected[(a != b).sum()] += 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        assert distance_counts(centers).tolist() == expected.tolist()

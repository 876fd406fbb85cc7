import numpy as np
import pytest

from bench.centers.bounds import target_distance
from bench.centers.hadamard_rows import hadamard_rows
from bench.centers.mds_centers import mds_centers
from bench.centers.mds_search import search
from bench.centers.separated import better_spread
from bench.centers.separation import separation


@pytest.mark.parametrize(("bits", "classes"), [(16, 10), (32, 10), (16, 100), (48, 80), (64, 100), (128, 80)])
def test_no_worse_than_the_target_and_than_mds_own_start(bits: int, classes: int) -> None:
    target = target_distance(bits, classes)
    centers = mds_centers(classes, bits, target, np.random.default_rng(0))
    assert separation(centers).least >= target
    start, whole = hadamard_rows(classes, bits, np.random.default_rng(0), tries=1)
    assert not whole or separation(centers).mds_score >= separation(start).mds_score


def test_where_hadamard_rows_are_farther_apart_they_are_kept() -> None:
    assert separation(mds_centers(100, 64, 24, np.random.default_rng(0))).least == 32


def test_no_worse_than_the_released_search() -> None:
    start, _ = hadamard_rows(10, 16, np.random.default_rng(40), tries=5, never_accept=True)
    released = search(start, 6, np.random.default_rng(40)).centers
    ours = mds_centers(10, 16, 6, np.random.default_rng(40))
    assert separation(ours).mds_score >= separation(released).mds_score
    assert separation(ours).mean >= separation(released).mean


@pytest.mark.parametrize("seed", range(3))
def test_a_better_spread_gives_nothing_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start = (rng.integers(0, 2, (30, 24)) * 2 - 1).astype(np.int8)
    before, after = separation(start), separation(better_spread(start, rng=rng))
    assert after.least >= before.least
    assert after.mean >= before.mean
    assert after.variance <= before.variance + 1e-9

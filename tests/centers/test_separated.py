import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.centers import _separated_kernels as kernels
from bench.centers import separated as module
from bench.centers.bounds import plotkin, target_distance
from bench.centers.separated import separated_centers
from bench.centers.separation import separation
from bench.errors import ConfigError


def solve(size: int, bits: int, target: int | None = None, seed: int = 0) -> np.ndarray:
    return separated_centers(size, bits, target, rng=np.random.default_rng(seed))


def distances(centers: np.ndarray) -> list[int]:
    return [int((a != b).sum()) for a, b in itertools.combinations(centers, 2)]


def violation(centers: np.ndarray, target: int) -> int:
    return sum(max(target - d, 0) for d in distances(centers))


def energy(centers: np.ndarray) -> int:
    """Sum of squares of the inner products of columns."""
    wide = centers.astype(np.int64)
    return int(((wide.T @ wide) ** 2).sum())


def state_of(centers: np.ndarray) -> tuple:
    return module._pack(centers), centers.sum(axis=0, dtype=np.int64), module._gram(centers)


def assert_state(centers: np.ndarray, words: np.ndarray, sums: np.ndarray, gram: np.ndarray) -> None:
    """What is kept up to date equals what the centers give anew."""
    for kept, anew in zip((words, sums, gram), state_of(centers), strict=True):
        assert np.array_equal(kept, anew)


@pytest.mark.parametrize("bits", [16, 32, 48, 64, 128])
@pytest.mark.parametrize("size", [10, 80, 100, 196, 555])
def test_targets_of_the_papers_are_reached_with_the_largest_mean(bits: int, size: int) -> None:
    centers = solve(size, bits)
    found = separation(centers)
    assert found.least >= target_distance(bits, size)
    assert abs(centers.sum(axis=0, dtype=np.int64)).max() == size % 2
    assert found.mean == pytest.approx(2 * bits * (size**2 // 4) / (size * (size - 1)))


@pytest.mark.parametrize(("size", "bits"), [(100, 16), (100, 32), (196, 64), (555, 32)])
def test_variance_is_near_its_bound(size: int, bits: int) -> None:
    # Uncorrelated balanced columns: sum of squares of all inner products of centers K C^2, C K^2 of them with itself.
    mean_square = (bits * size**2 - size * bits**2) / (size * (size - 1))
    bound = (mean_square - (bits / (size - 1)) ** 2) / 4
    found = separation(solve(size, bits))
    random = separation(module._balanced_columns(size, bits, np.random.default_rng(0)))
    assert bound - 1e-9 <= found.variance < bound + 0.1 * (random.variance - bound)


def test_moments_come_from_columns() -> None:
    centers = module._balanced_columns(13, 10, np.random.default_rng(0))
    products = 10 - 2 * np.array(distances(centers))
    assert 2 * products.sum() == (centers.sum(axis=0, dtype=np.int64) ** 2).sum() - 13 * 10
    assert 2 * (products**2).sum() == energy(centers) - 13 * 10**2


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 40), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_properties(size: int, bits: int, seed: int) -> None:
    target = target_distance(bits, size)
    if target > bits:
        return
    centers = solve(size, bits, seed=seed)
    assert (centers.shape, centers.dtype) == ((size, bits), np.int8)
    assert (abs(centers) == 1).all()
    assert np.array_equal(centers, solve(size, bits, seed=seed))
    if size > 2**bits:
        assert separation(centers).least == 0
    elif target <= 2:
        assert separation(centers).least >= min(target, 1)


def test_all_words_are_found_when_all_are_needed() -> None:
    assert len(np.unique(solve(256, 8), axis=0)) == 256
    assert len(np.unique(solve(200, 8), axis=0)) == 200


def test_more_classes_than_words() -> None:
    found = separation(solve(300, 8))
    assert (found.least, found.duplicates) == (0, 44)
    assert separation(solve(5, 1)).duplicates == 1 + 3  # 2 and 3 of a kind


def test_small_cases_by_hand() -> None:
    assert distances(solve(2, 8)) == [8]
    assert distances(solve(2, 1)) == [1]
    assert sorted(distances(solve(3, 6))) == [4, 4, 4]  # 000000, 001111, 111100 and the like


@pytest.mark.parametrize(("size", "bits", "target"), [(100, 32, 32), (20, 16, 12), (3, 8, 8)])
def test_a_target_out_of_reach_gives_the_largest_distance_found(size: int, bits: int, target: int) -> None:
    least = separation(solve(size, bits, target)).least
    assert target_distance(bits, size) - 1 <= least <= plotkin(bits, size) < target


def test_failure_is_searched_by_bisection(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def attempt(_size: int, _bits: int, target: int, _rng: np.random.Generator) -> module._Found:
        tried.append(target)
        return module._Found(np.full((2, 1), target, np.int8), target if target <= 19 else 3, 0)

    monkeypatch.setattr(module, "_attempt", attempt)
    assert solve(100, 64, 24)[0, 0] == 19
    assert tried == [24, 13, 18, 21, 19, 20]
    tried.clear()
    assert solve(100, 64, 64)[0, 0] == 19
    assert tried[1] == (3 + plotkin(64, 100) + 1) // 2  # nothing above the bounds is tried


@pytest.mark.parametrize(("size", "bits", "target"), [(30, 10, 4), (40, 70, 28), (60, 8, 3), (12, 130, 60)])
def test_each_move_does_what_it_says(size: int, bits: int, target: int) -> None:
    centers = np.random.default_rng(1).choice(np.array([-1, 1], np.int8), (size, bits))
    words, sums, gram = state_of(centers)
    draws = np.array([12345], np.uint64)
    left = kernels.repair(centers, words, sums, gram, target, 400, draws)
    assert_state(centers, words, sums, gram)
    assert left == violation(centers, target)
    imbalance = abs(sums).sum()
    kernels.balance(centers, words, sums, gram, target)
    assert_state(centers, words, sums, gram)
    assert abs(sums).sum() <= imbalance
    assert violation(centers, target) <= left
    before, old_sums, old = energy(centers), sums.copy(), violation(centers, target)
    fallen = kernels.exchange(centers, words, sums, gram, target, 8, draws)
    assert_state(centers, words, sums, gram)
    assert before - energy(centers) == 8 * fallen
    assert np.array_equal(sums, old_sums)
    assert violation(centers, target) <= old


def test_balance_works_where_distances_allow() -> None:
    centers = np.ones((20, 6), np.int8)
    words, sums, gram = state_of(centers)
    kernels.balance(centers, words, sums, gram, -1)
    assert (sums == 0).all()
    assert_state(centers, words, sums, gram)
    for target, left in ((0, 0), (1, 2)):  # at 1, each +1 is as near as may be to the -1
        held = np.array([[1], [1], [1], [-1]], np.int8)
        words, sums, gram = state_of(held)
        kernels.balance(held, words, sums, gram, target)
        assert (sums.tolist(), held.sum()) == ([left], left)


def test_repair_brings_back_the_best_state_it_saw() -> None:
    rng = np.random.default_rng(0)
    for steps in range(0, 300, 20):  # 12 words of 5 bits at distance 3: there are only 4
        centers = rng.choice(np.array([-1, 1], np.int8), (12, 5))
        start = violation(centers, 3)
        words, sums, gram = state_of(centers)
        left = kernels.repair(centers, words, sums, gram, 3, steps, np.array([7], np.uint64))
        assert 0 < left == violation(centers, 3) <= start
        assert_state(centers, words, sums, gram)


def test_flip_costs_equal_the_plain_ones() -> None:
    centers = np.random.default_rng(3).choice(np.array([-1, 1], np.int8), (15, 9))
    words = module._pack(centers)
    found, near = np.empty(9, np.int64), np.empty(15, np.uint16)
    for i in range(15):
        kernels._distances(words, i, near)
        assert near.tolist() == [65535 if j == i else int((centers[i] != centers[j]).sum()) for j in range(15)]
        kernels._flip_costs(words, i, 4, near, found)
        for k in range(9):
            flipped = centers.copy()
            flipped[i, k] *= -1
            assert found[k] == violation(flipped, 4) - violation(centers, 4)
            nearer = any(near[j] <= 4 and centers[i, k] != centers[j, k] for j in range(15) if j != i)
            assert kernels._is_held(words, i, k, 4, near) == nearer


def test_the_generator_goes_on() -> None:
    rng = np.random.default_rng(0)
    first, second = separated_centers(20, 16, rng=rng), separated_centers(20, 16, rng=rng)
    assert not np.array_equal(first, second)


def test_bad_input() -> None:
    with pytest.raises(ConfigError, match="bits >= 1"):
        solve(1, 16)
    with pytest.raises(ConfigError, match="bits >= 1"):
        solve(10, 0, 0)
    for target in (-1, 17):
        with pytest.raises(ConfigError, match=f"0 ... 16: set target to that, not {target}"):
            solve(10, 16, target)


@pytest.mark.slow
def test_ten_thousand_classes() -> None:
    found = separation(solve(10_000, 64))
    assert found.least >= target_distance(64, 10_000)
    assert found.mean == pytest.approx(64 * 5000 / 9999)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.centers.algebraic import AlgebraicCenters, algebraic_centers
from bench.centers.bounds import plotkin, sphere_packing, target_distance
from bench.centers.separation import separation
from bench.errors import ConfigError

# (K, C): guaranteed distance
GOLDEN = {
    (16, 128): 6, (16, 2048): 4, (32, 2048): 12, (64, 1024): 28, (64, 128): 32,  # linear
    (16, 10): 8, (9, 10): 4, (32, 10): 17, (64, 10): 35, (48, 80): 24, (12, 24): 6, (100, 80): 50,  # Plotkin's bound
    (4, 16): 1, (5, 16): 2, (9, 2): 9, (8, 256): 1,
}  # fmt: skip


def make(bits: int, classes: int, seed: int = 0) -> AlgebraicCenters:
    return algebraic_centers(classes, bits, np.random.default_rng(seed))


@pytest.mark.parametrize(("case", "distance"), GOLDEN.items())
def test_golden_distances(case: tuple[int, int], distance: int) -> None:
    centers, guaranteed, _ = make(*case)
    assert guaranteed == distance
    assert separation(centers).least >= distance


@pytest.mark.parametrize("bits", [9, 13, 16, 32, 48, 64, 100, 130, 200])
@pytest.mark.parametrize("classes", [2, 10, 80, 196, 500])
def test_the_guarantee_holds_and_no_bound_is_broken(bits: int, classes: int) -> None:
    centers, guaranteed, _ = make(bits, classes)
    least = separation(centers).least
    assert centers.shape == (classes, bits) and centers.dtype == np.int8
    assert set(np.unique(centers)) == {-1, 1}
    assert guaranteed <= least <= min(plotkin(bits, classes), sphere_packing(bits, classes))
    assert abs(centers.sum(axis=0, dtype=int)).max() < classes  # no constant bit


@pytest.mark.parametrize("bits", [16, 32, 48, 64, 128])
@pytest.mark.parametrize("classes", [10, 80, 100, 196, 555])
def test_the_target_of_the_searches_is_always_met(bits: int, classes: int) -> None:
    assert make(bits, classes)[1] >= target_distance(bits, classes)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 150), st.integers(2, 300), st.integers(0, 2**32 - 1))
def test_any_size(bits: int, classes: int, seed: int) -> None:
    classes = min(classes, 2**bits)
    centers, guaranteed, code = make(bits, classes, seed)
    found = separation(centers)
    assert centers.shape == (classes, bits)
    assert 1 <= guaranteed <= found.least
    assert code
    assert np.array_equal(centers, make(bits, classes, seed)[0])


@pytest.mark.parametrize(("bits", "distance"), [(16, 9), (17, 10), (24, 14)])
def test_rows_of_hadamard_matrices_beside_words_of_a_linear_code(bits: int, distance: int) -> None:
    centers, guaranteed, code = make(bits, 5)
    assert guaranteed == distance
    assert separation(centers).least >= distance
    assert "Hadamard (10,6,6)" in code
    assert "words" in code


def test_powers_of_two_have_balanced_bits() -> None:
    for bits, classes in [(16, 128), (48, 64), (64, 1024), (100, 256)]:
        assert not make(bits, classes)[0].sum(axis=0, dtype=int).any()


@pytest.mark.parametrize(("bits", "classes"), [(64, 100), (48, 80), (64, 556), (16, 10)])
def test_bits_are_balanced_exactly_where_complements_are_words(bits: int, classes: int) -> None:
    centers = make(bits, classes)[0]
    assert not centers.sum(axis=0, dtype=int).any()
    assert {tuple(row) for row in centers} == {tuple(row) for row in -centers}


@pytest.mark.parametrize(("bits", "classes"), [(16, 100), (32, 196), (48, 196), (128, 555), (13, 100)])
def test_bits_are_far_more_balanced_than_at_random(bits: int, classes: int) -> None:
    for seed in range(5):
        sums = make(bits, classes, seed)[0].sum(axis=0, dtype=int)
        assert np.square(sums).mean() < classes / 4  # of random centers: C


def test_the_draw_decides_which_words_and_which_class_has_which() -> None:
    words = [{row.tobytes() for row in make(16, 80, seed)[0]} for seed in range(3)]
    assert words[0] != words[1] != words[2]
    first = {make(16, 2, seed)[0][0].tobytes() for seed in range(20)}
    assert len(first) > 15
    full = [make(4, 16, seed)[0] for seed in (0, 1)]  # all words: only the order can differ
    assert not np.array_equal(*full)
    assert {row.tobytes() for row in full[0]} == {row.tobytes() for row in full[1]}


def test_codes_are_named() -> None:
    assert make(64, 100).code == "Reed-Muller [64,7,32]"
    assert make(64, 1000).code == "[64,10,28] from cyclic [63,10,27], extended"
    assert make(48, 96).code == "(48,96,24) from Hadamard (48,96,24)"


def test_impossible_tasks_are_refused() -> None:
    with pytest.raises(ConfigError, match="3 bits have only 8 words for 9 classes"):
        make(3, 9)
    with pytest.raises(ConfigError, match="num_classes >= 2"):
        make(16, 1)
    with pytest.raises(ConfigError, match="512 bits"):
        make(600, 10)


@pytest.mark.slow
def test_ten_thousand_classes() -> None:
    centers, guaranteed, _ = make(64, 10_000)
    assert separation(centers).least >= guaranteed >= 20

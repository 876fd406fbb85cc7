from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.centers.binary_code import Code, independent_rows, minimum_weight, weight_counts
from bench.centers.cyclic_codes import bch, cyclic_generator, cyclic_lengths, cyclotomic_cosets
from bench.centers.linear_codes import best_codes, closed_under_columns
from bench.errors import ConfigError


def slow_weight_counts(generator: np.ndarray) -> list[int]:
    counts = [0] * (generator.shape[1] + 1)
    for message in product((0, 1), repeat=len(generator)):
        counts[int((np.array(message) @ generator % 2).sum())] += 1
    return counts


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    rows, columns = draw(st.integers(1, 6)), draw(st.sampled_from([1, 5, 63, 64, 65, 130]))
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).integers(0, 2, (rows, columns), dtype=np.uint8)


@given(matrices())
def test_weights_equal_a_loop_over_messages(generator: np.ndarray) -> None:
    assert weight_counts(generator).tolist() == slow_weight_counts(generator)


@pytest.mark.parametrize(
    ("length", "designed", "dimension", "weights"),
    [
        (15, 7, 5, {0: 1, 7: 15, 8: 15, 15: 1}),
        (15, 5, 7, {0: 1, 5: 18, 6: 30, 7: 15, 8: 15, 9: 30, 10: 18, 15: 1}),
        (31, 15, 6, {0: 1, 15: 31, 16: 31, 31: 1}),
        (23, 5, 12, {0: 1, 7: 253, 8: 506, 11: 1288, 12: 1288, 15: 506, 16: 253, 23: 1}),  # Golay: better than designed
    ],
)
def test_golden_weights_of_bch_codes(length: int, designed: int, dimension: int, weights: dict[int, int]) -> None:
    size, code = bch(length, designed)
    counts = weight_counts(code.build())
    assert (size, len(code.build())) == (dimension, dimension)
    assert {int(w): int(counts[w]) for w in np.flatnonzero(counts)} == weights


def test_bch_of_length_63() -> None:
    size, code = bch(63, 27)
    assert (size, code.distance, minimum_weight(code.build())) == (10, 27, 27)


@pytest.mark.parametrize("length", [15, 21, 31])
def test_words_of_a_cyclic_code_stay_words_when_rotated(length: int) -> None:
    for coset in cyclotomic_cosets(length):
        generator = cyclic_generator(length, coset)
        assert len(generator) == len(coset)
        rotated = np.concatenate([generator, np.roll(generator, 1, axis=1)])
        assert len(independent_rows(rotated)) == len(coset)


def test_cosets_by_hand() -> None:
    assert cyclotomic_cosets(9) == [(0,), (1, 2, 4, 8, 7, 5), (3, 6)]
    assert cyclic_lengths(25) == [3, 5, 7, 9, 11, 13, 15, 17, 21, 23]  # 2 has order 18 modulo 19, 20 modulo 25


# length, dimension -> least distance that must be reached; known optima unless said otherwise
REACHED = {
    (16, 5): 8, (16, 7): 6, (16, 8): 5, (16, 11): 4, (24, 12): 8, (32, 6): 16, (32, 11): 12, (64, 7): 32,
    (64, 10): 28, (7, 4): 3, (8, 4): 4, (12, 4): 6, (9, 1): 9, (9, 9): 1, (9, 8): 2, (96, 7): 48, (30, 4): 16,
    (51, 8): 24, (128, 4): 68,
}  # fmt: skip


def best_code(length: int, dimension: int) -> Code:
    code = best_codes(length, dimension)[length]
    assert code is not None  # all words of k bits, with bits repeated, have every length
    return code


@pytest.mark.parametrize(("case", "distance"), REACHED.items())
def test_golden_distances(case: tuple[int, int], distance: int) -> None:
    code = best_code(*case)
    assert code.distance == distance
    assert minimum_weight(code.build()) == distance


def griesmer(dimension: int, distance: int) -> int:
    return sum(-(-distance // 2**i) for i in range(dimension))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 140), st.integers(1, 11))
def test_every_code_has_its_parameters_and_keeps_its_guarantee(length: int, dimension: int) -> None:
    dimension = min(dimension, length)
    code = best_code(length, dimension)
    generator = code.build()
    assert generator.shape == (dimension, length)
    assert len(independent_rows(generator)) == dimension
    assert 1 <= code.distance <= minimum_weight(generator)
    assert griesmer(dimension, code.distance) <= length
    assert code.describe()


def test_large_dimensions_are_built_too() -> None:
    code = best_code(63, 45)
    assert (code.build().shape, code.distance) == ((45, 63), 7)


@pytest.mark.parametrize("dimension", [3, 7, 10])
def test_distance_grows_with_length_and_falls_with_dimension(dimension: int) -> None:
    here = [code.distance if code else 0 for code in best_codes(100, dimension)]
    above = [code.distance if code else 0 for code in best_codes(100, dimension + 1)]
    assert here == sorted(here)
    assert all(a >= b for a, b in zip(here, above, strict=True))


def test_constructions_on_columns_by_hand() -> None:
    parity = np.array([[1, 1, 0], [0, 1, 1]], dtype=np.uint8)
    codes: list[Code | None] = [None] * 8
    codes[3] = Code(3, 2, "parity", lambda: parity)
    found = closed_under_columns(codes)
    assert [code.distance if code else 0 for code in found] == [0, 0, 1, 2, 2, 3, 4, 4]
    five = found[5]
    assert five is not None
    assert five.build().tolist() == [[1, 1, 0, 1, 1], [0, 1, 1, 0, 1]]
    assert five.describe() == "2 x parity, juxtaposed, punctured"


@pytest.mark.parametrize("case", [(5, 0), (5, 6), (513, 8)])
def test_impossible_parameters_are_refused(case: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="linear code"):
        best_codes(*case)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.centers.codebook import compose, head_dim, sample_codebook, words_to_bits
from bench.errors import ConfigError

# K -> {C: (d, H)} with M = 2 C
HEADS = {
    16: {10: (8, 2), 80: (8, 2), 100: (8, 2), 196: (16, 1), 555: (16, 1)},
    32: {10: (8, 4), 80: (8, 4), 100: (8, 4), 196: (16, 2), 555: (16, 2)},
    64: {10: (8, 8), 80: (8, 8), 100: (8, 8), 196: (16, 4), 555: (16, 4)},
    36: {10: (6, 6), 80: (9, 4), 555: (12, 3)},
    48: {10: (6, 8), 80: (8, 6), 196: (12, 4), 555: (12, 4)},
}


@pytest.mark.parametrize(("bits", "classes", "heads"), [(k, c, h) for k, row in HEADS.items() for c, h in row.items()])
def test_golden_head_dimensions(bits: int, classes: int, heads: tuple[int, int]) -> None:
    dim = head_dim(bits, 2 * classes)
    assert (dim, bits // dim) == heads


def test_a_codebook_larger_than_all_words_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not fit into 4 bits"):
        head_dim(4, 17)
    with pytest.raises(ConfigError, match="5 distinct words do not fit into 2 bits"):
        sample_codebook(np.random.default_rng(0), 1, 5, 2)


def test_bits_by_hand() -> None:
    assert words_to_bits(np.array(5), 4).tolist() == [-1, 1, -1, 1]


@given(st.integers(1, 3), st.integers(1, 12), st.integers(0, 2**32 - 1), st.data())
def test_words_are_distinct_in_each_head_and_follow_the_seed(
    heads: int, dim: int, seed: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, 2**dim))
    book = sample_codebook(np.random.default_rng(seed), heads, size, dim)
    assert book.shape == (heads, size, dim)
    assert set(np.unique(book)) <= {-1, 1}
    assert all(len(np.unique(head, axis=0)) == size for head in book)
    assert np.array_equal(book, sample_codebook(np.random.default_rng(seed), heads, size, dim))


def test_the_whole_space_is_drawn_when_all_words_are_asked_for() -> None:
    book = sample_codebook(np.random.default_rng(1), 2, 16, 4)
    assert all({tuple(w) for w in head} == {tuple(w) for w in book[0]} for head in book)


def test_long_words_are_drawn_without_enumerating_them() -> None:
    class Repeating:
        """Draws the same rows first, so that duplicates must be dropped and drawn again."""

        def __init__(self) -> None:
            self.calls = 0

        def integers(self, low: int, high: int, size: tuple[int, int], dtype: type) -> np.ndarray:
            self.calls += 1
            rows = np.random.default_rng(self.calls).integers(low, high, size=size, dtype=dtype)
            if self.calls == 1:
                rows[1] = rows[0]
            return rows

    rng = Repeating()
    book = sample_codebook(rng, 1, 50, 32)  # type: ignore[arg-type]
    assert rng.calls == 2
    assert len(np.unique(book[0], axis=0)) == 50


def test_words_are_uniform() -> None:
    book = sample_codebook(np.random.default_rng(0), 1, 4000, 40)[0]
    assert np.abs(book.mean(axis=0)).max() < 5 / 4000**0.5  # five standard errors


def test_composition_by_hand() -> None:
    book = np.array([[[-1, -1], [-1, 1], [1, 1]], [[1, -1], [1, 1], [-1, 1]]], dtype=np.int8)
    centers = compose(book, np.array([[2, 0], [1, 2]]))
    assert centers.tolist() == [[1, 1, 1, 1], [-1, -1, -1, 1]]


def test_a_head_whose_words_are_all_needed_is_wide_enough() -> None:
    assert head_dim(64, 256) == 8  # 128 classes
    assert head_dim(16, 16) == 4
    assert head_dim(4, 16) == 4
    assert head_dim(16, 17) == 8

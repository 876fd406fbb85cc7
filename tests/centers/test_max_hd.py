from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.centers import max_hd
from bench.centers.max_hd import accept_words, max_hd_centers
from bench.centers.separation import separation
from bench.errors import ConfigError


def slow(num_classes: int, bits: int, words: Iterator[np.ndarray], step: int) -> tuple[list[list[int]], int]:
    """The rule word by word, tau in hundredths."""
    accepted: list[np.ndarray] = []
    percent, rejected = 61, 0
    while len(accepted) < num_classes:
        word = next(words)
        if all((word != other).sum() * 100 >= percent * bits for other in accepted):
            accepted.append(word)
        else:
            rejected += 1
            if rejected % step == 0:
                percent -= 1
                if percent < 20:
                    raise ConfigError("below 0.2")
    return [word.tolist() for word in accepted], percent


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 25), st.integers(1, 20), st.integers(1, 60), st.integers(1, 80), st.integers(0, 2**32 - 1))
def test_equal_to_a_loop_over_the_same_words(classes: int, bits: int, step: int, block: int, seed: int) -> None:
    words = np.random.default_rng(seed).integers(0, 2, size=(5000, bits), dtype=np.int8) * 2 - 1
    blocks = iter(np.split(words, range(block, len(words), block)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(max_hd, "REJECTIONS_PER_STEP", step)
        try:
            expected = slow(classes, bits, iter(words), step)
        except ConfigError:
            with pytest.raises(ConfigError, match="MaxHD found only"):
                accept_words(classes, bits, lambda: next(blocks))
            return
        found, percent = accept_words(classes, bits, lambda: next(blocks))
    assert (found.tolist(), percent) == expected


def test_by_hand() -> None:
    words = np.array([[1, 1], [1, -1], [-1, -1], [1, 1]], dtype=np.int8)  # at 0.61 two of 2 bits must differ
    found, percent = accept_words(2, 2, lambda: words)
    assert (found.tolist(), percent) == ([[1, 1], [-1, -1]], 61)


def test_the_threshold_drops_after_every_ten_thousand_rejections_in_all() -> None:
    words = np.array([[1] * 10] * 4 + [[1] * 4 + [-1] * 6], dtype=np.int8)  # 6 of 10 bits: accepted from 0.60 on
    drawn = 0

    def next_word() -> np.ndarray:
        nonlocal drawn
        drawn += 1
        return words[[0]] if drawn <= 10_000 else words[[4]]

    found, percent = accept_words(2, 10, next_word)  # the first is accepted, the 9,999 after it are not, nor is one
    assert (drawn, percent) == (10_002, 60)
    assert found[1].tolist() == words[4].tolist()


@pytest.mark.parametrize(("bits", "classes"), [(16, 10), (16, 196), (32, 100), (48, 100), (64, 555)])
def test_distances_are_at_least_the_final_threshold(bits: int, classes: int) -> None:
    rng = np.random.default_rng(classes)
    words, percent = accept_words(
        classes, bits, lambda: rng.integers(0, 2, size=(1000, bits), dtype=np.int8) * 2 - 1
    )  # fmt: skip
    assert separation(words).least * 100 >= percent * bits
    assert set(np.unique(words)) == {-1, 1}


def test_centers_are_the_accepted_words_in_another_order_and_follow_the_seed() -> None:
    centers = max_hd_centers(50, 32, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    words, _ = accept_words(50, 32, lambda: rng.integers(0, 2, size=(2048, 32), dtype=np.int8) * 2 - 1)
    assert centers.dtype == np.int8
    assert not np.array_equal(centers, words)
    assert sorted(centers.tolist()) == sorted(words.tolist())
    assert np.array_equal(centers, max_hd_centers(50, 32, np.random.default_rng(3)))


def test_too_many_classes_end_in_an_error() -> None:
    with pytest.raises(ConfigError, match=r"of 555 words of 16 bits .* use more bits"):
        max_hd_centers(555, 16, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="bits >= 1"):
        max_hd_centers(5, 0, np.random.default_rng(0))

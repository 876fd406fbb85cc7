import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.splits import shares_split, two_part_split
from bench.errors import DataError


@given(st.lists(st.integers(3, 30), min_size=2, max_size=12), st.integers(0, 2**32 - 1))
def test_parts_are_exact_disjoint_whole_and_even(counts: list[int], seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    total = len(labels)
    sizes = (total - 2 - total // 3, 2, total // 3)
    split = shares_split(labels, np.random.default_rng(seed), sizes, name="x")
    split.check("x")
    parts = [split.train, split.query, split.database]
    assert [len(part) for part in parts] == list(sizes)
    assert sorted(np.concatenate(parts)) == list(range(total))
    for part, size in zip(parts, sizes, strict=True):
        assert (
            np.abs(np.bincount(labels[part], minlength=len(counts)) * total - np.array(counts) * size) < total
        ).all()


def test_chance_decides_which_items_and_not_how_many() -> None:
    labels = np.random.default_rng(0).integers(0, 9, 500)
    first, again, other = (shares_split(labels, np.random.default_rng(s), (3, 1, 4), name="x") for s in (1, 1, 2))
    for part in ("train", "query", "database"):
        a, b, c = (getattr(split, part) for split in (first, again, other))
        assert np.array_equal(a, b)
        assert not np.array_equal(a, c)
        assert np.array_equal(np.bincount(labels[a]), np.bincount(labels[c]))


def test_the_draw_is_the_same_on_every_machine() -> None:
    split = shares_split(np.repeat([0, 1], 6), np.random.Generator(np.random.PCG64(7)), (6, 2, 4), name="x")
    parts = [split.train.tolist(), split.query.tolist(), split.database.tolist()]
    assert parts == [[0, 2, 5, 6, 10, 11], [4, 7], [1, 3, 8, 9]]


def test_too_few_items_for_a_part_are_refused() -> None:
    with pytest.raises(DataError, match="x: 4 items in the ratio 98:1:1 leave a part empty"):
        shares_split(np.array([0, 0, 1, 1]), np.random.default_rng(0), (98, 1, 1), name="x")


def test_an_official_split_searches_its_training_items() -> None:
    split = two_part_split(np.array([True, False, True, False, False]))
    assert (split.train.tolist(), split.query.tolist(), split.database.tolist()) == ([0, 2], [1, 3, 4], [0, 2])

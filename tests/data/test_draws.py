import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.draws import drawn_split, per_class_split, random_split
from bench.errors import DataError
from bench.plugins.dataset import Split


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def same(a: Split, b: Split) -> bool:
    return all(np.array_equal(getattr(a, part), getattr(b, part)) for part in ("train", "query", "database"))


@pytest.mark.parametrize(
    ("count", "query", "train", "database"),
    [(122_218, 5000, 10_000, 117_218), (25_000, 2000, 5000, 23_000), (25_000, 2000, 10_000, 23_000)],
)  # COCO as HashNet's; MIRFLICKR-25K
def test_official_sizes(count: int, query: int, train: int, database: int) -> None:
    split = drawn_split(count, rng(), query, train, name="x")
    split.check("x")
    assert (len(split.query), len(split.train), len(split.database)) == (query, train, database)
    assert np.isin(split.train, split.database).all()
    assert same(split, drawn_split(count, rng(), query, train, name="x"))
    assert not same(split, drawn_split(count, rng(1), query, train, name="x"))


def test_a_draw_is_uniform() -> None:
    counts = np.zeros(10)
    for seed in range(2000):
        counts[drawn_split(10, rng(seed), 2, 3, name="x").query] += 1
    assert np.abs(counts / 2000 - 0.2).max() < 0.04  # 4.5 standard deviations


def test_too_few_images_for_a_draw() -> None:
    drawn_split(15, rng(), 5, 10, name="x")
    with pytest.raises(
        DataError, match=r"x has 14 images, fewer than the 5 queries and 10 .*lower x.query and x.train"
    ):
        drawn_split(14, rng(), 5, 10, name="x")


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 6))
def test_each_class_gives_its_queries_and_training_items(seed: int, query: int, train: int) -> None:
    labels = rng(seed).random((120, 5)) < [0.2, 0.9, 0.5, 0.3, 0.6]
    labels[np.arange(60), np.arange(60) % 5] = True
    split = per_class_split(labels, rng(seed), query, train, name="x")
    split.check("x")
    assert (len(split.query), len(split.train)) == (5 * query, 5 * train)
    assert sorted([*split.query, *split.database]) == list(range(120))
    assert np.isin(split.train, split.database).all()
    assert (labels[split.query].sum(axis=0) >= query).all()
    assert (labels[split.train].sum(axis=0) >= train).all()
    assert same(split, per_class_split(labels, rng(seed), query, train, name="x"))


def test_nus_wides_sizes_on_labels_alone() -> None:
    labels = rng().random((40_000, 21)) < np.geomspace(0.04, 0.4, 21)
    split = per_class_split(labels, rng(), 100, 500, name="x")
    assert (len(split.query), len(split.train), len(split.database)) == (2100, 10_500, 37_900)


def test_a_class_that_is_too_rare_for_its_queries() -> None:
    labels = np.ones((20, 2), dtype=bool)
    labels[2:, 1] = False
    per_class_split(labels, rng(), 1, 1, name="x")
    with pytest.raises(DataError, match=r"class number 1 has 2 images, too few for 1 queries and 2 training images"):
        per_class_split(labels, rng(), 1, 2, name="x")


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.4), st.floats(0.05, 0.5))
def test_shared_parts_are_disjoint_and_whole(seed: int, query: float, database: float) -> None:
    labels = rng(seed).random((60, 8)) < 0.1
    split = random_split(labels, rng(seed), query, database)
    split.check("x")
    assert sorted([*split.train, *split.query, *split.database]) == list(range(60))
    assert len(split.query) == round(query * 60)
    assert abs(len(split.database) - database * 60) <= 1 + 8
    searched = labels[split.train].any(axis=0) | ~labels[split.database].any(axis=0)
    assert searched.all()  # no class is searched that was not trained
    assert same(split, random_split(labels, rng(seed), query, database))


def test_a_rare_class_is_moved_to_training_and_no_more() -> None:
    labels = np.zeros((100, 2), dtype=bool)
    labels[:, 0] = True
    for seed in range(20):
        plain = random_split(labels, rng(seed), 0.2, 0.6)
        rare = labels.copy()
        rare[plain.database[7], 1] = True
        moved = random_split(rare, rng(seed), 0.2, 0.6)
        assert moved.train.tolist() == sorted([*plain.train, plain.database[7]])
        assert np.array_equal(moved.query, plain.query)


@pytest.mark.parametrize("seed", range(10))
def test_the_rarest_class_chooses_first(seed: int) -> None:
    """Every image of the rare class shows the common one too, which finds others."""
    labels = np.ones((60, 2), dtype=bool)
    labels[6:, 1] = False
    split = per_class_split(labels, np.random.default_rng(seed), 6, 0, name="x")
    assert set(range(6)) < set(split.query.tolist())
    assert len(split.query) == 12

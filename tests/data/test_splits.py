import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.splits import counted_split, stratified_split, validation_split
from bench.errors import DataError
from bench.plugins.dataset import Split
from bench.randomness import stream


@given(st.lists(st.integers(3, 40), min_size=2, max_size=6), st.integers(0, 2**32 - 1), st.data())
def test_stratified_parts_are_disjoint_whole_and_fair(counts: list[int], seed: int, data: st.DataObject) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    query, database = data.draw(st.floats(0.05, 0.45)), data.draw(st.floats(0.05, 0.45))
    split = stratified_split(labels, np.random.default_rng(seed), query, database, name="x")
    split.check("x")
    parts = [split.train, split.query, split.database]
    assert sorted(np.concatenate(parts)) == list(range(len(labels)))
    for c, count in enumerate(counts):
        found = [int((labels[part] == c).sum()) for part in parts]
        assert min(found) >= 1
        assert abs(found[1] - query * count) <= 1
    again = stratified_split(labels, np.random.default_rng(seed), query, database, name="x")
    assert all(np.array_equal(a, b) for a, b in zip(parts, [again.train, again.query, again.database], strict=True))


def test_counted_parts_have_their_counts() -> None:
    labels = np.repeat(np.arange(4), 10)
    split = counted_split(labels, np.random.default_rng(0), (2, 3, 4))
    split.check("x")
    for part, count in ((split.train, 2), (split.query, 3), (split.database, 4)):
        assert np.bincount(labels[part]).tolist() == [count] * 4


def test_too_few_items_are_refused() -> None:
    with pytest.raises(DataError, match="at least 3"):
        stratified_split(np.array([0, 0, 0, 1, 1]), np.random.default_rng(0), 0.1, 0.5, name="x")
    with pytest.raises(DataError, match="leave some to train on"):
        stratified_split(np.zeros(9, int), np.random.default_rng(0), 0.5, 0.5, name="x")
    with pytest.raises(DataError, match="needs 9 of each"):
        counted_split(np.zeros(8, int), np.random.default_rng(0), (3, 3, 3))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (([0], [], [1]), "query split is empty"),
        (([0, 0], [1], [2]), "train split holds an item twice"),
        (([0, 1], [1], [2]), "1 queries are also in its train split"),
        (([0], [1], [1, 2]), "1 queries are also in its database split"),
    ],
)
def test_parts_that_overlap_are_refused(parts: tuple[list[int], ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Split(*(np.array(p, dtype=np.int64) for p in parts)).check("x")


def test_the_database_may_be_the_training_set() -> None:
    rows = np.arange(3)
    Split(rows, np.array([5]), rows).check("x")


@given(st.integers(2, 6), st.integers(0, 2**31), st.booleans())
def test_a_validation_part_leaves_every_class_in_training(classes: int, seed: int, multi_label: bool) -> None:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 30)])
    rows = np.eye(classes, dtype=bool)[labels] | (rng.random((len(labels), classes)) < 0.2)
    split = Split(np.arange(0, len(labels)), np.array([], int), np.array([], int))
    chosen = rows if multi_label else labels
    part = validation_split(split, chosen, 0.3, rng)
    assert np.array_equal(np.sort(np.concatenate([part.train, part.query])), split.train)
    assert np.array_equal(part.train, part.database)
    kept = rows[part.train].any(0) if multi_label else np.bincount(labels[part.train], minlength=classes) > 0
    assert kept.all()


def test_a_seed_draws_these_rows_on_every_machine() -> None:
    labels = np.repeat(np.arange(3), 8)
    stratified = stratified_split(labels, stream(0, "split"), 0.25, 0.25, name="x")
    assert stratified.train.tolist() == [0, 2, 3, 7, 10, 11, 13, 15, 16, 18, 19, 22]
    assert stratified.query.tolist() == [1, 4, 8, 9, 20, 21]
    assert stratified.database.tolist() == [5, 6, 12, 14, 17, 23]
    counted = counted_split(labels, stream(0, "split"), (2, 1, 2))
    assert counted.train.tolist() == [1, 4, 8, 9, 20, 21]
    assert counted.query.tolist() == [5, 12, 23]
    assert counted.database.tolist() == [6, 7, 11, 14, 17, 22]


def test_shares_are_of_the_whole_class() -> None:
    labels = np.repeat([0, 1], [20, 40])
    split = stratified_split(labels, np.random.default_rng(0), 0.1, 0.5, name="x")
    sizes = [np.bincount(labels[part]).tolist() for part in (split.query, split.database, split.train)]
    assert sizes == [[2, 4], [10, 20], [8, 16]]


def test_the_only_training_item_of_a_class_goes_on_training() -> None:
    labels = np.array([0, 1, 1, 1, 1, 1])
    split = Split(np.arange(6), np.array([], int), np.array([], int))
    part = validation_split(split, labels, 0.4, np.random.default_rng(0))
    assert np.bincount(labels[part.train]).tolist() == [1, 3]
    assert labels[part.query].tolist() == [1, 1]

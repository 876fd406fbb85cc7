from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.centers import similarity_assignment as module
from bench.centers.codebook import compose, sample_codebook
from bench.centers.similarity_assignment import alignment, assign_by_similarity, improve
from bench.errors import ConfigError
from bench.evaluation.semantics import hierarchy_similarity, pcc
from bench.plugins.dataset import Hierarchy


def random_similarity(classes: int, rng: np.random.Generator) -> np.ndarray:
    half = np.triu(rng.normal(size=(classes, classes)), 1)
    return half + half.T + np.eye(classes)


def tree(groups: int, families: int, size: int) -> np.ndarray:
    paths = [
        (f"g{g}", f"g{g}f{f}", f"g{g}f{f}c{c}") for g in range(groups) for f in range(families) for c in range(size)
    ]
    return hierarchy_similarity(Hierarchy(tuple(paths)))


def random_assignments(codebook: np.ndarray, classes: int, rng: np.random.Generator) -> np.ndarray:
    return np.stack([rng.permutation(codebook.shape[1])[:classes] for _ in codebook])


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 4), st.integers(4, 12), st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_a_candidate_each_reproducibly(heads: int, classes: int, spare: int, seed: int) -> None:
    codebook = sample_codebook(np.random.default_rng(seed), heads, classes + spare, 6)
    similarity = random_similarity(classes, np.random.default_rng(seed))
    found = assign_by_similarity(codebook, similarity, np.random.default_rng(seed))
    assert found.shape == (heads, classes) and found.dtype == np.int64
    assert all(len(set(row)) == classes for row in found.tolist())
    assert found.min() >= 0 and found.max() < classes + spare
    assert np.array_equal(found, assign_by_similarity(codebook, similarity, np.random.default_rng(seed)))


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 9), st.integers(0, 5), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_no_single_move_or_swap_is_left_that_improves(classes: int, spare: int, dim: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = (rng.integers(0, 2, size=(classes + spare, dim)) * 2 - 1).astype(float)
    target = random_similarity(classes, rng) - np.eye(classes)
    assignment = rng.permutation(len(words))[:classes]
    before = alignment(target, words, assignment)
    improve(target, words, assignment, rng)
    reached = alignment(target, words, assignment)
    assert len(set(assignment.tolist())) == classes
    assert reached >= before - 1e-9
    for c in range(classes):
        for free in set(range(len(words))) - set(assignment.tolist()):
            moved = assignment.copy()
            moved[c] = free
            assert alignment(target, words, moved) <= reached + 1e-6
    for c, e in combinations(range(classes), 2):
        swapped = assignment.copy()
        swapped[[c, e]] = swapped[[e, c]]
        assert alignment(target, words, swapped) <= reached + 1e-6


def test_small_cases_reach_the_optimum_that_enumeration_finds() -> None:
    optimal = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        codebook = sample_codebook(rng, 1, 5, 4)
        similarity = random_similarity(4, rng)
        target = similarity - similarity[~np.eye(4, dtype=bool)].mean()
        np.fill_diagonal(target, 0)
        words = codebook[0].astype(float)
        best = max(alignment(target, words, np.array(choice)) for choice in permutations(range(5), 4))
        found = alignment(target, words, assign_by_similarity(codebook, similarity, rng)[0])
        assert found <= best + 1e-9
        optimal += found >= best - 1e-9
    assert optimal >= 27


@pytest.mark.parametrize(("heads", "least"), [(1, 0.4), (2, 0.55), (4, 0.8)])
def test_far_better_aligned_than_random_assignments(heads: int, least: float) -> None:
    similarity = tree(3, 4, 5)
    rng = np.random.default_rng(heads)
    codebook = sample_codebook(rng, heads, 120, 8)
    found = pcc(compose(codebook, assign_by_similarity(codebook, similarity, rng)), similarity)
    others = [pcc(compose(codebook, random_assignments(codebook, 60, rng)), similarity) for _ in range(20)]
    assert found is not None and found > least
    assert max(value or 0 for value in others) < 0.2


def test_fitting_heads_in_turn_beats_fitting_each_alone() -> None:
    similarity = tree(4, 4, 4)
    codebook = sample_codebook(np.random.default_rng(0), 4, 128, 8)
    together = assign_by_similarity(codebook, similarity, np.random.default_rng(0))
    alone = np.concatenate(
        [assign_by_similarity(head[None], similarity, np.random.default_rng(h)) for h, head in enumerate(codebook)]
    )
    value, reference = pcc(compose(codebook, together), similarity), pcc(compose(codebook, alone), similarity)
    assert value is not None and reference is not None
    assert value > reference + 0.05


def test_heads_start_from_different_permutations() -> None:
    head = sample_codebook(np.random.default_rng(0), 1, 40, 8)
    found = assign_by_similarity(np.concatenate([head, head]), tree(2, 2, 5), np.random.default_rng(0))
    assert not np.array_equal(found[0], found[1])


def test_only_order_and_scale_of_the_upper_triangle_count() -> None:
    codebook = sample_codebook(np.random.default_rng(0), 2, 20, 8)
    similarity = np.round(random_similarity(10, np.random.default_rng(1)), 2)
    changed = np.triu(4 * similarity + 8, 1) + np.tril(np.full((10, 10), np.nan))
    found = assign_by_similarity(codebook, similarity, np.random.default_rng(2))
    assert np.array_equal(found, assign_by_similarity(codebook, changed, np.random.default_rng(2)))


def test_bad_input_is_refused() -> None:
    rng = np.random.default_rng(0)
    codebook = sample_codebook(rng, 1, 8, 4)
    with pytest.raises(ConfigError, match="8 candidates are too few for 9 classes"):
        assign_by_similarity(codebook, random_similarity(9, rng), rng)
    with pytest.raises(ConfigError, match="same for all pairs"):
        assign_by_similarity(codebook, np.eye(5), rng)
    with pytest.raises(ConfigError, match="NaN"):
        assign_by_similarity(codebook, np.full((5, 5), np.nan), rng)
    with pytest.raises(ConfigError, match=r"\(C, C\)"):
        assign_by_similarity(codebook, np.ones((5, 4)), rng)


def test_heads_that_have_nothing_of_the_similarity_are_left_as_they_are() -> None:
    """All words are one word, so that all products are equal: there is no scale to fit the next head to."""
    words = np.ones((2, 4, 3))
    assignment = np.tile(np.arange(4), (2, 1))
    target = np.triu(np.random.default_rng(0).normal(size=(4, 4)), 1)
    module._fit_in_turn(target + target.T, words, assignment, np.random.default_rng(0))
    assert assignment.tolist() == [[0, 1, 2, 3]] * 2

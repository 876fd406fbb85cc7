import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import bench
from bench.centers.hadamard import hadamard
from bench.errors import DataError
from bench.evaluation import semantics as module
from bench.evaluation.semantics import align, hierarchy_similarity
from bench.plugins.dataset import Hierarchy

Z = np.array([[1] * 8, [1] * 4 + [-1] * 4, [1] * 6 + [-1] * 2, [-1, -1, 1, 1, 1, 1, -1, -1]])
R = np.eye(4)
R[np.triu_indices(4, 1)] = [0.5, 0.8, 0.2, 0.7, 0.3, 0.6]
R = np.maximum(R, R.T)


def test_golden_value() -> None:
    assert bench.pcc(Z, R) == pytest.approx(0.8669214468, abs=1e-9)


def test_bits_may_flip_and_move_but_classes_may_not() -> None:
    flipped = Z * np.where(np.arange(8) % 3 == 0, -1, 1)
    moved = Z[:, np.random.default_rng(0).permutation(8)]
    assert bench.pcc(flipped, R) == pytest.approx(bench.pcc(Z, R))
    assert bench.pcc(moved, R) == pytest.approx(bench.pcc(Z, R))
    assert bench.pcc(Z[[1, 0, 3, 2]], R) != pytest.approx(bench.pcc(Z, R))


def test_the_diagonal_does_not_count() -> None:
    other = R.copy()
    np.fill_diagonal(other, 99)
    assert bench.pcc(Z, other) == pytest.approx(bench.pcc(Z, R))


def test_undefined_where_all_pairs_are_alike() -> None:
    assert bench.pcc(bench.hash_centers("csq", 10, 16), np.random.default_rng(0).random((10, 10))) is None
    assert bench.pcc(Z, np.ones((4, 4))) is None


def test_random_centers_are_near_zero() -> None:
    rng = np.random.default_rng(0)
    centers = rng.integers(0, 2, (80, 64)) * 2 - 1
    assert abs(bench.pcc(centers, rng.random((80, 80)))) < 4 / (80 * 79 / 2) ** 0.5


def test_shapes_must_fit() -> None:
    with pytest.raises(DataError, match="do not fit"):
        bench.pcc(Z, np.eye(3))


def test_tree_similarity_by_hand() -> None:
    tree = Hierarchy((("animal", "cat", "lion"), ("animal", "cat", "tiger"), ("animal", "dog"), ("car",)))
    expected = [[1, 2 / 3, 1 / 3, 0], [2 / 3, 1, 1 / 3, 0], [1 / 3, 1 / 3, 1, 0], [0, 0, 0, 1]]
    assert hierarchy_similarity(tree) == pytest.approx(np.array(expected))


def shared(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """Ancestors in common, from the root."""
    return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))))


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_tree_similarity_equals_a_loop_in_blocks_too(classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    paths = tuple(tuple(rng.choice(["a", "b", "c"], rng.integers(1, 5))) for _ in range(classes))
    expected = [[shared(p, q) / max(len(p), len(q)) for q in paths] for p in paths]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", 4)
        assert hierarchy_similarity(Hierarchy(paths)).tolist() == expected


@pytest.mark.parametrize("block", [1, 4, 5, 512])
def test_pcc_equals_numpys_in_blocks_too(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(block)
    centers, reference = rng.integers(0, 2, (9, 12)) * 2 - 1, rng.random((9, 9)) + 1000
    upper = np.triu_indices(9, 1)
    monkeypatch.setattr(module, "_BLOCK", block)
    expected = np.corrcoef((centers @ centers.T)[upper], reference[upper])[0, 1]
    assert bench.pcc(centers, reference) == pytest.approx(expected, abs=1e-12)


def test_one_pair_has_no_correlation() -> None:
    assert bench.pcc(Z[:2], R[:2, :2]) is None
    assert bench.pcc(Z[:1], R[:1, :1]) is None


def test_align_gives_the_same_pcc_and_scipys_spearman() -> None:
    rng = np.random.default_rng(0)
    centers = rng.integers(0, 2, (12, 16)) * 2 - 1
    reference = centers @ centers.T / 16 + (noise := rng.normal(0, 0.3, (12, 12))) + noise.T
    found = align(centers, reference)
    upper = np.triu_indices(12, 1)
    assert found.pcc == bench.pcc(centers, reference)
    assert found.spearman == pytest.approx(stats.spearmanr((centers @ centers.T)[upper], reference[upper]).statistic)
    assert found.low < found.pcc < found.high
    assert found.p_value == pytest.approx(1 / 1000)
    assert align(centers, reference) == found
    assert align(centers, reference, seed=1) != found


def test_only_the_upper_triangle_of_a_reference_is_read() -> None:
    other = np.triu(R) + np.tril(np.full((4, 4), np.nan))
    assert align(Z, other) == align(Z, R)


def test_mantel_p_values_of_unrelated_centers_are_uniform() -> None:
    rng = np.random.default_rng(1)
    p = []
    for _ in range(200):
        centers, vectors = rng.integers(0, 2, (10, 24)) * 2 - 1, rng.normal(size=(10, 5))
        p.append(align(centers, vectors @ vectors.T, permutations=99, resamples=2).p_value)
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_mantel_equals_all_permutations_of_few_classes() -> None:
    values = [abs(bench.pcc(Z[list(order)], R)) for order in itertools.permutations(range(4))]
    exact = np.mean([value >= abs(bench.pcc(Z, R)) - 1e-9 for value in values])
    assert align(Z, R, permutations=4000).p_value == pytest.approx(exact, abs=0.02)


def test_interval_equals_resampling_by_hand() -> None:
    rng = np.random.default_rng(3)
    centers, vectors = rng.integers(0, 2, (9, 12)) * 2 - 1, rng.normal(size=(9, 4))
    reference = vectors @ vectors.T
    values = []
    for _ in range(2000):
        drawn = rng.integers(0, 9, 9)
        i, j = np.triu_indices(9, 1)
        i, j = drawn[i], drawn[j]
        x, y = (centers @ centers.T)[i, j][i != j], reference[i, j][i != j]
        values.append(np.corrcoef(x, y)[0, 1])
    found = align(centers, reference, resamples=4000)
    assert (found.low, found.high) == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=0.06)


def test_where_the_pcc_is_undefined_so_is_all_of_it() -> None:
    matrix = hadamard(8)
    assert align(matrix, np.eye(8)) == (None, None, None, None, None)


@pytest.mark.parametrize(
    ("centers", "reference", "message"),
    [
        (Z, np.eye(5), "do not fit"),
        (Z * 2, R, "-1 or \\+1"),
        (Z, np.where(np.eye(4) == 1, 1, np.nan), "NaN"),
    ],
)
def test_bad_centers_and_references(centers: np.ndarray, reference: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        bench.pcc(centers, reference)


def test_no_interval_where_no_resample_has_two_similarities() -> None:
    """Of two classes each resample has one pair at most."""
    two = np.array([[1, 1, -1, -1], [1, -1, 1, -1]])
    assert np.isnan(module._interval((two @ two.T).astype(float), np.eye(2), np.random.default_rng(0), 50)).all()

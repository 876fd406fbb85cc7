import numpy as np
import pytest

import bench
from bench.errors import DataError
from bench.evaluation.semantics import hierarchy_similarity
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

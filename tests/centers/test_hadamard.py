import numpy as np
import pytest

from bench.centers.hadamard import hadamard

MISSING = {52, 92, 100, 116}  # multiples of four up to 128 that these constructions do not reach


@pytest.mark.parametrize("order", [n for n in range(4, 129, 4) if n not in MISSING] + [1, 2])
def test_rows_are_orthogonal(order: int) -> None:
    matrix = hadamard(order)
    assert matrix is not None
    assert set(np.unique(matrix)) <= {-1, 1}
    wide = matrix.astype(int)
    assert np.array_equal(wide @ wide.T, order * np.eye(order, dtype=int))


@pytest.mark.parametrize("order", [0, -4, 3, 6, 30, *sorted(MISSING)])
def test_orders_without_a_construction_give_none(order: int) -> None:
    assert hadamard(order) is None


def test_order_four_by_hand() -> None:
    assert hadamard(4).tolist() == [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]

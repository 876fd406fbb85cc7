import pytest

from bench.centers.bounds import gilbert_varshamov, plotkin, sphere_packing, sphere_volume, target_distance
from bench.errors import ConfigError

# (K, C): delta, Gilbert-Varshamov, sphere packing; computed in exact arithmetic
TABLE = {
    (16, 10): (6, 6, 10), (16, 80): (5, 4, 8), (16, 100): (4, 3, 6), (16, 196): (4, 3, 6), (16, 555): (3, 2, 4),
    (32, 10): (13, 13, 24), (32, 80): (11, 10, 20), (32, 100): (10, 10, 18), (32, 196): (10, 9, 18),
    (32, 555): (9, 8, 16), (64, 10): (28, 27, 54), (64, 80): (24, 23, 46), (64, 100): (24, 23, 46),
    (64, 196): (23, 22, 44), (64, 555): (21, 20, 40),
}  # fmt: skip


@pytest.mark.parametrize(("case", "values"), TABLE.items())
def test_golden_table(case: tuple[int, int], values: tuple[int, int, int]) -> None:
    assert (target_distance(*case), gilbert_varshamov(*case), sphere_packing(*case)) == values


def test_volumes_by_hand() -> None:
    assert sphere_volume(16, 4) == 1 + 16 + 120 + 560 + 1820
    assert sphere_volume(16, 5) == 6885
    assert sphere_volume(5, -1) == 0
    assert sphere_volume(5, 9) == 32


def test_plotkin_by_hand_and_met_by_hadamard_rows() -> None:
    assert plotkin(16, 2) == 16
    assert plotkin(9, 3) == 6  # three words of blocks 000, 011, 101
    assert plotkin(8, 16) == 4  # rows of [H; -H]: no two nearer than 4
    assert plotkin(8, 8) == 4  # rows of H
    assert plotkin(64, 100) == 32


@pytest.mark.parametrize("bounds", [(0, 10), (16, 1)])
def test_impossible_tasks_are_refused(bounds: tuple[int, int]) -> None:
    for function in (target_distance, gilbert_varshamov, plotkin, sphere_packing):
        with pytest.raises(ConfigError, match="bits >= 1"):
            function(*bounds)

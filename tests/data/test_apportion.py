import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.apportion import _loop, whole_shares, whole_table


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (16_185, [5_880, 1_958, 8_347], [5_880, 1_958, 8_347]),
        (48_562, [16_384, 8_171, 25_612], [15_860, 7_909, 24_793]),  # 15859.82, 7909.58, 24792.59
        (5, [1, 1, 1], [2, 2, 1]),  # equal remainders: the first
        (0, [1, 2], [0, 0]),
    ],
)
def test_the_largest_remainders_are_rounded_up(total: int, weights: list[int], shares: list[int]) -> None:
    assert whole_shares(total, weights) == shares


def test_a_table_by_hand() -> None:
    # Three classes of 1, 1 and 2 in parts of 2, 1, 1: shares (.5, .25, .25) twice and (1, .5, .5).
    table = whole_table([1, 1, 2], [2, 1, 1])
    assert table.sum(axis=1).tolist() == [1, 1, 2]
    assert table.sum(axis=0).tolist() == [2, 1, 1]
    assert table[2, 0] == 1  # a whole share stays


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40), st.integers(2, 5), st.data())
def test_every_sum_is_kept_and_every_entry_is_a_share_rounded(rows: list[int], parts: int, data: st.DataObject) -> None:
    total = sum(rows)
    cuts = sorted(data.draw(st.lists(st.integers(0, total), min_size=parts - 1, max_size=parts - 1)))
    columns = np.diff([0, *cuts, total]).tolist()
    table = whole_table(rows, columns)
    assert table.sum(axis=1).tolist() == rows
    assert table.sum(axis=0).tolist() == columns
    scaled = np.outer(rows, columns)  # shares times total, to compare without rounding
    assert (np.abs(table * total - scaled) < max(total, 1)).all()


def test_a_loop_meets_no_entry_twice() -> None:
    # The third step meets the first row again, with two columns to close on; the first would leave that entry as it is.
    up, down = _loop(np.array([[1, 1, 1], [0, 1, 1], [1, 1, 0]], dtype=bool))
    raised, lowered = (set(zip(*entries, strict=True)) for entries in (up, down))
    assert raised == {(1, 1), (0, 2)}
    assert lowered == {(1, 2), (0, 1)}


def test_sums_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="rows hold 3 items, columns 4"):
        whole_table([1, 2], [2, 2])

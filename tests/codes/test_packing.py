import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.codes.packing import pack, unpack, words
from bench.errors import DataError


@given(st.integers(1, 130), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_round_trip_for_any_length(bits: int, count: int, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 2, (count, bits)).astype(np.int8) * 2 - 1
    packed = pack(codes)
    assert packed.shape == (count, -(-bits // 8))
    assert np.array_equal(unpack(packed, bits), codes)
    assert words(packed).shape == (count, -(-bits // 64))


def test_bit_order_by_hand() -> None:
    assert pack(np.array([[1, -1, -1, -1, -1, -1, -1, -1, 1]])).tolist() == [[128, 128]]


def test_zero_is_no_code() -> None:
    with pytest.raises(DataError, match=r"-1 or \+1"):
        pack(np.array([[1, 0, -1]]))


def test_a_vector_is_no_matrix_of_codes() -> None:
    with pytest.raises(DataError, match="matrix"):
        pack(np.ones(8))


def test_packed_width_must_fit() -> None:
    with pytest.raises(DataError, match="do not hold 17 bits"):
        unpack(np.zeros((1, 2), np.uint8), 17)

"""What evaluation does where a GPU's memory does not hold it."""

from __future__ import annotations

import pytest
import torch

from bench.errors import BenchWarning
from bench.measurement import where_it_fits

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def full(device: torch.device) -> str:
    """Work for which a GPU is too small."""
    if device.type == "cuda":
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
    return device.type


def test_it_goes_on_on_the_cpu() -> None:
    with pytest.warns(BenchWarning, match="evaluated on the CPU"):
        assert where_it_fits(full, GPU) == "cpu"


def test_where_it_fits_it_stays(recwarn: pytest.WarningsRecorder) -> None:
    assert where_it_fits(lambda device: device.type, GPU) == "cuda"
    assert where_it_fits(full, CPU) == "cpu"
    assert not recwarn


def test_other_errors_and_a_full_host_are_raised() -> None:
    def broken(device: torch.device) -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        where_it_fits(broken, GPU)

    def too_large(device: torch.device) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        where_it_fits(too_large, CPU)

"""What torch says of a GPU, sorted: memory that is full, a GPU that is lost, and mistakes of the program's own."""

from __future__ import annotations

import pytest
import torch

from bench.training.device_errors import device_lost, of_the_process, out_of_memory

FULL = [
    MemoryError("Unable to allocate 8 GiB"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"),
]
LOST = [
    RuntimeError("CUDA error: device-side assert triggered\nCompile with `TORCH_USE_CUDA_DSA`"),
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("CUDA error: uncorrectable ECC error encountered"),
]
OWN = [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("CUDA error: a text"), KeyError("x")]


@pytest.mark.parametrize(
    ("error", "full", "lost"),
    [*((e, True, False) for e in FULL), *((e, False, True) for e in LOST), *((e, False, False) for e in OWN)],
)
def test_each_is_one_of_three(error: Exception, full: bool, lost: bool) -> None:
    assert (out_of_memory(error), device_lost(error), of_the_process(error)) == (full, lost, full or lost)


def test_what_torch_raises_itself() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**50, dtype=torch.uint8)
    assert out_of_memory(raised.value)

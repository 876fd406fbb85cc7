"""Errors that are no training's own fault: memory ran out, or the process has lost its GPU.

torch has no type for most of them, and those it has are not in every version that is supported, so texts tell.
"""

from __future__ import annotations

_NO_MEMORY = (
    "can't allocate memory", "not enough memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED", "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
)  # fmt: skip


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the device or the host."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _NO_MEMORY)


def device_lost(error: BaseException) -> bool:
    """Whether CUDA has failed in the midst of its work (an index out of range, an illegal address, broken memory):
    whatever the process asks of the GPU from then on fails too. A few that would not are counted among them: a new
    process costs seconds.
    """
    return isinstance(error, RuntimeError) and "CUDA error: " in str(error) and not out_of_memory(error)


def of_the_process(error: BaseException) -> bool:
    """Whether others that train in the same process may have caused it, or have it too."""
    return out_of_memory(error) or device_lost(error)

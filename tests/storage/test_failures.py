"""Each kind of error has its class and one sentence."""

import pytest
import torch

from bench.errors import ConfigError, NotFiniteError, TrainingError
from bench.storage.failures import KINDS, failure_of


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (ValueError("a\nb"), "error", "ValueError: a"),
        (KeyError(), "error", "KeyError: no reason given"),
        (TrainingError("no item"), "refused", "no item"),
        (ConfigError("no such thing"), "refused", "no such thing"),
        (NotFiniteError("the loss is nan"), "not-finite", "the loss is nan"),
        (MemoryError("Unable to allocate 8 GiB"), "out-of-memory", "out of memory: Unable to allocate 8 GiB"),
        (torch.OutOfMemoryError("CUDA out of memory."), "out-of-memory", "out of memory: CUDA out of memory."),
        (RuntimeError("mat1 and mat2 shapes"), "error", "RuntimeError: mat1 and mat2 shapes"),
    ],
)
def test_kind_and_reason(error: Exception, kind: str, reason: str) -> None:
    found = failure_of(error, "the traceback")
    assert (found.kind, found.reason, found.traceback) == (kind, reason, "the traceback")
    assert found.kind in KINDS


def test_memory_that_torch_does_not_get() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**50, dtype=torch.uint8)
    assert failure_of(raised.value, None).reason == "out of memory: 1,048,576.0 GiB could not be had"

"""What a process may take, and how it spares its time."""

from __future__ import annotations

import gc
import os
from contextlib import suppress

_NEW_OBJECTS = 10_000  # after which garbage is looked for; Python's own 700 is a quarter of the time of `bench plan`


def collect_rarely() -> None:
    """Look for garbage less often: packages make 250,000 objects while they load, none of them garbage."""
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])


def limit_threads(threads: int) -> None:
    """Of torch and the libraries under it; before torch is imported, so that none starts more."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    import torch

    torch.set_num_threads(threads)


def limit_memory(gib: float | None) -> None:
    """Of this process on the host; more is an error in Python then. Nothing where the system has no such limit."""
    if gib is None:
        return
    with suppress(ImportError):
        import resource

        most = int(gib * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))

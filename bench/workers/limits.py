"""What a process may take, and how it spares its time."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from contextlib import suppress

_NEW_OBJECTS = 10_000  # after which garbage is looked for; Python's own 700 is a quarter of the time of `bench plan`
_KEPT = 2**30  # bytes; glibc gives back what is larger than 128 KiB to 32 MiB, by what it has seen
_KEPT_AT_LEAST = 2**25  # where glibc is older
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1  # of malloc.h


def spare_time() -> None:
    """Replace two defaults that cost more than they bring here.

    Packages make 250,000 objects while they load, none of them garbage, so garbage is looked for less often. Freed
    memory stays with the process: what is given back after each layer of a network comes again page by page, which took
    more than half of the time of features of 224 px. Nothing of the latter where the C library is not glibc.
    """
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
    if sys.platform == "linux":
        with suppress(AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_MMAP_THRESHOLD, _KEPT) or mallopt(_M_MMAP_THRESHOLD, _KEPT_AT_LEAST)
            mallopt(_M_TRIM_THRESHOLD, _KEPT)


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

"""Work on slices of queries by all cores of this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_SLICE = 256  # queries: enough work to hide a hand-over, little enough to share evenly


def for_each_slice(
    rows: int, work: Callable[[slice], None], threads: int | None = None, slice_rows: int = _SLICE
) -> None:
    """Call `work` on slices that cover `rows`, in parallel (it must release the GIL and write to its slice only).

    Args:
        threads: None for the cores that this process may use.
        slice_rows: most rows at a time.
    """
    size = min(slice_rows, max(1, -(-rows // (threads or cores()))))
    slices = [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
    with ThreadPoolExecutor(threads or cores()) as pool:
        for done in [pool.submit(work, each) for each in slices]:
            done.result()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""Whether more cells would fit on a GPU at a time, by what finished cells have left of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from bench.grid.store import StoredCell

_MEMORY = 0.9  # share of a GPU's memory that is given out: torch and the driver hold some of their own


def gpu_room(stored: Iterable[StoredCell]) -> str | None:
    """A sentence where several times as many cells would fit, by time and by memory; None where not, or not known."""
    found = [
        (where["gpu_busy"], where["peak_gpu_memory_bytes"], where["gpu"]["memory_bytes"])
        for where in (one.result.get("provenance", {}) for one in stored if one.ok)
        if where.get("gpu") and where.get("gpu_busy") and where.get("peak_gpu_memory_bytes")
    ]
    if not found:
        return None
    busy = statistics.median(share for share, _, _ in found)
    peak, memory = max(peak for _, peak, _ in found), min(memory for _, _, memory in found)
    times = int(min(1 / busy, _MEMORY * memory / peak))
    if times < 2:
        return None
    return (
        f"finished cells kept their GPU busy {busy:.0%} of the time and took {peak / 2**30:.1f} of its "
        f"{memory / 2**30:.0f} GiB: {times} times as many --workers would fit"
    )

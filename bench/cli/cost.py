"""What results have cost, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.cli.format import duration
from bench.storage.cost import seconds_of_all

if TYPE_CHECKING:
    from bench.storage.store import StoredCell

_MEMORY = (("peak_memory_bytes", ""), ("peak_gpu_memory_bytes", " on a GPU"))


def cost_line(cells: Sequence[StoredCell]) -> str:
    """`cost: 6 cells, 3 min 25 s in all; at most 846 MiB; trained 1,243 items/s`; of GPUs their share and memory.

    Time is that of the cells, see `seconds_of_all`. Failed ones cost, too. Items a second are those of all epochs over
    the seconds of the phase training, of the cells that have ended well.
    """
    seconds = seconds_of_all(cells)
    on_gpu = seconds_of_all(cell for cell in cells if _made(cell).get("gpu_seconds"))
    noun = "cell" if len(cells) == 1 else "cells"
    gpus = f", {duration(on_gpu)} of it on GPUs" if on_gpu else ""
    parts = [f"cost: {len(cells):,} {noun}, {duration(seconds)} in all{gpus}"]
    memory = [f"{most / 2**20:,.0f} MiB{where}" for key, where in _MEMORY if (most := _most(cells, key))]
    parts += [f"at most {' and '.join(memory)}"] if memory else []
    well = [cell for cell in cells if cell.ok and cell.result["seconds"].get("training")]
    if training := sum(cell.result["seconds"]["training"] for cell in well):
        items = sum(cell.cell.counts["train"] * len(cell.result["history"]) for cell in well)
        parts.append(f"trained {items / training:,.0f} items/s")
    return "; ".join(parts)


def _most(cells: Sequence[StoredCell], name: str) -> float:
    return max((_number(_made(cell).get(name)) for cell in cells), default=0.0)


def _made(cell: StoredCell) -> dict[str, Any]:
    found: dict[str, Any] = cell.result.get("provenance") or {}
    return found


def _number(value: Any) -> float:
    """What is not stored counts for nothing."""
    return float(value or 0)

"""What the results cost: seconds by phase, processor or GPU time, memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.storage.cost import seconds_of_all
from bench.storage.store import StoredCell

from .._model import Entry, Panel
from .facts import facts, finished, mixtures, seeds
from .table import Table, Value
from .text import listed
from .values import NOTHING, Column, by_bits, extreme, mean, stored, table_name

_PHASES = ("data", "reference", "classifier", "centers", "training", "codes", "evaluation")
_LEAST = 0.005  # seconds: a phase that never takes longer has no column


def cost_table(panel: Panel) -> Table:
    """Means over seeds; memory is the largest of the seeds."""
    cells = list(finished(panel))
    shown = [p for p in _PHASES if any(cell.result["seconds"].get(p, 0) >= _LEAST for cell in cells)]
    columns = (
        *(_phase(name) for name in shown), _phase("total"),
        Column("CPU-s", lambda e: mean(_processor_seconds(e), 1, spread=False)),
        Column("GPU-s", lambda e: mean([s for s in stored(e, "provenance", "gpu_seconds") if s], 1, spread=False)),
        Column("MiB", lambda e: extreme(_mebibytes(e, "peak_memory_bytes"), max)),
        Column("GPU MiB", lambda e: extreme(_mebibytes(e, "peak_gpu_memory_bytes"), max)),
        Column("together", lambda e: extreme(stored(e, "provenance", "trained_together"), max)),
    )  # fmt: skip
    header, rows = by_bits(panel, columns)
    said = [
        (
            f"Wall seconds of a cell by phase, and their sum; {seeds(panel, 'mean over')}. What cells share is counted "
            "in the cell that made it first, a classifier in each that used it; of a training pass that several cells "
            "shared, each has its part."
        ),
        (
            "CPU-s: total times threads, of cells on a CPU; GPU-s: total of cells on a GPU. MiB: largest resident "
            "memory of the process and most memory held on the GPU. Together: cells trained in one pass."
        ),
        _devices(cells),
    ]
    return Table(table_name("cost", panel), "Cost", header, rows, facts(panel, *said), mixtures(panel), panel.title)


def _phase(name: str) -> Column:
    return Column(name, lambda e: _seconds(stored(e, "seconds", name)))


def _seconds(values: list[float]) -> Value:
    """Three digits that count."""
    if not values:
        return NOTHING
    middle = sum(values) / len(values)
    return mean(values, 2 if middle < 10 else 1 if middle < 100 else 0, spread=False)


def _on_gpu(cell: StoredCell) -> bool:
    return str(_made(cell).get("device", "cpu")).startswith("cuda")


def _made(cell: StoredCell) -> dict[str, Any]:
    found: dict[str, Any] = cell.result.get("provenance") or {}
    return found


def _processor_seconds(entry: Entry) -> list[float]:
    return [
        cell.result["seconds"]["total"] * _made(cell).get("threads", 1)
        for cell in entry.cells
        if _made(cell) and not _on_gpu(cell)
    ]


def _mebibytes(entry: Entry, name: str) -> list[float]:
    return [size / 2**20 for size in stored(entry, "provenance", name)]


def _devices(cells: Sequence[StoredCell]) -> str:
    """The hardware, and the time of all cells."""
    names = sorted({_device(cell) for cell in cells if _made(cell)})
    total = f"Time of all cells ({len(cells):,}): {seconds_of_all(cells):,.0f} s"
    shared = (
        ", classifiers that they share counted once" if any("classifier" in c.result["seconds"] for c in cells) else ""
    )
    return f"Hardware: {listed(names) or 'not stored'}. {total}{shared}."


def _device(cell: StoredCell) -> str:
    made = _made(cell)
    if _on_gpu(cell):
        return f"GPU {(made.get('gpu') or {}).get('name', made['device'])}"
    threads = made.get("threads", 1)
    return f"CPU {made.get('processor', made.get('device'))}, {threads} thread{'s' if threads != 1 else ''}"

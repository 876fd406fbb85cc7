"""The line that says what results have cost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bench.cli.cost import cost_line


def stored(total: float, training: float, epochs: int = 2, ok: bool = True, **made: Any) -> Any:
    result = {"seconds": {"training": training, "total": total}, "history": [{}] * epochs, "provenance": made}
    return SimpleNamespace(ok=ok, result=result, cell=SimpleNamespace(counts={"train": 100}))


def test_golden_on_a_processor() -> None:
    cells = [stored(60, 20, peak_memory_bytes=2**30, gpu_seconds=0.0, peak_gpu_memory_bytes=None), stored(82, 20)]
    assert cost_line(cells) == "cost: 2 cells, 2 min 22 s in all; at most 1,024 MiB; trained 10 items/s"


def test_golden_with_gpus_and_a_failure() -> None:
    gpu = {"gpu_seconds": 3600.0, "peak_memory_bytes": 2**21, "peak_gpu_memory_bytes": 2**22}
    cells = [stored(3600, 100, **gpu), stored(3600, 0, 0, ok=False)]
    assert cost_line(cells) == (
        "cost: 2 cells, 2 h 00 min in all, 1 h 00 min of it on GPUs; at most 2 MiB and 4 MiB on a GPU; "
        "trained 2 items/s"
    )


def test_of_cells_that_a_dead_process_left() -> None:
    cell = stored(0, 0)
    cell.result |= {"seconds": {"lost": 5.0, "total": 5.0}, "provenance": None}
    cell.ok = False
    assert cost_line([cell]) == "cost: 1 cell, 5.0 s in all"


@pytest.mark.parametrize("again", [False, True])
def test_a_run_and_its_report_end_with_it(here, tiny_options: list[str], again: bool) -> None:
    done = here("run", "--methods", "csq", "--bits", "8", *tiny_options, check=0)
    if again:
        done = here("report", check=0)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("cost: "))
    assert line.startswith("cost: 1 cell, ")
    assert " MiB; trained " in line
    assert line.endswith(" items/s")

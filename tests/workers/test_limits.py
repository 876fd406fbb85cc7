from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from bench.workers.limits import collect_rarely, limit_memory

WISH = """
from bench.workers.limits import limit_memory
limit_memory({gib})
try:
    print(len(bytearray(2**28)))
except MemoryError:
    print("MemoryError")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not count what a process maps")
@pytest.mark.parametrize(("gib", "found"), [(None, str(2**28)), (0.2, "MemoryError")])
def test_more_memory_than_given_is_an_error_in_python(gib: float | None, found: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WISH.format(gib=gib)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == found


def test_a_system_without_limits_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)  # Windows
    limit_memory(0.001)
    assert len(bytearray(2**24)) == 2**24


def test_garbage_is_looked_for_less_often() -> None:
    before = gc.get_threshold()
    try:
        collect_rarely()
        assert gc.get_threshold() == (10_000, *before[1:])
    finally:
        gc.set_threshold(*before)

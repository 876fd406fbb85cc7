from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from bench.workers.limits import limit_memory

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


FAULTS = """
import resource, sys
from bench.workers.limits import spare_time
if sys.argv[1] == "spared":
    spare_time()
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    len(b'x' * (2**26 + len(sys.argv)))  # not known before it runs
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults * resource.getpagesize() / 2**26)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc" or platform.libc_ver()[1] < "2.35", reason="glibc from 2.35 on")
def test_memory_that_was_freed_stays() -> None:
    """64 MiB, twice: the share of its pages that the system must give again."""
    came = [
        float(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True).stdout)
        for how in ("spared", "plain")
    ]
    assert came[0] < 0.1
    assert came[1] > 0.9


def test_garbage_is_looked_for_less_often() -> None:
    script = "import gc; from bench.workers.limits import spare_time; spare_time(); print(gc.get_threshold()[0])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) == 10_000

"""Where and with what a result was made, stored beside it. No part of a cell's identity.

What cannot change while a process runs is asked for once: a cell costs well under a millisecond.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import torch

import bench
from bench.codes.threads import cores

_DISTRIBUTION = "hash-center-bench"
COMMAND = "BENCH_COMMAND"  # variable of the environment: the user's command, for the processes it starts


def provenance(
    device: torch.device, seeds: Mapping[str, int] | None = None, seconds: float | None = None, together: int = 1,
    compiled: str = "no",
) -> dict[str, Any]:  # fmt: skip
    """Versions, commit, hardware, seeds, command, threads, choice of kernels and time.

    Args:
        seeds: root seeds by what they are of: {"cell": 0, "training": 0}.
        seconds: what the cell cost; on a GPU these are its GPU-seconds.
        together: cells that were trained in one pass with it, itself included: more than one round otherwise.
        compiled: what its backbone was compiled to: "no", "kernels" or "graphs".
    """
    on_gpu = device.type == "cuda"
    return {
        **_software(), **_machine(), "device": str(device), "gpu": _gpu(str(device)) if on_gpu else None,
        "threads": torch.get_num_threads(), "seeds": dict(seeds or {}), "command": command(),
        "trained_together": together, "deterministic": torch.are_deterministic_algorithms_enabled(),
        "compiled": compiled,
        "gpu_seconds": seconds if on_gpu else 0.0, "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def command() -> str | None:
    """The command line that began the run, as typed; of another program its name alone: its arguments are its own."""
    if COMMAND in os.environ:
        return os.environ[COMMAND]
    program = Path(sys.argv[0] or "python")
    if program.stem == "bench" or program.parts[-2:] == ("bench", "__main__.py"):
        return shlex.join(["bench", *sys.argv[1:]])
    return program.name


def reset_peaks(device: torch.device) -> None:
    """Count peak memory from now on: of the device, and of this process where the system lets it (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    if device.type == "cuda" and torch.cuda.is_initialized():  # else nothing has been allocated yet
        torch.cuda.empty_cache()  # what cells before have left is not this one's
        torch.cuda.reset_peak_memory_stats(device)


def peaks(device: torch.device) -> dict[str, int | None]:
    """Bytes: largest resident memory of this process, and most that torch took of the GPU; since `reset_peaks`.

    Of what it takes torch keeps what tensors and CUDA graphs have left, and no other process can have it.
    """
    on_gpu = device.type == "cuda"
    return {
        "peak_memory_bytes": peak_memory(),
        "peak_gpu_memory_bytes": torch.cuda.max_memory_reserved(device) if on_gpu else None,
    }


def peak_memory() -> int | None:
    """Largest resident memory of this process since `reset_peaks`, in bytes; since its start where the system cannot
    count anew; None where it does not say (Windows).
    """
    with suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        if found := re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE):
            return int(found[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@functools.cache
def _software() -> dict[str, Any]:
    """Versions of this package, of Python and of all that it needs at run time; the commit where it is a checkout."""
    commit, clean = _commit()
    return {
        "bench": bench.__version__, "commit": commit, "clean": clean, "python": platform.python_version(),
        "packages": {name: found for name in _requirements() if (found := _version(name))},
    }  # fmt: skip


@functools.cache
def _machine() -> dict[str, Any]:
    """Model of the processor, its cores and those this process may use, memory in bytes."""
    return {
        "platform": platform.platform(), "architecture": platform.machine(), "processor": _processor(),
        "cores": os.cpu_count(), "usable_cores": cores(), "memory_bytes": _memory(),
    }  # fmt: skip


@functools.cache
def _gpu(device: str) -> dict[str, Any]:
    """Name, memory in bytes and compute capability of a CUDA device, and the libraries that drive it."""
    found = torch.cuda.get_device_properties(torch.device(device))
    return {
        "name": found.name, "memory_bytes": found.total_memory, "capability": f"{found.major}.{found.minor}",
        "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(),
    }  # fmt: skip


def _requirements() -> list[str]:
    """Names of the distributions that are needed at run time, extras left out."""
    try:
        texts = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:  # run from a folder that is on the path
        return ["torch", "numpy"]
    names = [re.match(r"[\w.-]+", text) for text in texts if "extra ==" not in text]
    return sorted(found[0].lower() for found in names if found)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """The processor's model as the system names it; its architecture where it does not."""
    with suppress(OSError, subprocess.SubprocessError):
        if sys.platform == "darwin":
            return _output("sysctl", "-n", "machdep.cpu.brand_string")
        cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        if found := re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE):
            return found[1].strip()
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def _commit() -> tuple[str | None, bool | None]:
    """Commit of the checkout the package runs from, and whether its files are as committed; None when installed."""
    folder = Path(bench.__file__).parent.parent
    if not (folder / ".git").exists():
        return None, None
    try:
        head = _output("git", "-C", str(folder), "rev-parse", "HEAD")
        return head, not _output("git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None, None


def _output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

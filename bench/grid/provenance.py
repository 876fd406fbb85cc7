"""Where and with what a result was made, stored beside it. No part of a cell's identity."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import bench

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "scipy", "pillow")


def provenance(device: torch.device) -> dict[str, Any]:
    """Versions, hardware, thread count and time."""
    return {
        "bench": bench.__version__, "commit": _commit(), "python": platform.python_version(),
        "packages": {name: v for name in _PACKAGES if (v := _version(name))},
        "platform": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count(),
        "threads": torch.get_num_threads(), "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def peak_memory() -> int | None:
    """Largest resident memory of this process so far, in bytes; None where the system does not say (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@functools.cache
def _commit() -> str | None:
    """Commit of the checkout the package runs from, with "+" where files differ from it; None when installed."""
    folder = Path(bench.__file__).parent.parent
    if not (folder / ".git").exists():
        return None
    try:
        head = _git(folder, "rev-parse", "HEAD")
        return head + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *command: str) -> str:
    run = subprocess.run(["git", "-C", str(folder), *command], capture_output=True, text=True, check=True, timeout=10)
    return run.stdout.strip()

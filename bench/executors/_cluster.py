"""What executors on other machines have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.config import setting
from bench.errors import ConfigError
from bench.grid.job import Job
from bench.plugins.executor import ExecutorConfig
from bench.workers.limits import limit_memory, limit_threads, spare_time


class ClusterConfig(ExecutorConfig):
    """Settings of an executor whose cells run on other machines."""

    workers: int | None = setting(None, "units at a time; none: as many as the cluster takes", ge=1)
    delay: float = setting(
        60, "seconds after which all machines see what one of them has written", source="what NFS keeps of a folder",
        ge=0,
    )  # fmt: skip


def placed(job: Job, device: str) -> Job:
    """The job for a machine with another working directory: its paths are absolute."""
    weights = job.weights
    if weights is not None and Path(weights).expanduser().exists():
        weights = str(Path(weights).expanduser().absolute())
    root = None if job.root is None else job.root.absolute()
    return replace(job, out=job.out.absolute(), root=root, weights=weights, device=device)


def begin_process(order: Mapping[str, Any]) -> None:
    """What a process on another machine does first: take the order's `threads`, `memory` and `command` for its own.

    Before torch is imported: OpenMP reads when it is loaded that threads which wait are not to slow others down.
    """
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    spare_time()
    limit_threads(order["threads"])
    limit_memory(order["memory"])
    from bench.storage.provenance import COMMAND  # imports torch

    os.environ[COMMAND] = order["command"] or ""


def need(package: str, executor: str, requirement: str) -> None:
    """See that a package is installed, without importing it.

    Raises:
        ConfigError: it is not.
    """
    from importlib.util import find_spec

    with suppress(ImportError, ValueError):
        if find_spec(package) is not None:
            return
    raise ConfigError(f"--executor {executor} needs the package {package}: pip install '{requirement}'.")

"""Why a cell has no result: the class of its failure and one sentence, whatever went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bench.errors import BenchError, NotFiniteError, first_line
from bench.training.device_errors import out_of_memory

_NONE = "no reason given"

Kind = Literal["error", "refused", "not-finite", "out-of-memory", "killed", "timeout"]
KINDS: dict[Kind, str] = {
    "error": "an exception: see the traceback in the cell's result.json",
    "refused": "a choice that cannot be",
    "not-finite": "the loss became infinite or no number",
    "out-of-memory": "memory ran out, also with smaller batches",
    "killed": "the cell's process ended without a word",
    "timeout": "it took longer than --timeout",
}


@dataclass(frozen=True)
class Failure:
    """What is stored of a cell that failed.

    Attributes:
        reason: one sentence, shown in tables.
        traceback: None where there is none to show.
    """

    kind: Kind
    reason: str
    traceback: str | None = None


def failure_of(error: BaseException, traceback: str | None) -> Failure:
    """The failure that an exception stands for."""
    if out_of_memory(error):
        return Failure("out-of-memory", f"out of memory: {_asked_for(error)}", traceback)
    if isinstance(error, NotFiniteError):
        return Failure("not-finite", str(error), traceback)
    if isinstance(error, BenchError):
        return Failure("refused", str(error), traceback)
    return Failure("error", f"{type(error).__name__}: {first_line(error, _NONE)}", traceback)


def _asked_for(error: BaseException) -> str:
    """`4096.0 GiB could not be had`, where torch tells it among its own file names."""
    found = re.search(r"tried to allocate (\d+) bytes", str(error))
    return first_line(error, _NONE) if found is None else f"{int(found[1]) / 2**30:,.1f} GiB could not be had"

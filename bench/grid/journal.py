"""What happens in runs, appended to OUT/log.jsonl: a JSON object a line, of all runs that have used the folder.

Every line has `time` (UTC), `run` (8 hex digits) and `event`, and beside them:

    run started   pid, host, command, version, kept and to_run (ids of cells)
    cells begun   worker, ids, titles
    stage         worker, name, total (items; 0: not known)
    epoch         worker, epoch (zero-based), epochs, loss (null: no number), lr
    cell stored   worker, id, title, status, failure (its class), map, seconds
    run ended     how

Several runs share a folder, so a line is one write that goes to the end. While a run goes on, it holds a shared lock on
the file: it is let go of however the process ends.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bench
from bench.jsonlines import read_lines
from bench.training.progress import Observer

if TYPE_CHECKING:
    from bench.grid.plan import Plan
    from bench.storage.cell import Cell
    from bench.storage.store import StoredCell

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: whether a run goes on is told from its process alone
    fcntl = None  # type: ignore[assignment]

_FIELDS: dict[str, dict[str, Any]] = {  # what is read of an event
    "run started": {
        "pid": int, "host": str, "command": str | None, "version": str, "kept": list, "to_run": list,
    },
    "cells begun": {"ids": list, "titles": list},
    "stage": {"name": str},
    "epoch": {"epoch": int, "epochs": int, "loss": float | int | None},
    "cell stored": {"id": str},
    "run ended": {"how": str},
}  # fmt: skip
_EPOCH_EVERY = 1.0  # seconds between lines on epochs, of each worker


@contextmanager
def journal(plan: Plan) -> Iterator[Observer]:
    """An observer that writes the run's lines, its first and last one included.

    A disk that is full or a folder that cannot be written costs lines, never the run.
    """
    log = _Log(journal_path(plan.spec.out))
    log.write("run started", **run_facts(plan))
    how = "done"
    try:
        yield _Journal(log)
    except BaseException as error:
        how = how_ended(error)
        raise
    finally:
        log.write("run ended", how=how)
        log.close()


def journal_path(out: Path) -> Path:
    """Where the runs of an output folder write."""
    return out / "log.jsonl"


def run_facts(plan: Plan) -> dict[str, Any]:
    """What is known of a run when it begins."""
    from bench.storage.provenance import command  # imports torch, which those who read the journal need not

    kept = [planned.job.cell.id for planned in plan.cells if not planned.runs]
    return {
        "pid": os.getpid(), "host": socket.gethostname(), "command": command(), "version": bench.__version__,
        "kept": kept, "to_run": [job.cell.id for job in plan.to_run],
    }  # fmt: skip


def how_ended(error: BaseException) -> str:
    """What is said of a run that an error has ended, Ctrl-C among them."""
    return "interrupted" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: {error}"


def read_journal(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The whole lines from `offset` on, and where the next ones will begin. What is no event is passed over."""
    found, end = read_lines(path, offset)
    return [event for event in found if _is_event(event)], end


def _is_event(line: dict[str, Any]) -> bool:
    """Whether it has what is read of its kind, each of its type: anyone may have written into the file."""
    if not all(isinstance(line.get(name), str) for name in ("time", "run", "event")):
        return False
    fields = _FIELDS.get(line["event"], {})
    lists = [line.get(name, []) for name in ("kept", "to_run", "ids", "titles")]
    return (
        isinstance(line.get("worker", 0), int)
        and all(isinstance(line.get(name), kind) for name, kind in fields.items())
        and all(isinstance(each, str) for values in lists for each in values)
        and len(line.get("ids", [])) == len(line.get("titles", []))
    )


def run_goes_on(path: Path) -> bool | None:
    """Whether any run holds the file; None where the system does not say."""
    if fcntl is None:
        return None
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


class _Log:
    """The file as one run writes it."""

    def __init__(self, path: Path) -> None:
        self._run = secrets.token_hex(4)
        self._handle: int | None = None
        self._cut = True  # whether the last line may have been cut, by this run or the one before
        with suppress(OSError):
            self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            self._cut = _is_cut(path)
        if fcntl is not None and self._handle is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(self._handle, fcntl.LOCK_SH)

    def write(self, event: str, **fields: Any) -> None:
        """One line, if there is room for it."""
        if self._handle is None:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "run": self._run, "event": event, **fields}, ensure_ascii=False) + "\n"
        content = ("\n" + line if self._cut else line).encode("utf-8", errors="replace")
        written = 0
        with suppress(OSError):
            written = os.write(self._handle, content)
        self._cut = 0 < written < len(content) or (self._cut and written == 0)

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class _Journal(Observer):
    """Writes what one worker tells; the first of them, what is told without saying of which."""

    def __init__(self, log: _Log, number: int = 0) -> None:
        self._log, self._number = log, number
        self._others: dict[int, _Journal] = {number: self}
        self._last = -math.inf

    def worker(self, number: int) -> Observer:
        if number not in self._others:
            self._others[number] = _Journal(self._log, number)
        return self._others[number]

    def begin(self, cells: Sequence[Cell]) -> None:
        self._write("cells begun", ids=[cell.id for cell in cells], titles=[cell.title for cell in cells])

    def stage(self, name: str, total: int) -> None:
        self._write("stage", name=name, total=total)

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        now = time.monotonic()
        if now - self._last >= _EPOCH_EVERY:
            self._last = now
            self._write("epoch", epoch=epoch, epochs=epochs, loss=_number(loss), lr=_number(lr))

    def stored(self, stored: StoredCell) -> None:
        result = stored.result
        self._write(
            "cell stored", id=stored.cell.id, title=stored.cell.title, status=result["status"],
            failure=result.get("failure"), map=_number(result["metrics"].get("map")),
            seconds=round(result["seconds"]["total"], 3),
        )  # fmt: skip

    def _write(self, event: str, **fields: Any) -> None:
        self._log.write(event, worker=self._number, **fields)


def _is_cut(path: Path) -> bool:
    """Whether the last line has no end."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _number(value: float | None) -> float | None:
    """JSON has no infinity."""
    return value if value is not None and math.isfinite(value) else None

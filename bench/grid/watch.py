"""Looking at an output folder while runs go on: from its cells, its journal and its claims to their status.

Reads, and writes nothing.
"""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.errors import ConfigError
from bench.grid.journal import journal_path, read_journal, run_goes_on
from bench.grid.status import Failed, Run, Running, Status, seconds_of
from bench.storage.cell import Cell
from bench.storage.claims import claimed_ids
from bench.storage.store import SCHEMA, Store

_PARTS = ("dataset_label", "split", "method_label", "bits", "seed")
_MEASURED = ("map", "map_low", "map_high")
_PROGRESS = ("since", "stage", "stage_since", "epoch", "epochs", "loss")


class Watch:
    """Looks at a folder again and again; what has not changed is not read again.

    Attributes:
        stored: what the last look found of every whole cell, by its id: `title` and its parts, `ok`, `failure`,
            `reason`, `map` with its interval, `seconds` and when it was `finished`.
    """

    def __init__(self, out: Path) -> None:
        """Raises a ConfigError where there is no such folder."""
        if not out.is_dir():
            raise ConfigError(f"there is no output folder {out}: name the folder that bench run --out was given.")
        self.stored: dict[str, dict[str, Any]] = {}
        self._out = out
        self._offset = 0
        self._runs: dict[str, Run] = {}
        self._cells: dict[str, tuple[int, dict[str, Any]]] = {}  # folder -> stamp, what is read of it

    def look(self) -> Status:
        """How far it is now."""
        claimed = claimed_ids(Store(self._out).cells)  # first: a cell that ends meanwhile is then seen as stored
        events, self._offset = read_journal(journal_path(self._out), self._offset)
        for event in events:
            self._hear(event)
        self.stored = self._stored()
        return self._status(self.stored, claimed)

    def _hear(self, event: dict[str, Any]) -> None:
        try:
            if event["event"] == "run started":
                names = ("pid", "host", "command", "version", "kept", "to_run")
                now = seconds_of(event["time"])
                self._runs[event["run"]] = Run(event["run"], **{n: event[n] for n in names}, started=now, last=now)
            elif event["run"] in self._runs:
                self._runs[event["run"]].hear(event)
        except (KeyError, ValueError, TypeError, OverflowError):  # a line of another version, or edited by hand
            return

    def _stored(self) -> dict[str, dict[str, Any]]:
        store, found = Store(self._out), {}
        for folder in store.folders():
            facts = self._facts(store.cells / folder)
            if facts is not None:
                found[folder.rpartition(".")[2]] = facts
        return found

    def _facts(self, folder: Path) -> dict[str, Any] | None:
        try:
            stamp = (folder / "result.json").stat().st_mtime_ns
            known = self._cells.get(folder.name)
            if known is None or known[0] != stamp:
                result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
                if result["schema"] != SCHEMA:  # of another version: as good as not there
                    return None
                cell = Cell.model_validate_json((folder / "cell.json").read_text(encoding="utf-8"))
                facts = {
                    "title": cell.title, **{name: getattr(cell, name) for name in _PARTS},
                    "ok": result["status"] == "ok", "failure": result.get("failure") or "error",
                    "reason": result["reason"], **{name: result["metrics"].get(name) for name in _MEASURED},
                    "seconds": result["seconds"]["total"], "finished": seconds_of(result["provenance"]["finished"]),
                }  # fmt: skip
                known = self._cells[folder.name] = stamp, facts
            return known[1]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            return None

    def _status(self, stored: dict[str, dict[str, Any]], claimed: set[str]) -> Status:
        now = datetime.now(UTC).timestamp()
        runs = self._shown_runs(claimed)
        planned = {cell for run in runs for cell in [*run.kept, *run.to_run]} if runs else None
        shown = {cell: facts for cell, facts in stored.items() if planned is None or cell in planned}
        left = {cell for run in runs for cell in run.to_run if not _finished(cell, run, stored)}
        in_hand = {run.id: _in_hand(run, left) for run in runs if run.ended is None}
        told = {cell for run in runs for doing in run.doing.values() for cell in doing.ids}
        finished = {cell for run in runs for cell in run.stored}
        began = min((run.started for run in runs), default=now)
        going = any(run.goes_on for run in runs)
        until = now if going else max((run.last for run in runs), default=now)
        per_hour = len(finished) / max(until - began, 1e-3) * 3600 if finished else None
        return Status(
            out=str(self._out), time=now, planned=None if planned is None else len(planned),
            done=sum(facts["ok"] for cell, facts in shown.items() if cell not in left),
            failed=[
                Failed(facts["title"], facts["failure"], facts["reason"])
                for cell, facts in shown.items() if not facts["ok"] and cell not in left
            ],
            left=None if planned is None else len(left),
            running=[one for run in runs if run.goes_on is not False for one in in_hand.get(run.id, [])],
            lost=[one for run in runs if run.goes_on is False for one in in_hand.get(run.id, [])],
            other_ids=sorted(claimed - told), others=len(stored) - len(shown), per_hour=per_hour,
            seconds_left=len(left) / per_hour * 3600 if per_hour and going else None, runs=runs,
        )  # fmt: skip

    def _shown_runs(self, claimed: set[str]) -> list[Run]:
        held = run_goes_on(journal_path(self._out))
        open_ones = [run for run in self._runs.values() if run.ended is None]
        for run in self._runs.values():
            run.goes_on = _goes_on(run, held, claimed, alone=len(open_ones) == 1)
        runs = list(self._runs.values())  # as they began: the file's order, whatever the clocks say
        return [run for run in runs if run.goes_on] or runs[-1:]


def _goes_on(run: Run, held: bool | None, claimed: set[str], alone: bool) -> bool | None:
    """Whether its process is there; None where that cannot be told from this machine.

    Args:
        held: whether any run holds the journal; None where the system does not say.
        claimed: cells that any process runs.
        alone: whether no other run is without an end.
    """
    if run.ended is not None or held is False:
        return False
    if any(cell in claimed for doing in run.doing.values() for cell in doing.ids):
        return True
    if run.host == socket.gethostname():
        return _is_process(run.pid)
    return held if alone else None


def _is_process(pid: int) -> bool:
    if os.name == "nt":  # os.kill would end it there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    except OverflowError:  # no number of a process
        return False
    return True


def _finished(cell: str, run: Run, stored: dict[str, dict[str, Any]]) -> bool:
    """Whether it has been stored since the run began, by it or by another."""
    return cell in stored and (cell in run.stored or stored[cell]["finished"] >= int(run.started))


def _in_hand(run: Run, left: set[str]) -> list[Running]:
    found = []
    for worker, doing in sorted(run.doing.items()):
        titles = [title for cell, title in zip(doing.ids, doing.titles, strict=True) if cell in left]
        if titles:
            progress = {name: getattr(doing, name) for name in _PROGRESS}
            found.append(Running(run=run.id, worker=worker, cells=titles, **progress))
    return found

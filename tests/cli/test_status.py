from __future__ import annotations

import io
import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.cli.status import lines
from bench.grid.journal import journal
from bench.grid.plan import Plan, make_plan
from bench.grid.run import run_plan
from bench.grid.spec import grid_spec
from bench.grid.watch import Watch
from bench.storage.claims import claimed
from bench.storage.failures import KINDS
from bench.storage.store import Store


def plan(out: Path, tiny_set: dict, **options: Any) -> Plan:
    out.mkdir(parents=True, exist_ok=True)
    return make_plan(
        grid_spec(options={"methods": ["csq"], "bits": [4, 8, 12], "set": tiny_set, "out": out, **options})
    )


def fail(out: Path, planned: Plan, place: int, kind: str, reason: str) -> None:
    """Store a failure of a planned cell, as of long ago."""
    Store(out).write(
        planned.cells[place].job.cell,
        {
            "status": "failed", "failure": kind, "reason": reason, "metrics": {}, "seconds": {"total": 1.0},
            "provenance": {"finished": "2020-01-01T00:00:00+00:00"},
        }, {},
    )  # fmt: skip


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


def test_a_run_that_is_done(here, tiny_options, tmp_path: Path) -> None:
    here("run", "--methods", "csq", "--bits", "4,8", *tiny_options, check=0)
    before = contents(tmp_path)
    shown = here("status", check=0).stdout
    assert shown.startswith("2 of 2 cells done, 0 failed, 0 running, 0 waiting; ")
    assert "ended at " in shown
    assert ": done" in shown
    (line,) = here("status", "results", "--json", "--watch", check=0).stdout.splitlines()
    found = json.loads(line)
    assert (found["planned"], found["done"], found["left"], found["failed"]) == (2, 2, 0, [])
    (run,) = found["runs"]
    assert (run["to_run"], run["kept"], run["stored"], run["ended"], run["pid"]) == (2, 0, 2, "done", os.getpid())
    assert contents(tmp_path) == before


def test_a_run_that_goes_on(tmp_path: Path, tiny_set: dict) -> None:
    out = tmp_path / "out"
    planned = plan(out, tiny_set, bits=[4, 8, 12, 16])
    watch = Watch(out)
    cells = [p.job.cell for p in planned.cells]
    fail(out, planned, 3, "timeout", "not done after 9 s: ended as --timeout says")
    with journal(planned) as observer, ExitStack() as claims:
        for cell in cells[:3]:
            claims.enter_context(claimed(out / "cells", cell))
        observer.worker(0).begin(cells[:2])
        observer.worker(1).begin(cells[2:3])
        observer.worker(1).stage("training", 1000)
        observer.worker(1).epoch(4, 30, 0.25, 0.1)
        status = watch.look()
        assert status.goes_on
        assert (status.planned, status.done, status.left, status.failed) == (4, 0, 4, [])  # it is run again
        assert [one.cells for one in status.running] == [[cells[0].title, cells[1].title], [cells[2].title]]
        one = status.running[1]
        assert (one.worker, one.stage, one.epoch, one.epochs, one.loss) == (1, "training", 4, 30, 0.25)
        assert (status.per_hour, status.seconds_left) == (None, None)
        text = lines(status)
        assert text[0] == "0 of 4 cells done, 0 failed, 3 running, 1 waiting"
        assert text[1].endswith("; runs")
        assert text[2].startswith(f"  worker 0: {cells[0].title} and 1 more together, for ")
        assert text[3].startswith(f"  worker 1: {cells[2].title}, for ")
        assert " s: training epoch 5/30 loss 0.2500, for " in text[3]

        fail(out, planned, 0, "error", "ValueError: x")
        (stored,) = [s for s in Store(out).read_all() if s.cell == cells[0]]
        observer.worker(0).stored(stored)
        status = watch.look()
        assert [(f.failure, f.reason) for f in status.failed] == [("error", "ValueError: x")]
        assert (status.left, status.running[0].cells) == (3, [cells[1].title])
        assert status.per_hour is not None
        assert status.seconds_left == pytest.approx(3 * 3600 / status.per_hour)

        copy = tmp_path / "elsewhere"
        shutil.copytree(out, copy)
        there = Watch(copy).look()
        assert not there.goes_on
        assert there.running == []
        assert [one.cells for one in there.lost] == [[cells[1].title], [cells[2].title]]
        assert "gone without a word" in lines(there)[1]
    assert not watch.look().goes_on


def test_a_run_without_a_journal_shows_in_its_claims(tmp_path: Path, tiny_set: dict) -> None:
    planned = plan(tmp_path, tiny_set)
    cell = planned.cells[0].job.cell
    fail(tmp_path, planned, 1, "killed", "signal 9")
    with claimed(tmp_path / "cells", cell):
        status = Watch(tmp_path).look()
    assert (status.planned, status.left, status.other_ids) == (None, None, [cell.id])
    assert [f.failure for f in status.failed] == ["killed"]
    text = "\n".join(lines(status))
    assert "no run has written log.jsonl here" in text
    assert "1 cell claimed by a run that does not write log.jsonl" in text


def test_failures_by_their_class(tmp_path: Path, tiny_set: dict) -> None:
    planned = plan(tmp_path, tiny_set, bits=[4, 6, 8, 10, 12, 14, 16, 18])
    for place in range(7):
        fail(tmp_path, planned, place, "out-of-memory", f"out of memory: {place}")
    fail(tmp_path, planned, 7, "of-a-later-version", "?")
    text = lines(Watch(tmp_path).look())
    assert "7 failed, out-of-memory (memory ran out, also with smaller batches):" in text
    assert "1 failed, of-a-later-version:" in text
    assert "  and 2 more" in text
    assert sum("out of memory: " in line for line in text) == 5


def test_every_class_of_failure_is_in_the_docs() -> None:
    table = (Path(__file__).parents[2] / "docs" / "running.md").read_text()
    assert [kind for kind in KINDS if f"| `{kind}` | " not in table] == []


def test_cells_of_other_grids_are_counted_apart(tmp_path: Path, tiny_set: dict) -> None:
    run_plan(plan(tmp_path, tiny_set, bits=[4, 8]))
    run_plan(plan(tmp_path, tiny_set, bits=[8]))
    status = Watch(tmp_path).look()
    assert (status.planned, status.done, status.others, status.left) == (1, 1, 1, 0)
    assert lines(status)[0].endswith("; 1 cell of other grids in the folder")


def test_a_folder_that_is_not_there(here) -> None:
    assert "there is no output folder nowhere: name the folder" in here("status", "nowhere", check=2).stderr


def test_watching_on_a_terminal_ends_with_the_run(
    tmp_path: Path, tiny_set: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.cli.status import _show

    terminal = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr("bench.cli.format.output_console", lambda: terminal)
    run_plan(plan(tmp_path, tiny_set, bits=[4]))
    _show(Watch(tmp_path), 60.0)
    assert "1 of 1 cell done" in terminal.file.getvalue()  # type: ignore[attr-defined]

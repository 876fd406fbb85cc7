"""Whether runs go on, and what is left of a folder's cells, from its files alone; `bench status` has its lines."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.grid.journal import journal, journal_path
from bench.grid.plan import Plan, make_plan
from bench.grid.spec import grid_spec
from bench.grid.watch import Watch, _is_process

GONE = 2**22 + 1  # larger than any process id of Linux


def plan(out: Path, tiny_set: dict, bits: tuple[int, ...] = (4, 8)) -> Plan:
    return make_plan(grid_spec(options={"methods": ["csq"], "bits": bits, "set": tiny_set, "out": out}))


def test_whether_a_process_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _is_process(os.getpid())
    assert not _is_process(2**80)

    def ends(error: type[OSError]) -> None:
        def kill(pid: int, signal: int) -> None:
            assert signal == 0  # which only asks
            raise error

        monkeypatch.setattr(os, "kill", kill)

    ends(ProcessLookupError)
    assert not _is_process(1)
    ends(PermissionError)  # another user's
    assert _is_process(1)


def test_a_run_whose_process_is_gone(tmp_path: Path, tiny_set: dict) -> None:
    planned = plan(tmp_path, tiny_set)
    with journal(planned) as observer:
        observer.begin([planned.cells[0].job.cell])
    path = journal_path(tmp_path)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    (run,) = Watch(tmp_path).look().runs
    assert run.goes_on is False  # nobody holds the file
    path.write_text(path.read_text().replace(f'"pid": {os.getpid()}', f'"pid": {GONE}'))
    with journal(planned):  # one holds it, but not that one
        runs = {run.pid: run.goes_on for run in Watch(tmp_path).look().runs}
    assert runs == {os.getpid(): True}


def test_two_runs_on_one_folder_are_shown_together(tmp_path: Path, tiny_set: dict) -> None:
    one, two = plan(tmp_path, tiny_set), plan(tmp_path, tiny_set, bits=(8, 16))
    with journal(one) as first, journal(two) as second:
        first.begin([one.cells[0].job.cell])
        second.begin([two.cells[1].job.cell])
        status = Watch(tmp_path).look()
    assert (status.planned, status.left, len(status.runs), len(status.running)) == (3, 3, 2, 2)


def test_lines_that_are_strange_are_passed_over(tmp_path: Path, tiny_set: dict) -> None:
    with journal(plan(tmp_path, tiny_set)):
        pass
    strange: list[dict[str, Any]] = [
        {"time": "never", "run": "x", "event": "stage"}, {"time": "2020-01-01", "run": "x", "event": "cell stored"},
        {"time": "2020-01-01", "run": "y", "event": "run started"}, {"time": 3, "run": [], "event": {}},
    ]  # fmt: skip
    with journal_path(tmp_path).open("a") as file:
        file.write("".join(json.dumps(line) + "\n" for line in strange))
    assert len(Watch(tmp_path).look().runs) == 1


def test_it_does_not_wait_for_torch(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from bench.grid.watch import Watch\n"
        "Watch(Path(sys.argv[1])).look(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)


@pytest.mark.parametrize(("pid", "when"), [(10**30, "2024-05-01T12:00:00"), (1, "0001-01-01T00:00:00"), (1, "soon")])
def test_numbers_and_times_that_cannot_be(tmp_path: Path, pid: int, when: str) -> None:
    started = {"run": "0a", "event": "run started", "pid": pid, "host": socket.gethostname(), "command": None,
               "version": "1", "kept": [], "to_run": ["a"], "time": when}  # fmt: skip
    (tmp_path / "log.jsonl").write_text(json.dumps(started) + "\n")
    assert not Watch(tmp_path).look().goes_on or pid == 1

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import bench
from bench.grid.journal import _Journal, _Log, journal, journal_path, read_journal, run_goes_on
from bench.grid.plan import Plan, make_plan
from bench.grid.spec import grid_spec
from bench.grid.watch import Watch


def plan(out: Path, tiny_set: dict) -> Plan:
    out.mkdir(parents=True, exist_ok=True)
    return make_plan(grid_spec(options={"methods": ["csq"], "bits": [4, 8], "set": tiny_set, "out": out}))


def events(out: Path) -> list[dict[str, Any]]:
    return read_journal(journal_path(out))[0]


def test_a_run_as_its_lines_tell_of_it(tmp_path: Path, tiny_set: dict) -> None:
    results = bench.run(methods=["csq"], bits=[4, 8], set=tiny_set, out=tmp_path, reports=False)
    ids = {stored.cell.id for stored in results.cells}
    lines = [json.loads(line) for line in journal_path(tmp_path).read_text().splitlines()]
    first, *middle, last = lines
    assert (first["event"], set(first["to_run"]), first["kept"]) == ("run started", ids, [])
    assert (first["pid"], first["version"]) == (os.getpid(), bench.__version__)
    assert {line["run"] for line in lines} == {first["run"]}
    assert [line["event"] for line in middle if line["event"] != "epoch"] == 2 * [
        "cells begun", "stage", "stage", "stage", "cell stored"
    ]  # fmt: skip
    assert [line["name"] for line in middle if line["event"] == "stage"][:3] == ["training", "codes", "evaluation"]
    stored = {line["id"]: line for line in middle if line["event"] == "cell stored"}
    for cell in results.cells:
        line = stored[cell.cell.id]
        assert (line["status"], line["failure"], line["map"]) == ("ok", None, cell.result["metrics"]["map"])
    assert (last["event"], last["how"]) == ("run ended", "done")
    bench.run(methods=["csq"], bits=[4, 8, 12], set=tiny_set, out=tmp_path, reports=False)
    again = [line for line in events(tmp_path) if line["event"] == "run started"][1]
    assert (set(again["kept"]), len(again["to_run"])) == (ids, 1)
    assert again["run"] != first["run"]


def test_how_a_run_ended(tmp_path: Path, tiny_set: dict) -> None:
    planned = plan(tmp_path, tiny_set)
    for error in (KeyboardInterrupt(), ValueError("no luck")):
        with pytest.raises(type(error)), journal(planned):
            raise error
    assert [e["how"] for e in events(tmp_path) if e["event"] == "run ended"] == ["interrupted", "ValueError: no luck"]


def test_a_cut_line_costs_itself_alone(tmp_path: Path, tiny_set: dict) -> None:
    planned = plan(tmp_path, tiny_set)
    with journal(planned):
        pass
    path = journal_path(tmp_path)
    path.write_bytes(path.read_bytes()[:-9])  # the run's last line, cut
    found, offset = read_journal(path)
    assert [e["event"] for e in found] == ["run started"]
    with journal(planned):
        pass
    assert [e["event"] for e in read_journal(path)[0]] == ["run started", "run started", "run ended"]
    assert [e["event"] for e in read_journal(path, offset)[0]] == ["run started", "run ended"]


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"3\n", b"{}\n", b'{"time": 1}\n', b"\n\n", b""])
def test_what_is_no_event_is_passed_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.jsonl").write_bytes(content)
    assert read_journal(tmp_path / "log.jsonl") == ([], len(content))


def test_lines_of_several_runs_stay_whole(tmp_path: Path) -> None:
    def write(number: int) -> None:
        log = _Log(tmp_path / "log.jsonl")
        for place in range(200):
            log.write("noise", number=number, place=place, text="x" * 3000)
        log.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found, _ = read_journal(tmp_path / "log.jsonl")
    assert len({e["run"] for e in found}) == 4
    for number in range(4):
        assert [e["place"] for e in found if e["number"] == number] == list(range(200))


@pytest.mark.parametrize("place", ["a full disk", "no file"])
def test_a_journal_that_cannot_be_written_ends_no_run(tmp_path: Path, tiny_set: dict, place: str) -> None:
    if place == "no file":
        journal_path(tmp_path).mkdir()
    elif Path("/dev/full").exists():
        journal_path(tmp_path).symlink_to("/dev/full")
    else:
        pytest.skip("no /dev/full")
    results = bench.run(methods=["csq"], bits=[4], set=tiny_set, out=tmp_path, reports=False)
    assert [stored.ok for stored in results.cells] == [True]


def test_a_disk_that_is_full_for_a_while_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, write = _Log(tmp_path / "log.jsonl"), os.write
    log.write("one")
    monkeypatch.setattr(os, "write", lambda handle, content: write(handle, content[:20]))  # room for twenty bytes
    log.write("two")
    monkeypatch.setattr(os, "write", write)
    log.write("three")
    assert [e["event"] for e in read_journal(tmp_path / "log.jsonl")[0]] == ["one", "three"]


def test_epochs_are_told_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("bench.grid.journal.time.monotonic", lambda: clock.now)
    observer = _Journal(_Log(tmp_path / "log.jsonl"))
    for epoch in range(40):
        clock.now += 0.25
        observer.worker(epoch % 2).epoch(epoch, 40, float("nan"), 0.1)
    found = events(tmp_path)
    assert [e["epoch"] for e in found if e["worker"] == 0] == list(range(0, 40, 4))
    assert [e["epoch"] for e in found if e["worker"] == 1] == list(range(1, 40, 4))
    assert {e["loss"] for e in found} == {None}


def test_whether_a_run_goes_on(tmp_path: Path, tiny_set: dict) -> None:
    assert run_goes_on(journal_path(tmp_path)) is None
    planned = plan(tmp_path, tiny_set)
    with journal(planned), journal(planned):
        assert run_goes_on(journal_path(tmp_path)) is True
    assert run_goes_on(journal_path(tmp_path)) is False


def test_a_system_without_locks_does_not_say_whether_a_run_goes_on(
    tmp_path: Path, tiny_set: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.grid.journal.fcntl", None)
    with journal(plan(tmp_path, tiny_set)):
        assert run_goes_on(journal_path(tmp_path)) is None
    assert journal_path(tmp_path).exists()


@pytest.mark.parametrize(
    "line",
    [
        {"event": "run started", "pid": "1", "host": "h", "command": None, "version": "1", "kept": [], "to_run": []},
        {"event": "run started", "pid": 1, "host": "h", "command": None, "version": "1", "kept": [[]], "to_run": []},
        {"event": "run started", "pid": 1, "host": "h", "command": None, "version": "1", "kept": 3, "to_run": []},
        {"event": "cells begun", "ids": ["a", "b"], "titles": ["a"]},
        {"event": "cells begun", "worker": [], "ids": ["a"], "titles": ["a"]},
        {"event": "cell stored", "id": {}},
        {"event": "epoch", "epoch": "0", "epochs": 3, "loss": None},
        {"event": ["run ended"], "how": "done"},
    ],
)
def test_lines_with_values_of_another_type_are_passed_over(tmp_path: Path, line: dict[str, Any]) -> None:
    path = tmp_path / "log.jsonl"
    whole = {"time": "2024-05-01T12:00:00+00:00", "run": "0a", "event": "run ended", "how": "done"}
    path.write_text("".join(json.dumps(each) + "\n" for each in ({**whole, **line}, whole)))
    assert read_journal(path)[0] == [whole]
    Watch(tmp_path).look()

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from bench.cli.progress import _Lines, _Screen, watching
from bench.grid.plan import Plan, make_plan
from bench.grid.run import run_plan
from bench.grid.spec import grid_spec
from bench.storage.store import StoredCell


@pytest.fixture
def plan(tmp_path: Path, tiny_set: dict) -> Plan:
    return make_plan(grid_spec(options={"methods": ["csq"], "bits": [4, 8, 12, 16], "set": tiny_set, "out": tmp_path}))


def terminal(width: int = 120) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)


def frame(screen: _Screen, width: int = 120) -> list[str]:
    """What the screen shows, as lines."""
    console = terminal(width)
    console.print(screen.shown())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def stored(plan: Plan, place: int, ok: bool = True) -> StoredCell:
    metrics = {"map": 0.5, "map_stderr": 0.01}
    result = {
        "status": "ok" if ok else "failed", "reason": None if ok else "no luck", "metrics": metrics if ok else {},
        "seconds": {"total": 2.0}, "notes": [],
    }  # fmt: skip
    return StoredCell(plan.cells[place].job.cell, result, Path())


@pytest.fixture
def screen(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> _Screen:
    monkeypatch.setattr("bench.cli.progress.shown_in_terminal", lambda results: [f"{len(results)} in the table"])
    found = _Screen(plan, terminal(), _Lines(terminal(), len(plan.to_run)))
    found.clock = SimpleNamespace(now=100.0)  # type: ignore[attr-defined]
    found.start = 100.0
    monkeypatch.setattr("bench.cli.progress.time.monotonic", lambda: found.clock.now)  # type: ignore[attr-defined]
    return found


def test_a_bar_for_each_worker(plan: Plan, screen: _Screen) -> None:
    cells = [planned.job.cell for planned in plan.cells]
    for _ in range(3):  # asked for at every message
        screen.worker(0), screen.worker(1)
    screen.worker(0).begin(cells[:1])
    screen.worker(1).begin(cells[1:3])
    screen.worker(0).stage("training", 1200)
    screen.worker(0).advance(300)
    screen.worker(0).epoch(4, 20, 0.25, 0.1)
    screen.worker(1).stage("evaluation", 0)
    whole, one, two = frame(screen)[:3]
    assert (whole.split()[0], whole.split()[-1]) == ("cells", "0/4")
    assert one.startswith("csq 4 bits seed 0: training ")
    assert "300/1,200" in one
    assert "epoch 5/20 loss 0.2500" in one
    assert two.startswith("2 cells: evaluation")
    assert "/1,200" not in two


def test_a_narrow_terminal_has_room_for_the_names(plan: Plan) -> None:
    screen = _Screen(plan, terminal(80), _Lines(terminal(80), 4))
    screen.begin([plan.cells[3].job.cell])
    screen.stage("training", 48_000)
    screen.advance(47_000)
    screen.epoch(28, 30, 0.25, 0.1)
    line = frame(screen, 80)[1]
    assert line.startswith("csq 16 bits seed 0: training ")
    assert "epoch 29/30 loss 0.2500" in line
    assert len(line) <= 80


def test_counts_and_time_left(plan: Plan, screen: _Screen) -> None:
    assert "left" not in frame(screen)[0]
    screen.expected = 90.0  # by the cells of an earlier run
    screen.clock.now += 10.0  # type: ignore[attr-defined]
    assert frame(screen)[0].endswith("1 min 20 s left")
    screen.worker(1).begin([plan.cells[0].job.cell])
    screen.worker(1).stored(stored(plan, 0, ok=False))
    lines = frame(screen)
    assert "1/4" in lines[0]
    assert "1 failed" in lines[0]
    assert lines[0].endswith("30 s left")  # three more like the first
    assert "csq 4 bits" not in lines[1]  # that worker has nothing in hand
    screen.worker(1).begin([plan.cells[1].job.cell])
    assert "csq 8 bits" in frame(screen)[1]


def test_the_table_is_not_made_for_every_cell(plan: Plan, screen: _Screen) -> None:
    seen = []
    for place in range(4):
        screen.stored(stored(plan, place))
        seen.append(frame(screen)[-1])
        screen.clock.now += 1.5  # type: ignore[attr-defined]
    assert seen == ["1 in the table", "1 in the table", "3 in the table", "3 in the table"]
    screen.clock.now += 10  # type: ignore[attr-defined]
    assert frame(screen)[-1] == "4 in the table"


def test_a_real_run_on_a_terminal_leaves_its_lines(plan: Plan) -> None:
    console = terminal()
    with watching(plan, console) as observer:
        run_plan(plan, observer)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[4/4] glyphs@default csq 16 bits seed 0: mAP 0." in text


def test_a_log_has_a_line_for_each_cell(plan: Plan) -> None:
    console = Console(file=io.StringIO(), width=200)
    with watching(plan, console) as observer:
        run_plan(plan, observer)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line.split("]")[0] for line in lines if line.startswith("[")] == ["[1/4", "[2/4", "[3/4", "[4/4"]

"""How far the runs of an output folder are; `bench.grid.watch` finds it out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Doing:
    """What one worker does. Times are seconds since 1970.

    Attributes:
        stage: "training", "codes", ...; empty before the first.
        epoch: zero-based, the last one that was told; None before the first.
    """

    ids: list[str]
    titles: list[str]
    since: float
    stage: str = ""
    stage_since: float = 0.0
    epoch: int | None = None
    epochs: int | None = None
    loss: float | None = None


@dataclass
class Run:
    """One run as its lines tell of it.

    Attributes:
        ended: how; None while it goes on, or where its process is gone without a word.
        last: time of its last line.
        doing: by worker.
        stored: cells it has stored, by id: when.
        goes_on: whether its process is still there; None where that cannot be told from here.
    """

    id: str
    pid: int
    host: str
    command: str | None
    version: str
    kept: list[str]
    to_run: list[str]
    started: float
    last: float
    ended: str | None = None
    doing: dict[int, Doing] = field(default_factory=dict)
    stored: dict[str, float] = field(default_factory=dict)
    goes_on: bool | None = None

    def hear(self, event: dict[str, Any]) -> None:
        """Take in one of its lines."""
        self.last = now = seconds_of(event["time"])
        worker = event.get("worker", 0)
        doing = self.doing.get(worker)
        match event["event"]:
            case "cells begun":
                self.doing[worker] = Doing(event["ids"], event["titles"], now)
            case "stage" if doing is not None:
                doing.stage, doing.stage_since, doing.epoch, doing.loss = event["name"], now, None, None
            case "epoch" if doing is not None:
                doing.epoch, doing.epochs, doing.loss = event["epoch"], event["epochs"], event["loss"]
            case "cell stored":
                self.stored[event["id"]] = now
            case "run ended":
                self.ended = event["how"]


@dataclass
class Failed:
    """A cell that failed: its title, the class of its failure and the reason."""

    title: str
    failure: str
    reason: str


@dataclass
class Running:
    """Cells that one worker of a run has in hand."""

    run: str
    worker: int
    cells: list[str]
    since: float
    stage: str
    stage_since: float
    epoch: int | None
    epochs: int | None
    loss: float | None


@dataclass
class Status:
    """How far it is.

    Attributes:
        planned: cells of the runs that go on, else of the last one; None where there is no journal.
        done, failed: of the planned, as they are stored now; where nothing is planned, of all cells.
        left: planned cells that are still to be run, those running now included; None where there is no journal.
        running: what the runs that go on have in hand.
        lost: what runs had in hand that are gone without a word.
        other_ids: cells that some process has claimed which the journal does not tell of.
        others: whole cells in the folder that are not planned.
        per_hour: cells that these runs have stored, by the time since the first of them began; None before the first.
        seconds_left: until nothing is left at this rate; None where nothing runs or no rate is known.
        runs: those that go on, else the last one.
    """

    out: str
    time: float
    planned: int | None
    done: int
    failed: list[Failed]
    left: int | None
    running: list[Running]
    lost: list[Running]
    other_ids: list[str]
    others: int
    per_hour: float | None
    seconds_left: float | None
    runs: list[Run]

    @property
    def goes_on(self) -> bool:
        """Whether anything runs, as far as that can be told."""
        return any(run.goes_on for run in self.runs) or bool(self.other_ids)

    def as_json(self) -> dict[str, Any]:
        """For `json.dumps`; runs without the ids of their cells."""
        content = asdict(self)
        for run, written in zip(self.runs, content["runs"], strict=True):
            written |= {"kept": len(run.kept), "to_run": len(run.to_run), "stored": len(run.stored)}
            del written["doing"]
        return content


def seconds_of(time: str) -> float:
    """Since 1970, of a time as ISO 8601 has it."""
    return datetime.fromisoformat(time).timestamp()

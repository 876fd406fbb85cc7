"""What becomes of units that are lost, hang, or are another run's: on a cluster that is this process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import DataError, StoreError
from bench.executors._cluster import ClusterConfig
from bench.grid.job import Job
from bench.grid.plan import make_plan
from bench.grid.spec import grid_spec
from bench.grid.units import Unit, units_of
from bench.storage.claims import claimed
from bench.storage.failures import Failure
from bench.storage.store import Store
from bench.training.progress import Observer
from bench.workers.dispatch import Cluster, Dispatch, End, Task
from bench.workers.messages import Sender
from bench.workers.work import work
from bench.workshop import Workshop

LOST = End(Failure("killed", "its node was lost"))


class Here(Cluster[Task]):
    """Runs a unit when it is listened to, unless `fate` says how it ends instead, before or after it has run."""

    def __init__(self, config: ClusterConfig, fate: Callable[[Unit, int], End | StoreError | str | None]) -> None:
        self.delay, self.fate = config.delay, fate
        self.started: list[list[str]] = []
        self.cancelled: list[list[str]] = []
        self.ends: list[tuple[Task, End]] = []
        self.new: list[Task] = []

    def start(self, units: Sequence[Unit]) -> list[Task]:
        tasks = [Task(unit) for unit in units]
        self.new += tasks
        return tasks

    def ended(self, tasks: Sequence[Task]) -> Iterable[tuple[Task, End]]:
        ends, self.ends = self.ends, []
        return ends

    def hear(self, tasks: Sequence[Task]) -> Iterable[tuple[Task, dict[str, Any]]]:
        for task in [self.new.pop(0) for _ in self.new]:
            fate = self.fate(task.unit, self.started.count(names(task.unit)))
            self.started.append(names(task.unit))
            if isinstance(fate, End):
                self.ends.append((task, fate))
                continue
            if fate == "hangs":
                yield task, {"say": "cells", "ids": [job.cell.id for job in task.unit]}
                continue
            pipe = io.StringIO()
            sender = Sender(pipe)
            if isinstance(fate, StoreError):
                sender.error(fate)
                yield task, json.loads(pipe.getvalue())
                continue
            try:
                for stored in work(task.unit, Workshop(sender), sender):
                    sender.stored(stored)
                    if fate == "half":
                        break
            except (DataError, StoreError) as error:
                sender.error(error)
            if fate == "mute":  # it has run, but nothing is heard of it
                self.ends.append((task, LOST))
                continue
            if fate == "half":  # it has lost its GPU in the first cell
                self.ends.append((task, LOST))
            else:
                sender.say("done")
            for line in pipe.getvalue().splitlines():
                yield from [(task, json.loads(line))] * (2 if fate == "twice" else 1)

    def cancel(self, tasks: Sequence[Task]) -> None:
        self.cancelled += [names(task.unit) for task in tasks]
        self.ends += [(task, End(Failure("killed", "cancelled"), final=True)) for task in tasks]


def names(unit: Unit) -> list[str]:
    return [f"{job.cell.method}-{job.cell.seed}" for job in unit]


@pytest.fixture
def jobs(tmp_path: Path, features: str) -> list[Job]:
    """Two passes of two heads each."""
    options = {
        "methods": ["csq", "crh"], "bits": [8], "seeds": [0, 1], "datasets": [features], "out": tmp_path / "out",
        "set": {"train": {"epochs": 1, "batch_size": 32}},
    }  # fmt: skip
    return make_plan(grid_spec(options=options)).to_run


def dispatch(jobs: Sequence[Job], fate: Callable[[Unit, int], Any], **settings: Any) -> tuple[Here, dict[str, str]]:
    """The cluster, and what became of each cell: "" or the reason of its failure."""
    config = ClusterConfig(**settings)
    cluster = Here(config, fate)
    Store(jobs[0].out).prepare()
    found = list(Dispatch(cluster, config, Observer(), config.workers).run(units_of(jobs)))
    assert len({stored.cell.id for stored in found}) == len(found)
    return cluster, {f"{s.cell.method}-{s.cell.seed}": s.result["reason"] or "" for s in found}


PASSES = [["csq-0", "crh-0"], ["csq-1", "crh-1"]]
FINE = {"csq-0": "", "crh-0": "", "csq-1": "", "crh-1": ""}


def test_a_unit_that_was_lost_is_run_again_as_it_was(jobs: list[Job]) -> None:
    cluster, found = dispatch(jobs, lambda unit, before: LOST if before == 0 else None)
    assert found == FINE
    assert sorted(cluster.started) == sorted(PASSES * 2)


def test_one_that_is_lost_again_is_run_cell_by_cell(jobs: list[Job]) -> None:
    def fate(unit: Unit, before: int) -> End | None:
        return LOST if "crh-0" in names(unit) else None

    cluster, found = dispatch(jobs, fate, retries=2)
    assert found == {**FINE, "crh-0": "its node was lost"}
    assert sorted(cluster.started) == sorted([*[PASSES[0]] * 3, ["csq-0"], ["crh-0"], PASSES[1]])


@pytest.mark.parametrize("retries", [0, 1])
def test_what_a_task_leaves_that_has_stored_a_cell_has_lost_nothing(jobs: list[Job], retries: int) -> None:
    cluster, found = dispatch(jobs, lambda unit, before: "half", retries=retries)
    assert found == FINE
    assert sorted(cluster.started) == sorted([*PASSES, ["crh-0"], ["crh-1"]])


def test_what_someone_has_cancelled_is_not_run_again(jobs: list[Job]) -> None:
    end = End(Failure("killed", "cancelled"), final=True)
    cluster, found = dispatch(jobs, lambda unit, before: end if unit[0].cell.seed else None)
    assert found == {**FINE, "csq-1": "cancelled", "crh-1": "cancelled"}
    assert len(cluster.started) == 2


def test_cells_that_are_stored_count_though_nothing_was_heard_of_them(jobs: list[Job]) -> None:
    cluster, found = dispatch(jobs, lambda unit, before: "mute", retries=0)
    assert found == FINE
    assert len(cluster.started) == 2


def test_what_is_heard_twice_counts_once(jobs: list[Job]) -> None:
    cluster, found = dispatch(jobs, lambda unit, before: "twice")
    assert found == FINE
    assert len(cluster.started) == 2


def test_a_folder_that_cannot_be_written_ends_the_run(jobs: list[Job]) -> None:
    config = ClusterConfig()
    full = StoreError("out cannot be written: free some space.")
    cluster = Here(config, lambda unit, before: full if names(unit) == PASSES[1] else "hangs")
    with pytest.raises(StoreError, match="free some space"):
        list(Dispatch(cluster, config, Observer(), None).run(units_of(jobs)))
    assert PASSES[0] in cluster.cancelled


def test_a_unit_that_hangs_is_cancelled_and_its_cells_run_alone(jobs: list[Job]) -> None:
    cluster, found = dispatch(jobs, lambda unit, before: "hangs" if names(unit) == PASSES[0] else None, timeout=0.01)
    assert found == FINE
    assert cluster.cancelled == [PASSES[0]]
    assert sorted(cluster.started) == sorted([*PASSES, ["csq-0"], ["crh-0"]])


def test_a_cell_alone_that_hangs_has_failed(jobs: list[Job]) -> None:
    _, found = dispatch(jobs, lambda unit, before: "hangs" if "csq-0" in names(unit) else None, timeout=0.01)
    assert found == {**FINE, "csq-0": "not done after 0.01 s: ended as --timeout says"}
    stored = Store(jobs[0].out).read(jobs[0].cell)
    assert stored is not None
    assert stored.result["failure"] == "timeout"


def test_no_more_units_than_workers_are_handed_over(jobs: list[Job]) -> None:
    class Counting(Here):
        most = 0

        def hear(self, tasks: Sequence[Task]) -> Iterable[tuple[Task, dict[str, Any]]]:
            self.most = max(self.most, len(tasks))
            return super().hear(tasks)

    config = ClusterConfig(workers=1)
    cluster = Counting(config, lambda unit, before: None)
    Store(jobs[0].out).prepare()
    assert len(list(Dispatch(cluster, config, Observer(), 1).run(units_of(jobs)))) == 4
    assert cluster.most == 1


def test_cells_of_another_run_are_waited_for(jobs: list[Job]) -> None:
    store = Store(jobs[0].out)
    store.prepare()
    other, config = jobs[0], ClusterConfig()
    cluster = Here(config, lambda unit, before: None)
    found = []
    with claimed(store.cells, other.cell) as mine:
        assert mine
        run = Dispatch(cluster, config, Observer()).run(units_of(jobs))
        found = [next(run) for _ in range(3)]
        assert other.cell.id not in {stored.cell.id for stored in found}
    found += list(run)
    assert len(found) == 4


def test_data_that_no_cell_can_be_run_with(jobs: list[Job], tmp_path: Path, tiny_set: dict) -> None:
    options = {"methods": ["csq"], "bits": [4, 8], "set": tiny_set, "out": tmp_path / "out"}
    others = make_plan(grid_spec(options=options)).to_run
    path = jobs[0].root
    assert path is not None
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, "train_features": arrays["train_features"] + 1})
    config = ClusterConfig(workers=1)
    cluster = Here(config, lambda unit, before: None)
    found = []
    Store(jobs[0].out).prepare()
    with pytest.raises(DataError, match="has changed since the run was planned"):
        for stored in Dispatch(cluster, config, Observer(), 1).run(units_of([*jobs, *others])):
            found.append(stored)  # noqa: PERF402 - kept when the next one raises
    assert [stored.cell.dataset for stored in found] == ["glyphs", "glyphs"]
    assert len([unit for unit in cluster.started if unit in PASSES]) == 1


def test_a_result_that_does_not_come_to_the_folder(jobs: list[Job]) -> None:
    class Apart(Here):
        def hear(self, tasks: Sequence[Task]) -> Iterable[tuple[Task, dict[str, Any]]]:
            yield tasks[0], {"say": "stored", "id": tasks[0].unit[0].cell.id}

    config = ClusterConfig(delay=0)
    cluster = Apart(config, lambda unit, before: None)
    Store(jobs[0].out).prepare()
    with pytest.raises(StoreError, match="all machines must share that folder"):
        list(Dispatch(cluster, config, Observer()).run(units_of(jobs)))
    assert cluster.cancelled == PASSES


def test_a_unit_is_of_one_seed_and_one_set_of_settings(jobs: list[Job], tmp_path: Path, features: str) -> None:
    others = {"methods": ["csq"], "bits": [8], "datasets": [features], "set": {"train": {"epochs": 2}}}
    longer = make_plan(grid_spec(options={**others, "out": tmp_path / "out"})).to_run
    found = [
        [f"{job.cell.method}-{job.cell.seed}-{job.cell.train['epochs']}" for job in u]
        for u in units_of([*jobs, *longer])
    ]
    assert sorted(map(sorted, found)) == [["crh-0-1", "csq-0-1"], ["crh-1-1", "csq-1-1"], ["csq-0-2"]]

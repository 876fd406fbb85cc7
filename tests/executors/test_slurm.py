"""Cells as jobs: of submitit's processes on this machine, and of Slurm where there is one."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.errors import ConfigError
from bench.executors._slurm_job import UnitJob
from bench.executors.slurm import Slurm, SlurmConfig
from bench.grid.plan import make_plan
from bench.grid.run import run_plan
from bench.grid.spec import grid_spec
from bench.jsonlines import read_lines
from bench.storage.cell import Cell
from bench.storage.results import Results
from bench.training.progress import Observer
from tests.executors.results import same

HERE = {"cluster": "local", "poll": 0.5}
THERE = {"poll": 1, "delay": 3}
Trouble = Callable[[str], str]


class AtFirst(Observer):
    """Does something when the first cells have begun."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act, self.begun = act, list[str]()

    def begin(self, cells: Sequence[Cell]) -> None:
        if not self.begun:
            self.act()
        self.begun += [cell.id for cell in cells]


def run(grid: dict[str, Any], observer: Observer | None = None, **slurm: Any) -> Results:
    sets = {**grid["set"], "slurm": slurm}
    return run_plan(make_plan(grid_spec(options={**grid, "set": sets, "executor": "slurm"})), observer)


@pytest.fixture
def grid(tmp_path: Path, tiny_set: dict, features: str) -> dict[str, Any]:
    """Two images one by one, and two heads in one pass."""
    sets = {**tiny_set, "train": {"epochs": 30, "batch_size": 16}}
    return {
        "methods": ["crh", "csq"], "bits": [8], "datasets": ["glyphs", features], "set": sets, "out": tmp_path / "out",
    }  # fmt: skip


@pytest.fixture
def here(grid: dict[str, Any], tmp_path: Path) -> Results:
    """What comes out without Slurm."""
    return bench.run(**{**grid, "out": tmp_path / "here"}, reports=False)


@pytest.mark.slow
def test_jobs_give_the_same_tables(grid: dict[str, Any], here: Results) -> None:
    assert same(here, run(grid, **HERE))
    assert not list((grid["out"] / "cells").glob(".*"))
    assert not list((grid["out"] / "slurm").glob("*.messages"))
    assert "Job completed successfully" in "".join(log.read_text() for log in grid["out"].glob("slurm/*_log.out"))


@pytest.mark.slow
@pytest.mark.parametrize(("how", "said"), [(signal.SIGUSR2, "Requeued job"), (signal.SIGKILL, "")])
def test_a_job_that_was_ended_goes_on(grid: dict[str, Any], here: Results, how: int, said: str) -> None:
    observer = AtFirst(lambda: os.kill(a_job(), how))
    assert same(here, run(grid, observer, **HERE))
    assert len(observer.begun) > len(set(observer.begun)) == 4
    assert said in "".join(log.read_text() for log in grid["out"].glob("slurm/*_log.out"))


def a_job() -> int:
    """The process of a job of this one's: submitit has one of its own between the two."""
    parents = children(os.getpid())
    return next(pid for parent in parents for pid in children(parent))


def children(parent: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


@pytest.fixture
def in_background() -> Iterator[None]:
    """As a shell starts what it does not wait for: interrupts are ignored, by all that is started, too."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("in_background")
def test_each_trouble_is_one_cells_and_has_its_reason(tmp_path: Path, tiny_set: dict, trouble: Trouble) -> None:
    names = ["raises", "loses-the-gpu", "hangs", "dies"]
    grid: dict[str, Any] = {"methods": ["csq", *map(trouble, names)], "bits": [8]}
    results = run({**grid, "set": tiny_set, "out": tmp_path / "out"}, **HERE, timeout=20, workers=3, retries=0)
    found = {s.cell.method: (s.result["failure"], s.result["reason"]) for s in results.cells}
    failure, reason = found.pop("dies")
    assert failure == "killed"
    assert str(tmp_path / "out" / "slurm") in reason
    assert found == {
        "csq": (None, None), "raises": ("error", "ValueError: the fourth batch"),
        "loses-the-gpu": ("error", "RuntimeError: CUDA error: device-side assert triggered"),
        "hangs": ("timeout", "not done after 20 s: ended as --timeout says"),
    }  # fmt: skip


slurm = pytest.mark.skipif(
    shutil.which("sbatch") is None or subprocess.run(["sinfo"], capture_output=True, check=False).returncode != 0,
    reason="no Slurm answers here",
)


@slurm
@pytest.mark.slow
def test_slurm_gives_the_same_tables(grid: dict[str, Any], here: Results) -> None:
    assert same(here, run(grid, **THERE))


@pytest.fixture
def images(grid: dict[str, Any]) -> dict[str, Any]:
    """Two cells that last for some seconds each."""
    sets = {**grid["set"], "train": {"epochs": 120, "batch_size": 16}}
    return {**grid, "datasets": ["glyphs"], "set": sets}


@slurm
@pytest.mark.slow
def test_a_job_that_slurm_queues_again_goes_on(images: dict[str, Any], tmp_path: Path) -> None:
    observer = AtFirst(lambda: queue_again(running()))
    there = run(images, observer, **THERE)
    assert len(observer.begun) > len(set(observer.begun)) == 2
    assert same(there, bench.run(**{**images, "out": tmp_path / "here"}, reports=False))


@slurm
@pytest.mark.slow
def test_a_job_that_was_cancelled_is_run_again_when_it_is_asked_for(images: dict[str, Any], tmp_path: Path) -> None:
    results = run(images, AtFirst(lambda: subprocess.run(["scancel", running()], check=True)), **THERE)
    failed = [stored for stored in results.cells if not stored.ok]
    assert [stored.result["failure"] for stored in failed] == ["killed"]
    assert "was cancelled" in failed[0].result["reason"]
    assert same(run(images, **THERE), bench.run(**{**images, "out": tmp_path / "here"}, reports=False))


@slurm
def test_slurm_refuses(grid: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"Slurm refuses the jobs .*invalid partition"):
        run(grid, partition="nowhere")


def queue_again(job: str) -> None:
    """As an administrator does, or Slurm when a node is lost; but without the two minutes it then waits."""
    subprocess.run(["scontrol", "requeue", job], check=True)
    asked = ["squeue", "--noheader", "--array", f"--jobs={job}", "--format=%T"]
    while subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() != "PENDING":
        time.sleep(0.2)
    subprocess.run(["scontrol", "update", f"JobId={job}", "StartTime=now"], check=True)


def running() -> str:
    """A job of this run's."""
    asked = ["squeue", "--noheader", "--array", "--states=RUNNING", "--name=bench", "--format=%i"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[0]


def test_without_slurm_or_the_package(monkeypatch: pytest.MonkeyPatch, grid: dict[str, Any]) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match=r"there is no sbatch on this machine: .* --set slurm.cluster=local"):
        run(grid)
    assert Slurm(SlurmConfig(cluster="local", workers=3)).at_once([]) == 3
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"--executor slurm needs the package submitit: pip install 'submitit>=1.5'"):
        Slurm(SlurmConfig(cluster="local"))


@pytest.mark.parametrize(
    ("device", "gpus", "sentence"),
    [("cuda:0", 0, "--device cuda:0 needs a GPU: ask for one"), ("cpu", 1, "contradict each other")],
)
def test_device_and_gpus(device: str, gpus: int, sentence: str, grid: dict[str, Any]) -> None:
    from dataclasses import replace

    job = replace(make_plan(grid_spec(options=grid)).to_run[0], device=device)
    with pytest.raises(ConfigError, match=sentence):
        list(Slurm(SlurmConfig(cluster="local", gpus=gpus)).run([job], Observer()))


def test_what_is_submitted_is_text(tmp_path: Path) -> None:
    order = json.dumps({"messages": str(tmp_path / "messages")})
    job = pickle.loads(pickle.dumps(UnitJob(order)))
    assert vars(job) == {"order": order}
    again = job.checkpoint()
    assert vars(again.function) == {"order": order}
    assert read_lines(tmp_path / "messages", 0)[0] == [{"say": "interrupted"}]

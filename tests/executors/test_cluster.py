"""What is done to a job, and to a process, of another machine."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.executors._cluster import placed
from bench.grid.job import Job
from tests.storage.test_store import CELL

BEGIN = """
import os
import sys

from bench.executors._cluster import begin_process


class Seen:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print(os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"])


sys.meta_path.insert(0, Seen())
begin_process({"threads": 2, "memory": None, "command": "bench run --bits 8"})

import torch

print(torch.get_num_threads(), os.environ["BENCH_COMMAND"])
"""


def test_paths_of_a_job_for_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.pt").write_text("")
    job = placed(Job(CELL, Path("out"), Path("data"), "weights.pt"), "cuda")
    assert (job.out, job.root, job.weights) == (tmp_path / "out", tmp_path / "data", str(tmp_path / "weights.pt"))
    assert job.device == "cuda"
    assert placed(replace(job, weights="imagenet"), "cpu").weights == "imagenet"


def test_torch_is_loaded_by_a_process_that_knows_how_its_threads_wait() -> None:
    done = subprocess.run([sys.executable, "-c", BEGIN], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["PASSIVE 2", "2 bench run --bits 8"]

"""What is stored of where and how a result was made: complete, cheap, and no part of its identity."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

import bench
from bench.storage import provenance as module
from bench.storage.provenance import COMMAND, command, peak_memory, peaks, provenance, reset_peaks

CPU = torch.device("cpu")
ROOT = Path(bench.__file__).parent.parent


def test_all_that_is_needed_at_run_time_is_named_with_its_version() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {re.split(r"[<>=]", text)[0] for text in wanted}
    found = provenance(CPU)["packages"]
    assert set(found) == names
    assert found["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert found["numpy"] == np.__version__


def test_hardware_seeds_threads_and_time() -> None:
    found = provenance(CPU, {"cell": 3, "training": 3}, 2.5)
    assert found["seeds"] == {"cell": 3, "training": 3}
    assert found["threads"] == torch.get_num_threads()
    assert found["device"] == "cpu"
    assert found["gpu"] is None
    assert found["gpu_seconds"] == 0.0
    assert 1 <= found["usable_cores"] <= found["cores"]
    assert found["memory_bytes"] > 2**28
    assert found["processor"]
    assert json.loads(json.dumps(found)) == found


@pytest.mark.gpu
def test_a_gpu_is_named_and_its_seconds_and_memory_are_counted() -> None:
    device = torch.device("cuda")
    torch.ones(1, device=device)
    reset_peaks(device)
    before = torch.cuda.memory_reserved(device)  # other tests may have left cuBLAS its workspace
    kept = torch.ones(2**24, device=device)
    assert peaks(device)["peak_gpu_memory_bytes"] >= before + kept.nbytes
    del kept
    reset_peaks(device)
    assert peaks(device)["peak_gpu_memory_bytes"] == before
    found = provenance(device, seconds=2.5)
    assert found["gpu_seconds"] == 2.5
    assert found["gpu"]["name"] == torch.cuda.get_device_name(device)
    assert found["gpu"]["cuda"] == torch.version.cuda
    assert found["gpu"]["memory_bytes"] > 2**30
    assert json.loads(json.dumps(found)) == found


def test_peak_memory_is_counted_anew_for_each_cell() -> None:
    size = 200 * 2**20
    reset_peaks(CPU)
    before = peak_memory()
    kept = np.ones(size // 8)
    during = peaks(CPU)["peak_memory_bytes"]
    assert before is not None
    assert during is not None
    assert during - before > 0.9 * size
    del kept
    reset_peaks(CPU)
    after = peak_memory()
    assert after is not None
    if Path("/proc/self/clear_refs").exists():
        assert after < during - 0.9 * size
    assert peaks(CPU)["peak_gpu_memory_bytes"] is None


@pytest.mark.benchmark
def test_it_costs_less_than_five_milliseconds_a_cell() -> None:
    provenance(CPU)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        reset_peaks(CPU)
        provenance(CPU, {"cell": 0}, 1.0)
        peaks(CPU)
        times.append(time.perf_counter() - start)
    assert sorted(times)[10] < 0.005


def test_the_command_is_stored_as_typed_and_no_other_programs_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(COMMAND, raising=False)
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/bench", "run", "--methods", "crh[margin=0.3]"])
    assert command() == "bench run --methods 'crh[margin=0.3]'"
    monkeypatch.setattr(sys, "argv", [str(ROOT / "bench" / "__main__.py"), "plan"])
    assert command() == "bench plan"
    monkeypatch.setattr(sys, "argv", ["/home/me/study.py", "--token", "secret"])
    assert command() == "study.py"
    monkeypatch.setenv(COMMAND, "bench run --bits 8")
    assert command() == "bench run --bits 8"


def git(folder: Path, *words: str) -> None:
    names = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *names, *words], check=True, capture_output=True)


def test_the_commit_and_whether_it_was_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench").mkdir()
    source = tmp_path / "bench" / "__init__.py"
    source.write_text("")
    monkeypatch.setattr(module.bench, "__file__", str(source))
    assert module._commit() == (None, None)  # installed, no checkout
    git(tmp_path, "init", "-q")
    assert module._commit() == (None, None)  # nothing committed yet
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    commit, clean = module._commit()
    assert re.fullmatch("[0-9a-f]{40}", commit or "")
    assert clean is True
    (tmp_path / "note.txt").write_text("")
    assert module._commit() == (commit, True)  # a file that git does not know decides nothing here
    source.write_text("x = 1\n")
    assert module._commit() == (commit, False)


def test_a_system_that_says_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without /proc, as on macOS; without the module `resource`, as on Windows; not installed, but on the path."""

    def nothing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    def not_installed(*_: object) -> list[str]:
        raise module.PackageNotFoundError

    monkeypatch.setattr(Path, "read_text", nothing)
    since_the_start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert peak_memory() == pytest.approx(since_the_start * (1 if sys.platform == "darwin" else 1024), rel=0.1)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory() is None
    monkeypatch.delattr(module.os, "sysconf")
    assert module._memory() is None
    monkeypatch.setattr(module, "_output", lambda *words: "Some Chip" if words[0] == "sysctl" else "")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert module._processor() == "Some Chip"
    monkeypatch.setattr(module, "_output", nothing)
    assert module._processor()
    monkeypatch.setattr(module, "requires", not_installed)
    assert module._requirements() == ["torch", "numpy"]
    assert module._version("no-such-package") is None

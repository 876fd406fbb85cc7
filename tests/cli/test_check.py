"""`bench check`: a line for each check, a sentence, and what it exits with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.conformance import CHECKS
from tests.cli.sentences import sentence

Bench = Callable[..., subprocess.CompletedProcess[str]]

BROKEN = """
import torch
from bench.plugins import PluginInfo
from bench.plugins.method import Method

INFO = PluginInfo(name="broken", summary="all alike", citation="me", licence="MIT")


class Broken(Method):
    def make_centers(self):
        return torch.ones(self.task.num_classes, self.task.bits)

    def loss(self, relaxed, targets):
        if self.task.multi_label:
            raise KeyError("several [labels]")
        return (relaxed - 1).square().mean()
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    (tmp_path / "broken.py").write_text(BROKEN)
    return tmp_path


def test_a_line_for_each_check_and_a_sentence(bench) -> None:
    lines = bench("check", "crh", check=0).stdout.strip().splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == list(CHECKS)
    assert lines[-1].startswith("crh keeps to the contract: ")
    (refused,) = (line for line in lines if line.startswith("classes-2 "))
    assert refused.split()[1] == "refused"
    assert "crh needs at least 3 classes" in refused


def test_what_fails_is_named_and_ends_with_1(here: Bench, broken: Path) -> None:
    done = here("check", "./broken.py", check=1)
    assert done.stdout.strip().splitlines()[-1].startswith("./broken.py breaks the contract: ")
    assert "expected other centers to change the loss or the codes" in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("multi-label "))
    assert "KeyError: 'several [labels]'" in line
    assert "Traceback" not in done.stdout + done.stderr
    assert "Traceback" in here("check", "./broken.py", "--verbose", check=1).stdout


def test_json(here: Bench, broken: Path) -> None:
    found = json.loads(here("check", "crh[margin=0.3]", "--json", check=0).stdout)
    assert (found["method"], found["ok"]) == ("crh[margin=0.3]", True)
    assert [check["check"] for check in found["checks"]] == list(CHECKS)
    assert all(set(check) == {"check", "status", "detail", "seconds"} for check in found["checks"])
    found = json.loads(here("check", "./broken.py", "--json", check=1).stdout)
    assert found["ok"] is False
    assert {c["check"] for c in found["checks"] if c["status"] == "failed"} >= {"given-centers", "own-center"}


def test_a_combination(here: Bench) -> None:
    assert "crh+csq-loss keeps to the contract" in here("check", "crh+csq-loss", check=0).stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chr", "there is no method 'chr': did you mean crh"),
        ("crh[margin=-1]", "margin = -1"),
        ("crh[nothing=1]", "no setting 'nothing'"),
        ("nowhere.py", "there is no file"),
        ("crh+csq", "is not a method"),
    ],
)
def test_mistakes_end_in_one_sentence(here: Bench, name: str, message: str) -> None:
    assert message in sentence(here("check", name, check=2))

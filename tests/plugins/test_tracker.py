from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.errors import ConfigError
from bench.plugins.registry import registry

_PRINTED = '''
from bench.plugins import PluginInfo
from bench.plugins.tracker import Tracker

INFO = PluginInfo(name="printed", summary="prints")


class Printed(Tracker):
    """Prints what it hears."""

    def epoch(self, cell, epoch, values):
        if "loss" in values:
            print("epoch", cell.bits, epoch)

    def cell_stored(self, stored):
        print("stored", stored.cell.bits)
'''


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    known = registry("tracker")
    monkeypatch.setattr(known, "_entries", dict(known.entries()))
    (tmp_path / "printed.py").write_text(_PRINTED)
    return tmp_path / "printed.py"


def test_one_in_a_file_hears_of_a_run(file: Path, tiny_set: dict, capsys: pytest.CaptureFixture[str]) -> None:
    bench.run(methods=["csq"], bits=[4, 8], set=tiny_set, out=file.parent / "out", reports=False, tracking=[str(file)])
    assert capsys.readouterr().out.splitlines() == [
        "epoch 4 0", "epoch 4 1", "stored 4", "epoch 8 0", "epoch 8 1", "stored 8",
    ]  # fmt: skip
    assert registry("tracker").entry("printed").info.summary == "prints"


def test_a_file_without_a_tracker(file: Path, tiny_set: dict) -> None:
    file.write_text(_PRINTED.replace("(Tracker)", ""))
    with pytest.raises(ConfigError, match="must define one class derived from bench"):
        bench.run(methods=["csq"], bits=[4], set=tiny_set, out=file.parent / "out", tracking=[str(file)])
    assert not (file.parent / "out").exists()


def test_one_that_raises_is_one_line_on_the_command_line(file: Path, tiny_set: dict) -> None:
    file.write_text(_PRINTED.replace('print("stored", stored.cell.bits)', "raise OSError('no room')"))
    sets = [f"{owner}.{name}={value}" for owner, fields in tiny_set.items() for name, value in fields.items()]
    words = ["run", "--methods", "csq", "--bits", "4,8", "--tracking", str(file)]
    command = [sys.executable, "-m", "bench", *words, *(part for text in sets for part in ("--set", text))]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["warning: printed is left out of the run's tracking: OSError: no room"]

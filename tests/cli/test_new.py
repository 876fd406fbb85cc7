"""`bench new`: what it writes works as written, and it writes over nothing."""

from __future__ import annotations

import ast
import itertools
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.conformance import check_method
from bench.errors import BenchError
from bench.scaffold import checked_name, new_plugin
from tests.cli.sentences import sentence

ROOT = Path(__file__).parent.parent.parent
FLAGS = list(itertools.product([False, True], repeat=2))  # moves_centers, needs_similarity


def new_method(folder: Path, moves: bool, needs: bool) -> list[Path]:
    """Of a name of its own, so that several are known at once."""
    name = checked_name(
        "method", f"{'moving' if moves else 'fixed'}-{'similar' if needs else 'random'}-of-a-very-long-name"
    )
    return new_plugin("method", name, folder, moves_centers=moves, needs_similarity=needs)


def test_three_files_and_what_to_do_with_them(here, tmp_path: Path) -> None:
    shown = here("new", "method", "coin-toss", check=0).stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coin_toss.md", "coin_toss.py", "test_coin_toss.py"]
    assert "now: bench check ./coin_toss.py\n" in shown
    assert "coin_toss.py keeps to the contract" in here("check", "./coin_toss.py", check=0).stdout
    source = (tmp_path / "coin_toss.py").read_text()
    assert [n.name for n in ast.parse(source).body if isinstance(n, ast.ClassDef)] == ["CoinTossConfig", "CoinToss"]
    assert 'name="coin-toss",' in source
    assert "reads_codes" not in source
    assert "similarity_source" not in source


def test_flags_and_a_folder(here, tmp_path: Path) -> None:
    flags = ("--moves-centers", "--needs-similarity")
    shown = here("new", "method", "coin_toss", *flags, "--out", "a/b", check=0).stdout  # an underscore is a hyphen
    assert "wrote a/b/coin_toss.py: " in shown.replace(os.sep, "/")
    source = (tmp_path / "a" / "b" / "coin_toss.py").read_text()
    assert 'name="coin-toss",' in source
    assert "def after_epoch" in source
    assert "def similarity_source" in source
    page = (tmp_path / "a" / "b" / "coin_toss.md").read_text()
    assert "| `moving_epochs` |" in page
    assert "R Rᵀ = S" in page


@pytest.mark.parametrize(("moves", "needs"), FLAGS)
def test_it_keeps_to_the_contract_as_written(here, tmp_path: Path, moves: bool, needs: bool) -> None:
    outcomes = check_method(str(new_method(tmp_path, moves, needs)[0]))
    assert {found.check: found.detail for found in outcomes if found.status in ("failed", "refused")} == {}


def test_it_runs_and_its_settings_are_listed(here, tiny_options: list[str]) -> None:
    here("new", "method", "coin-toss", "--moves-centers", "--needs-similarity", check=0)
    assert "moving_epochs" in here("list", "./coin_toss.py", check=0).stdout
    done = here("run", "--methods", "./coin_toss.py,crh+coin-toss-loss", "--bits", "8", *tiny_options, check=0)
    assert "glyphs@default coin-toss 8 bits seed 0: mAP" in done.stdout
    assert "crh+coin-toss-loss 8 bits seed 0: mAP" in done.stdout


@pytest.mark.parametrize("file", ["coin_toss.py", "test_coin_toss.py", "coin_toss.md"])
def test_an_existing_file_is_left_alone(here, tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text("mine")
    said = sentence(here("new", "method", "coin-toss", check=2))
    assert said.startswith(f"{file} exists and is not overwritten")
    assert [path.name for path in tmp_path.iterdir()] == [file]
    assert (tmp_path / file).read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../x", "is no name for a method: use small letters"),
        ("a/b", "is no name"),
        ("a b", "is no name"),
        ("1x", "is no name"),
        ("Coin", "is no name"),
        ("a--b", "is no name"),
        ("a-", "is no name"),
        ("é", "is no name"),
        ("x\n", "is no name"),
        ("", "is no name"),
        ("a" * 41, "at most 40 characters"),
        ("CON", "is no name"),
        ("con", "Windows takes no file of that name"),
        ("crh", "there is one already (built in)"),
        ("crh_m", "there is one already (built in)"),
        ("lambda", "has a meaning of its own"),
        ("method", "has a meaning of its own"),
        ("conftest", "has a meaning of its own"),
        ("random", "random.py would hide the Python module"),
        ("torch", "torch.py would hide the Python module"),
    ],
)
def test_names_that_cannot_be(here, tmp_path: Path, name: str, message: str) -> None:
    done = here("new", "method", name, check=2)
    assert message in sentence(done)
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(here, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in ("file", "file/below"):
        said = sentence(here("new", "method", "coin-toss", "--out", out, check=2))
        assert f"{out} cannot be written" in said.replace(os.sep, "/")
        assert said.endswith("choose another folder with --out.")


def test_nothing_is_left_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, real, opened = checked_name("method", "coin-toss"), Path.open, []

    def full(path: Path, *arguments: object, **options: object) -> object:
        if path.parent == tmp_path:
            opened.append(path)
            if len(opened) == 3:
                raise OSError(28, "No space left on device")
        return real(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(BenchError, match=r"cannot be written \(No space left on device\)"):
        new_plugin("method", name, tmp_path, moves_centers=False, needs_similarity=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(("moves", "needs"), [(False, False), (True, True)])
def test_its_test_passes_as_written_and_would_fail(tmp_path: Path, moves: bool, needs: bool) -> None:
    plugin, test, _ = new_method(tmp_path, moves, needs)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    plugin.write_text(plugin.read_text().replace("= pull +", "= 2 * pull +"))
    done = subprocess.run([*command, "-k", "golden"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert "test_golden_loss" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--config", str(ROOT / "pyproject.toml")],
        ["ruff", "format", "--check", "--config", str(ROOT / "pyproject.toml")],
        ["mypy", "--strict", "--follow-imports", "silent"],
    ],
    ids=["ruff check", "ruff format", "mypy"],
)
def test_it_is_clean_as_written(tmp_path: Path, command: list[str]) -> None:
    if find_spec(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    files = [path for flags in FLAGS for path in new_method(tmp_path, *flags)[:2]]
    done = subprocess.run(
        [sys.executable, "-m", *command, *map(str, files)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""Wheels, built and installed: this package's own, and a third party's that brings a method."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "third-party-hashing"
version = "1.0"
[project.entry-points."bench.methods"]
coin-flips = "third_party.coin_flips"
broken = "third_party.not_there"
[tool.setuptools]
packages = ["third_party"]
"""

pytestmark = pytest.mark.slow


def pip(*arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def wheel_of(source: Path, out: Path) -> Path:
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q", "-w", out, source)
    (wheel,) = out.glob("*.whl")
    return wheel


def installed(wheel: Path, target: Path) -> Path:
    pip("install", "--no-deps", "--no-index", "-q", "--target", target, wheel)
    return target


def run_bench(site: Path, cwd: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed third-party package."""
    folder = tmp_path_factory.mktemp("third-party")
    package = folder / "source" / "third_party"
    package.mkdir(parents=True)
    (package.parent / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text("")
    shutil.copy(ROOT / "docs" / "examples" / "coin_flips.py", package)
    return installed(wheel_of(package.parent, folder / "wheels"), folder / "site")


def test_a_third_partys_method_is_listed_and_runs(third_party: Path, tmp_path: Path, tiny: list[str]) -> None:
    listed = run_bench(third_party, tmp_path, "list")
    line = next(line for line in listed.splitlines() if line.startswith("coin-flips"))
    assert "(third-party-hashing)" in line
    assert "MIT" in line
    assert "method 'broken' cannot be used: " in listed  # and takes nothing down
    sets = [part for text in tiny for part in ("--set", text)]
    done = run_bench(third_party, tmp_path, "run", "--methods", "csq,coin-flips", "--bits", "8", *sets)
    assert "glyphs@default coin-flips 8 bits seed 0: mAP" in done


def test_its_settings_are_checked_like_any_others(third_party: Path, tmp_path: Path) -> None:
    shown = run_bench(third_party, tmp_path, "list", "coin-flips")
    assert "quantization_weight" in shown
    assert "CSQ's" in shown


def test_our_wheel_brings_one_top_level_name(tmp_path: Path, tiny: list[str]) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("bench", "methods", "datasets", "reports"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    wheel = wheel_of(source, tmp_path / "wheels")
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"bench"}
    assert {"bench/methods/crh.py", "bench/datasets/glyphs.py", "bench/reports/tables.py", "bench/py.typed"} <= {*names}
    site = installed(wheel, tmp_path / "site")
    (site / "datasets").mkdir()  # somebody else's package of that name stays what it is
    (site / "datasets" / "__init__.py").write_text("OWNER = 'somebody else'\n")
    script = "import bench, datasets, bench.datasets; print(datasets.OWNER, bench.__file__)"
    shown = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(site)}, cwd=tmp_path, capture_output=True,
        text=True, check=True,
    ).stdout  # fmt: skip
    assert shown.startswith("somebody else")
    assert str(site) in shown
    sets = [part for text in tiny for part in ("--set", text)]
    done = run_bench(site, tmp_path, "run", "--methods", "csq", "--bits", "8", *sets)
    assert "wrote results/results.md" in done

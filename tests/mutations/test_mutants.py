"""The table of mutants does not rot, the runner tells caught from surviving ones, and a sample of them is caught."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutations import runner, workspace
from tests.mutations.mutants import ROOT, Mutant, MutantError, areas, chosen, read_mutants
from tests.mutations.workspace import Workspace

MUTANTS = read_mutants()
LEAST = {
    "alignment": 8, "centers": 20, "data": 12, "evaluation": 18, "grid": 10, "losses": 15, "methods": 20,
    "significance": 8, "training": 20,
}  # fmt: skip
METHODS = ("crh", "csq", "orthohash", "mds", "shc", "_margin_loss", "_codebook", "_bitwise_loss")
SAMPLE = (
    "margin-added", "cut-one-late", "crh-reassigns-an-epoch-late", "pcc-with-the-diagonal", "queries-in-the-database",
    "holm-is-bonferroni",
)  # fmt: skip

TOY = {
    "bench/__init__.py": "def double(x):\n    return 2 * x\n",
    "methods/__init__.py": "SIGN = 1\n",
    "tests/test_double.py": (
        "import bench\nfrom bench.methods import SIGN\n\n\ndef test_double():\n    assert bench.double(2) == 4 * SIGN\n"
    ),
    "tests/test_else.py": "raise RuntimeError\n",
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--import-mode=importlib'\n",
}
CAUGHT = ("tripled", "bench/__init__.py", "2 * x", "3 * x", "tests/test_double.py")
SURVIVING = ("squared", "bench/__init__.py", "2 * x", "x * x", "tests/test_double.py")  # 2 * 2 is 2 squared
IN_A_PLUGIN = ("negative", "methods/__init__.py", "SIGN = 1", "SIGN = -1", "tests/test_double.py")
NO_NAME = ("unnamed", "bench/__init__.py", "2 * x", "2 * y", "tests/test_double.py")
NO_PYTHON = ("unreadable", "bench/__init__.py", "2 * x", "2 *", "tests/test_double.py")
NOT_COLLECTED = ("not-collected", "bench/__init__.py", "2 * x", "3 * x", "tests/test_else.py")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_can_be_made_and_has_tests(mutant: Mutant) -> None:
    mutated = mutant.applied((ROOT / mutant.file).read_text(encoding="utf-8"))
    ast.parse(mutated)
    assert mutant.wrong.endswith(".")
    assert mutant.tests
    assert all((ROOT / file).is_file() for file in mutant.tests)


def test_every_area_and_every_method_has_its_share() -> None:
    assert areas(MUTANTS) == sorted(LEAST)
    for area, least in LEAST.items():
        assert sum(mutant.area == area for mutant in MUTANTS) >= least, area
    for name in METHODS:
        assert sum(mutant.file == f"methods/{name}.py" for mutant in MUTANTS) >= 2, name


def test_the_page_is_of_this_table() -> None:
    page = (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8")
    made = "python -m tests.mutations.runner --markdown docs/mutants.md"
    assert [mutant.name for mutant in MUTANTS if mutant.wrong not in page] == [], f"make the page again: {made}"
    assert f"{len(MUTANTS)} bugs" in page


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A project of two folders."""
    for name, text in TOY.items():
        path = tmp_path / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "toy"


def table(folder: Path, *rows: tuple[str, str, str, str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    keys = ("name", "file", "old", "new")
    entries = (
        "".join(["[[mutant]]\n", *(f"{k} = '{v}'\n" for k, v in zip(keys, row[:4], strict=True)),
                 f"wrong = 'It is.'\ntests = ['{row[4]}']\n"])
        for row in rows
    )  # fmt: skip
    (folder / "toys.toml").write_text("\n".join(entries), encoding="utf-8")
    return folder


def test_a_caught_and_a_surviving_mutant(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = table(tmp_path / "tables", CAUGHT, IN_A_PLUGIN, SURVIVING)
    page = tmp_path / "page.md"
    assert runner.main(["--jobs", "1", "--markdown", str(page)], toy, tables) == 1
    shown = capsys.readouterr().out
    assert "tests/test_double.py::test_double" in shown
    assert "SURVIVED" in next(line for line in shown.splitlines() if line.startswith("squared"))
    assert "2 of 3 mutants caught" in shown
    assert page.read_text().count("`test_double.py::test_double`") == 2
    assert "**survived**" in page.read_text()
    assert (toy / "bench" / "__init__.py").read_text() == TOY["bench/__init__.py"]  # only the copy was changed
    assert runner.main(["--only", "tripled", "negative"], toy, tables) == 0


@pytest.mark.parametrize("row", [NO_NAME, NO_PYTHON], ids=["no name", "no Python"])
def test_code_that_does_not_run_is_not_caught(row: tuple, toy: Path, tmp_path: Path) -> None:
    (mutant,) = read_mutants(table(tmp_path / "tables", row))
    with Workspace(tmp_path / "space", toy) as space:
        assert space.outcome(mutant).verdict == "broken"


def test_tests_that_fail_by_themselves_catch_nothing(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runner.main(["--jobs", "1"], toy, table(tmp_path / "tables", NOT_COLLECTED)) == 2
    assert "without a mutant" in capsys.readouterr().err


def test_another_package_than_the_copy_is_noticed(toy: Path, tmp_path: Path) -> None:
    (toy / "tests" / "test_double.py").write_text(
        "import sys, types\nsys.modules['bench'] = other = types.ModuleType('bench')\n"
        "other.__file__ = '/elsewhere.py'\ndef test():\n    pass\n"
    )
    with (
        Workspace(tmp_path / "space", toy) as space,
        pytest.raises(MutantError, match="did not import the copy but bench"),
    ):
        space.run(["tests/test_double.py"])


def test_tests_that_do_not_end_are_ended(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (toy / "tests" / "test_double.py").write_text("import time\n\n\ndef test_sleep():\n    time.sleep(600)\n")
    monkeypatch.setattr(workspace, "SECONDS", 2)
    with Workspace(tmp_path / "space", toy) as space:
        outcome = space.run(["tests/test_double.py"])
    assert (outcome.verdict, outcome.detail) == ("broken", "it did not end")


def test_mistakes_are_told(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = table(tmp_path / "tables", CAUGHT, CAUGHT)
    assert runner.main([], toy, tables) == 2
    assert "two mutants tripled" in capsys.readouterr().err
    tables = table(tmp_path / "tables", CAUGHT, ("gone", "bench/__init__.py", "4 * x", "5 * x", "tests/test_double.py"))
    assert runner.main(["--only", "gone", "--jobs", "1"], toy, tables) == 2
    assert "occurs 0 times in bench/__init__.py" in capsys.readouterr().err
    assert runner.main(["--only", "nothing"], toy, tables) == 2
    assert runner.main(["--only", "gone", "--markdown", str(tmp_path / "page.md")], toy, tables) == 2


@pytest.mark.slow
def test_a_sample_is_caught(capsys: pytest.CaptureFixture[str]) -> None:
    found = runner.run(chosen(MUTANTS, SAMPLE), jobs=1)
    assert {name: outcome.verdict for name, outcome in found.items()} == dict.fromkeys(SAMPLE, "caught")

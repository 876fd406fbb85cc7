"""`bench regress` from outside: a user's own baseline is learned, checked, learned again, refused when it is bad."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.sentences import sentence

MINE = "mine.json"
GRID = ["--methods", "crh,csq", "--bits", "8", "--set", "train.epochs=3"]
LEARN = ["regress", "--update", "--baseline", MINE, "--seeds", "6", "--check-seeds", "2", "--reason"]


@pytest.fixture
def learned(here, features: str, tmp_path: Path) -> Path:
    here(*LEARN, "the first", "--datasets", features, *GRID, check=0)
    return tmp_path / MINE


def edit(file: Path, change) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def test_a_check_runs_what_the_file_holds(here, learned: Path) -> None:
    done = here("regress", "--baseline", MINE, check=0)
    assert done.stdout.splitlines()[0].startswith("4 cells: 4 to run")
    assert "clouds@parts" in done.stdout
    for title in ("mAP", "least center distance", "bit imbalance", "first centers"):
        assert title in done.stdout
    assert "OUTSIDE" not in done.stdout
    assert "(the first)" in done.stdout
    assert done.stdout.splitlines()[-1] == "pass: all is as it was learned"
    assert sorted(path.name for path in learned.parent.iterdir()) == ["clouds.npz", MINE]  # its cells are not kept


def test_what_is_outside_is_told_and_ends_with_1(here, learned: Path) -> None:
    def better(content) -> None:
        values = content["cells"][0]["values"]
        values["map"] = [value + 1 for value in values["map"]]

    edit(learned, better)
    done = here("regress", "--baseline", MINE, check=1)
    assert done.stdout.count("OUTSIDE") == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("outside: ")]
    assert line.startswith("outside: clouds@parts crh 8 bits: mAP: ")
    assert " sd lower (band 1." in line
    assert done.stdout.splitlines()[-1].startswith("fail: if this was meant, learn the baseline again with --update")
    assert done.stderr == ""


def test_json_for_programs(here, learned: Path) -> None:
    done = here("regress", "--baseline", MINE, "--json", check=0)
    found = json.loads(done.stdout)
    assert found["passed"] is True
    assert [cell["method"] for cell in found["cells"]] == ["crh", "csq"]
    first = found["cells"][0]["quantities"][0]
    assert first["name"] == "map"
    assert first["low"] <= first["found"] == first["then"] <= first["high"]


def test_another_version_of_a_method_fails_with_the_reason(here, learned: Path) -> None:
    edit(learned, lambda content: content["cells"][1]["cell"].update(method_version=7))
    done = here("regress", "--baseline", MINE, check=1)
    assert "csq 8 bits: csq is version 1 here, and the baseline was learned with version 7" in done.stdout
    assert "not compared" in done.stdout


def test_a_method_of_ones_own_and_a_wrong_line_in_it(here, features: str, tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "docs" / "examples" / "coin_flips.py"
    mine = tmp_path / "my_method.py"
    mine.write_text(source.read_text())
    grid = ["--datasets", features, "--methods", "./my_method.py", "--bits", "8", "--set", "train.epochs=30"]
    here(*LEARN, "mine", *grid, "--seeds", "10", check=0)
    here("regress", "--baseline", MINE, check=0)
    right = "central_bce(relaxed, wanted)"
    assert right in source.read_text()
    mine.write_text(source.read_text().replace(right, "central_bce(relaxed, -wanted)"))
    sys.modules.pop("bench_file_plugin_my_method")
    assert "OUTSIDE" in here("regress", "--baseline", MINE, check=1).stdout


def test_learning_again_keeps_grid_and_history_and_tells_what_moved(here, learned: Path) -> None:
    options = ["--reason", "a larger margin", "--set", "crh.margin=3"]
    done = here("regress", "--update", "--baseline", MINE, *options, check=0)
    assert "12 cells: 12 to run" in done.stdout  # six seeds, as in the file
    assert f"wrote {MINE}: 2 cells, 6 seeds, of which a check runs 2" in done.stdout
    content = json.loads(learned.read_text())
    assert [entry["reason"] for entry in content["history"]] == ["the first", "a larger margin"]
    assert content["grid"]["set"]["crh"] == {"margin": 3}
    assert content["grid"]["bits"] == [8]
    here("regress", "--baseline", MINE, check=0)


def test_cells_are_kept_where_a_folder_is_named(here, learned: Path, tmp_path: Path) -> None:
    here("regress", "--baseline", MINE, "--out", "kept", check=0)
    assert len(list((tmp_path / "kept" / "cells").iterdir())) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--update"], "is not learned without a reason: say why with --reason TEXT"),
        (["--update", "--reason", " "], "is not learned without a reason"),
        (
            ["--update", "--reason", "x", "--methods", "csq"],
            "needs a baseline of your own: name its file with --baseline",
        ),
        (["--methods", "csq"], "a check runs the grid and the seeds that its baseline was learned with"),
        (["--seeds", "3"], "a check runs the grid and the seeds"),
        (["--reason", "x"], "a check runs the grid and the seeds"),
        (["--baseline", "none.json"], "there is no baseline none.json"),
        (["--baseline", "."], "the baseline . cannot be read"),
        (["--update", "--baseline", "new.json", "--reason", "x", "--seeds", "2"], "2 seeds tell nothing of a spread"),
        (
            ["--update", "--baseline", "new.json", "--reason", "x", "--seeds", "4", "--check-seeds", "5"],
            "a check cannot run 5 of 4 seeds",
        ),
        (["--update", "--baseline", "new.json", "--reason", "x", "--methods", "chr"], "there is no method 'chr'"),
    ],
)
def test_mistakes(here, tmp_path: Path, options: list[str], message: str) -> None:
    assert message in sentence(here("regress", *options, check=2))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", '{"schema": 1}', "[" * 100_000, "\x00"])
def test_bad_files_get_a_sentence_and_are_not_written_over(here, tmp_path: Path, content: str) -> None:
    file = tmp_path / MINE
    file.write_text(content)
    for options in ([], ["--update", "--reason", "x"]):
        said = sentence(here("regress", "--baseline", MINE, *options, check=2))
        assert said.startswith(f"{MINE} is no baseline")
    assert file.read_text() == content

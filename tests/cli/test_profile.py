"""`bench profile` from outside: what it prints, and that it changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.sentences import sentence


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_stored_cell(here, cell: Path, tmp_path: Path) -> None:
    before, name = contents(tmp_path), cell.name.rpartition(".")[2]
    done = here("profile", name[:8], "--epochs", "1", "--top", "3", "--trace", "trace.json", check=0)
    said = done.stdout.splitlines()
    assert said[0] == f"glyphs@default csq 8 bits seed 0, cell {name}"
    assert said[1].endswith(", 1 thread; 1 of 2 epochs, 4 steps of 16 images")
    by_name = {line.split()[0]: line for line in said if line}
    assert "with all 2 epochs" in by_name["training"] or "images/s: 1 step of" in by_name["training"]
    assert {"phase", "data", "centers", "codes", "evaluation", "batches", "busy", "peak", "encoding", "memory"} <= {
        *by_name
    }
    assert "the float32 peak as measured" in by_name["peak"]
    assert by_name["encoding"].endswith("images/s: 88 images")
    assert sum(line.endswith(" others") for line in said) == 1
    operators = said[said.index(next(line for line in said if line.startswith("operators of"))) + 2 :]
    assert operators[3].endswith(" others")
    assert said[-1].startswith("wrote trace.json: open it")
    after = contents(tmp_path)
    assert len(json.loads(after.pop("trace.json"))["traceEvents"]) > 100
    assert after == before


def test_a_cell_that_choices_name_and_json(here, tiny_options: list[str], tmp_path: Path) -> None:
    done = here("profile", "--methods", "orthohash", "--bits", "16", *tiny_options, "--json", check=0)
    found = json.loads(done.stdout)
    assert found["title"] == "glyphs@default orthohash 16 bits seed 0"
    assert (found["epochs"], found["cell_epochs"], found["threads"], found["trace"]) == (2, 2, 1, None)
    assert set(found["phases"]) == {"data", "centers", "training", "codes", "evaluation", "total"}
    assert found["operators"][0]["seconds"] > 0
    assert found["items_per_second"] > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["zzz"], "cell 'zzz' in results is not there: give an id"),
        ([], "these choices name 6 cells: name one"),
        (["--methods", "crh"], "these choices name 3 cells: name one"),
        (["--methods", "chr", "--bits", "8"], "there is no method 'chr': did you mean crh"),
        (["zzz", "--bits", "8"], "--bits changes nothing of the stored cell 'zzz'"),
        (["zzz", "--set", "crh.margin=0.1"], "--set changes nothing of the stored cell"),
        (["--methods", "crh", "--bits", "8", "--compile", "yes"], "grid.compile = 'yes' cannot be"),
        (["--plugin", "mine.py"], "--plugin is for a stored cell"),
        (["zzz", "--trace", "none/trace.json"], "--trace none/trace.json cannot be written"),
        (["zzz", "--trace", "."], "--trace . cannot be written"),
    ],
)
def test_mistakes(here, options: list[str], message: str) -> None:
    assert message in sentence(here("profile", *options, check=2))


def test_epochs_are_counted_from_one(here) -> None:
    assert "Invalid value for '--epochs'" in here("profile", "zzz", "--epochs", "0", check=2).stderr


@pytest.mark.slow
def test_it_says_nothing_that_is_not_its_own(bench, tiny_options: list[str]) -> None:
    """Torch's profiler writes to stderr past Python."""
    done = bench("profile", "--methods", "csq", "--bits", "8", *tiny_options, check=0)
    assert done.stderr == ""

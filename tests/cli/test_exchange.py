"""`bench export-results` and `bench import-results` from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.sentences import sentence

FIGURES = [f"figures/map_vs_bits.{form}" for form in ("svg", "png", "pdf")]
REPORTS = ["results.csv", "results.md", "results.tex", *FIGURES]


@pytest.fixture
def study(here, tiny_options, tmp_path: Path) -> Path:
    here("run", "--methods", "crh,csq", "--bits", "8,16", *tiny_options, check=0)
    return tmp_path / "results"


def test_a_study_is_shared_and_its_reports_are_the_same_bytes(here, study: Path, tmp_path: Path) -> None:
    done = here("export-results", "study.zip", check=0)
    assert done.stdout.startswith("study.zip: 4 cells, ")
    assert "bench import-results study.zip --out DIR" in done.stdout
    done = here("import-results", "study.zip", "--out", "theirs", check=0)
    assert done.stdout.startswith("theirs: 4 cells added, 0 replaced, 0 left as they were; ")
    here("report", "theirs", check=0)
    for name in REPORTS:
        assert (tmp_path / "theirs" / name).read_bytes() == (study / name).read_bytes(), name
    here("verify", next((study / "cells").glob("glyphs.csq.8b*")).name, "--out", "theirs", check=0)
    assert "0 cells added, 0 replaced, 4 left as they were" in here("import-results", "study.zip", check=0).stdout


def test_mistakes_end_in_one_sentence(here, study: Path, tmp_path: Path) -> None:
    def refused(*arguments: str) -> str:
        return sentence(here(*arguments, check=2))

    assert "there are no results in nowhere to share" in refused("export-results", "x.zip", "--out", "nowhere")
    assert "has no cell of protocol abc" in refused("export-results", "x.zip", "--protocol", "abc")
    assert "there is no file none.zip" in refused("import-results", "none.zip")
    here("export-results", "x.zip", check=0)
    assert "contradict each other" in refused("import-results", "x.zip", "--keep", "--replace")
    cell = next((study / "cells").glob("glyphs.csq.8b*"))
    result = json.loads((cell / "result.json").read_text())
    result["metrics"]["d_min"] += 1
    (cell / "result.json").write_text(json.dumps(result))
    assert "1 of the 4 cells in x.zip are in results with another result" in refused("import-results", "x.zip")
    assert "0 cells added, 0 replaced, 4 left" in here("import-results", "x.zip", "--keep", check=0).stdout
    assert "0 cells added, 1 replaced, 3 left" in here("import-results", "x.zip", "--replace", check=0).stdout
    (tmp_path / "x.zip").write_bytes((tmp_path / "x.zip").read_bytes()[:-9])
    assert "is cut off or damaged: get it again" in refused("import-results", "x.zip", "--out", "new")
    assert not (tmp_path / "new").exists()

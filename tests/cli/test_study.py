"""`bench study`: listed, planned, run, ending in its own table and figure."""

from pathlib import Path

import pytest

from bench.studies.catalogue import STUDIES
from tests.cli.sentences import sentence


def test_without_a_name_they_are_listed(here) -> None:
    listed = here("study", check=0).stdout
    assert [line.split()[0] for line in listed.splitlines()] == list(STUDIES)


@pytest.mark.parametrize("text", ["codebok-size", "grid.toml"])
def test_an_unknown_name_is_one_sentence(here, text: str) -> None:
    assert sentence(here("study", text, check=2)).startswith(f"there is no study '{text}'")


def test_plan_shows_the_cells_and_ends(here, tiny_options, tmp_path: Path) -> None:
    planned = here("study", "ablation", "--bits", "8", "--plan", *tiny_options, check=0).stdout
    assert "15 cells: 15 to run" in planned  # 3 variants, the study's 5 seeds
    assert planned.count("missing") == 15
    assert not (tmp_path / "results").exists()
    planned = here("study", "update-frequency", "--bits", "8", "--plan", *tiny_options, check=0).stdout
    assert "note: crh[period=20,warmup_epochs=0] does in 2 epochs what crh[reassignment=never] does" in planned


def test_a_grid_file_says_what_an_option_does_not(here, tiny_options, tmp_path: Path) -> None:
    (tmp_path / "grid.toml").write_text('methods = ["csq"]\nbits = [8]\nseeds = [3]\nout = "there"\n')
    planned = here("study", "ablation", "grid.toml", "--plan", *tiny_options, check=0).stdout
    assert "4 cells: 4 to run" in planned  # csq beside the three
    planned = here("study", "ablation", "grid.toml", "--seeds", "0,1", "--plan", *tiny_options, check=0).stdout
    assert "8 cells: 8 to run" in planned


def test_the_factorial_ends_in_its_matrix(here, tiny_options, tmp_path: Path) -> None:
    done = here("study", "factorial", "--methods", "crh,csq", "--bits", "8", "--seeds", "0", *tiny_options, check=0)
    assert "crh+csq-loss" in done.stdout
    matrix = (tmp_path / "results" / "factorial" / "centers_by_losses.md").read_text()
    assert "\n| csq " in matrix


@pytest.mark.parametrize(("name", "table", "figure"), [
    ("ablation", "Ablation of CRH: mAP", "ablation"),
    ("robustness", "Robustness of CRH", "robustness"),
    ("codebook-size", "Parameter study of crh: candidates M", "parameter_codebook_size"),
    ("head-dim", "Parameter study of crh: bits per head d", "parameter_head_dim"),
    ("update-frequency", "Parameter study of crh: reassignment", "parameter_update_frequency"),
    ("controls", "Controls: geometry or semantics", "controls"),
])  # fmt: skip
@pytest.mark.slow
def test_a_study_ends_in_its_table_and_figure(
    here, tiny_options, tmp_path: Path, name: str, table: str, figure: str
) -> None:
    done = here("study", name, "--bits", "8", "--seeds", "0,1", *tiny_options, check=0)
    assert table in done.stdout
    out = tmp_path / "results" / name
    assert table in (out / "results.md").read_text()
    assert (out / "figures" / f"{figure}.pdf").stat().st_size > 1000
    again = here("study", name, "--bits", "8", "--seeds", "0,1", *tiny_options, check=0)
    assert " done, 0 to run" in again.stdout

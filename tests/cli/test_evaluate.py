"""`bench evaluate` on codes that another program could have written."""

import json
from pathlib import Path

import numpy as np
import pytest

import bench as library
from tests.cli.sentences import sentence

RNG = np.random.default_rng(0)
QUERY, DATABASE = ((RNG.integers(0, 2, (n, 12)) * 2 - 1).astype(np.int8) for n in (6, 80))
QUERY_LABELS, LABELS = RNG.integers(0, 3, 6), RNG.integers(0, 3, 80)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    np.savez(tmp_path / "queries.npz", query_codes=QUERY, query_labels=QUERY_LABELS)
    for i, rows in enumerate((slice(0, 30), slice(30, 80))):
        np.savez(tmp_path / f"part{i}.npz", database_codes=DATABASE[rows], database_labels=LABELS[rows])
    return tmp_path


def test_it_prints_what_the_library_finds(here, files: Path) -> None:
    done = here("evaluate", "queries.npz", "part0.npz", "part1.npz", "--at", "5,10", "--json", check=0)
    found = json.loads(done.stdout)
    ranking = library.evaluate(QUERY, QUERY_LABELS, DATABASE, LABELS)
    assert found["map"] == ranking.map
    assert found["map_low"] < found["map"] < found["map_high"]
    assert found["map_at_5_min"] == ranking.map_at(5, "min")
    assert found["recall_at_10"] == ranking.recall_at(10)
    assert (found["queries"], found["database"], found["bits"]) == (6, 80, 12)
    text = here("evaluate", "queries.npz", "part0.npz", "part1.npz", "--as", "all", check=0).stdout
    assert f"mAP {ranking.map:.4f}" in text
    assert "mAP as pytorch-metric-learning-r" in text


def test_parts_counted_apart_add_up(here, files: Path) -> None:
    for i in (0, 1):
        here("evaluate", "queries.npz", f"part{i}.npz", "--histograms", f"h{i}.npz", check=0)
    merged = json.loads(here("evaluate", "h0.npz", "h1.npz", "--json", check=0).stdout)
    whole = json.loads(here("evaluate", "queries.npz", "part0.npz", "part1.npz", "--json", check=0).stdout)
    assert merged == whole


def test_a_stored_cell(here, cell: Path) -> None:
    stored = json.loads((cell / "result.json").read_text())
    found = json.loads(here("evaluate", str(cell), "--at", "5", "--json", check=0).stdout)
    assert (found["map"], found["bits"]) == (stored["metrics"]["map"], 8)
    assert "map_at_5_min" in found
    said = sentence(here("evaluate", str(cell.parent), check=2))
    assert said.startswith(f"{cell.parent} is not the folder of a stored cell")


@pytest.mark.parametrize("ties", ["stable", "shuffled"])
def test_orders_of_ties(here, files: Path, ties: str) -> None:
    done = here("evaluate", "queries.npz", "part0.npz", "part1.npz", "--ties", ties, "--seed", "3", "--json", check=0)
    expected = library.evaluate(QUERY, QUERY_LABELS, DATABASE, LABELS, ties=ties, seed=3)
    assert json.loads(done.stdout)["map"] == pytest.approx(expected.map)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["queries.npz"], "no file holds a part of the database"),
        (["part0.npz"], "one file must hold the queries"),
        (["queries.npz", "cut.npz"], "cut.npz is not a complete npz archive"),
        (["queries.npz", "part9.npz"], "there is no file part9.npz"),
        (["queries.npz", "part0.npz", "--at", "0"], "a cutoff is a whole number from 1 on"),
        (["queries.npz", "part0.npz", "--radius", "-1"], "a radius is 0 or more"),
        (["queries.npz", "part0.npz", "--as", "csp"], "there is no convention 'csp': did you mean csq"),
        (["queries.npz", "part0.npz", "--device", "tpu"], "there is no device 'tpu'"),
        (["queries.npz", "part0.npz", "--histograms", "nowhere/h.npz"], "cannot be written"),
    ],
)
def test_mistakes_end_in_one_sentence(here, files: Path, arguments: list[str], message: str) -> None:
    (files / "cut.npz").write_bytes((files / "part1.npz").read_bytes()[:300])
    assert message in sentence(here("evaluate", *arguments))

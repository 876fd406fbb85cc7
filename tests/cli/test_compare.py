from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bench.cli.papers import show_beside
from bench.papers.files import paper_names
from bench.storage.cell import Cell
from bench.storage.store import Store


def test_a_table_for_each_code_length(here, tiny_options) -> None:
    here("run", "--methods", "crh,csq,crh-u", "--bits", "8,16", *tiny_options, check=0)
    done = here("compare", check=0)
    assert done.stdout.count("p (Holm)") == 2
    assert done.stdout.count("csq 0.") == 4  # against crh and against crh-u, at each length


def test_nothing_to_compare_is_a_mistake(here) -> None:
    done = here("compare", "nowhere")
    assert done.returncode == 2
    assert "no two methods on the same dataset" in done.stderr


CELL: dict[str, Any] = {
    "dataset": "cifar100", "dataset_label": "cifar100", "split": "shc", "dataset_config": {}, "fingerprint": "abc",
    "num_classes": 100, "multi_label": False, "counts": {"train": 10_000, "query": 5000, "database": 45_000},
    "method_config": {}, "method_version": 1, "seed": 0, "regime": "frozen", "settings": "matched",
    "backbone": "efficientnet-lite0", "weights": "w", "train": {"epochs": 30, "image_size": 128},
}  # fmt: skip
OWN = """\
name = "mine"
title = "T"
authors = "A"
venue = "V"
source = "S"
[methods."[bold]SHC[/]"]
ours = ["shc"]
ran_by = "authors"
[datasets.Letters]
dataset = "cifar100"
splits = ["shc"]
classes = 100
[[tables]]
where = "T1"
metric = "d_min"
bits = [64]
decimals = 0
[tables.values.Letters]
"[bold]SHC[/]" = [12]
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Results of shc and OrthoHash on CIFAR-100."""
    for method, bits in (("shc", 16), ("shc", 64), ("orthohash", 64)):
        cell = Cell(**CELL, method=method, method_label=method, bits=bits)
        metrics = {"map": 0.2734, "map_worst": 0.2555, "map_best": 0.6, "map_stderr": 0.0039, "d_min": 24}
        Store(tmp_path / "study").write(cell, {"status": "ok", "metrics": metrics}, {"ap": np.zeros(1)})
    return tmp_path / "study"


def test_a_papers_numbers_beside_ours(here, study: Path) -> None:
    lines = here("compare", str(study), "--paper", "shc-tois25", check=0).stdout.splitlines()
    assert any("Chen, Liu, Zhou, Ma, Chen, Zhang" in line for line in lines)
    rows = [line.split() for line in lines if line.startswith("SHC ")]
    assert ["SHC", "shc", "64", "0.5262", "0.2734", "±", "0.0039", ".256–.600", "-0.2528*", "no:"] in [
        row[:10] for row in rows
    ]
    assert ["SHC", "shc", "64", "24", "24", "+0", "comparable"] in rows
    assert any("understate OrthoHash" in line for line in lines)
    assert any("frozen efficientnet-lite0 features, theirs fine-tuned resnet34" in line for line in lines)


def test_a_papers_table_fits_a_terminal_of_80_columns(study: Path) -> None:
    text = io.StringIO()
    show_beside(study, "shc-tois25", Console(file=text, width=80, force_terminal=True, color_system=None))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("SHC ") for line in lines) == 8  # nothing is wrapped: two lengths, four metrics
    assert "…" not in text.getvalue()


def test_a_paper_of_ones_own(here, study: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(OWN)
    shown = here("compare", str(study), "--paper", "./mine.toml", check=0).stdout
    assert ["[bold]SHC[/]", "shc", "64", "12", "24", "+12", "comparable"] in [r.split() for r in shown.splitlines()]
    assert "[bold]SHC[/]" in here("list", "mine.toml", check=0).stdout


@pytest.mark.parametrize(
    ("paper", "said"),
    [
        ("shc-tois", "did you mean shc-tois25?"),
        ("nowhere.toml", "there is no file nowhere.toml"),
        ("crh-aaai26", "has no absolute number to compare with, only claims: bench list crh-aaai26 shows them."),
        ("csq-cvpr20", "no dataset in common: it has cifar100@shc, the paper imagenet100@hashnet, coco@lists"),
    ],
)
def test_nothing_to_set_beside_is_a_mistake(here, study: Path, paper: str, said: str) -> None:
    assert said in here("compare", str(study), "--paper", paper, check=2).stderr


def test_no_method_in_common_is_a_mistake(here, study: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(OWN.replace("bits = [64]", "bits = [48]"))
    assert (
        "has no method and code length of mine" in here("compare", str(study), "--paper", "mine.toml", check=2).stderr
    )


def test_no_results_at_all_is_a_mistake(here) -> None:
    assert "nowhere holds no results" in here("compare", "nowhere", "--paper", "shc-tois25", check=2).stderr


def test_papers_are_listed(here) -> None:
    lines = here("list", "papers", check=0).stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == paper_names()


def test_a_paper_is_shown_with_its_claims_and_numbers(here) -> None:
    claims = here("list", "crh-aaai26", check=0).stdout
    assert "NABirds 4.8 to 6.6 %" in claims
    numbers = here("list", "shc-tois25", check=0).stdout.splitlines()
    assert ["SHC", "0.4838", "0.5186", "0.5262"] in [line.split() for line in numbers]
    assert ["random", "0", "5", "17"] in [line.split() for line in numbers]

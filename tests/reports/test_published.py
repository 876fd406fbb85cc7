"""published.md: ours beside theirs, or no file at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.reports.published import Published
from bench.storage.results import Results

CIFAR: dict[str, Any] = {
    "dataset": "cifar100", "dataset_label": "cifar100", "split": "shc", "num_classes": 100,
    "counts": {"train": 10_000, "query": 5000, "database": 45_000}, "regime": "finetune", "backbone": "resnet34",
    "weights": "w",
}  # fmt: skip


@pytest.fixture
def study(made) -> Results:
    cells = [made(m, k, 0.5, **CIFAR) for m in ("shc", "csq", "crh") for k in (16, 32)]
    return Results([*cells, made("shc", 64, None, **CIFAR), made("shc", 16, 0.5)])


def rendered(results: Results, out: Path) -> str:
    (file,) = Published().render(results, out)
    assert file == out / "published.md"
    return file.read_text(encoding="utf-8")


def test_rows_reasons_and_remarks(study: Results, tmp_path: Path) -> None:
    text = rendered(study, tmp_path)
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert ["SHC", "shc", "mAP", "16", "0.4838", "0.5000 ± 0.0100", ".100–.900", "+0.0162\\*", "no: 1-3, 5"] in rows
    assert ["SHC", "shc", "least distance", "16", "4", "4", "–", "+0", "comparable"] in rows
    assert ["SHC", "shc", "mAP", "64", "0.5262", "failed", "–", "–", "no: 1-3, 5-6"] in rows
    assert "## cifar100@shc, finetune, matched settings, beside CIFAR-100 of shc-tois25" in text
    assert "\n1. mAP expected over all orders of ties, theirs in one unspecified order of ties\n" in text
    assert "- Nothing of ours for: MDS, OrthoHash, random.\n" in text


def test_no_row_of_theirs_is_invented(study: Results, tmp_path: Path) -> None:
    text = rendered(study, tmp_path)
    assert "crh" not in text  # its paper has no number
    assert "pets" not in text  # no paper has it


def test_nothing_is_written_where_no_paper_has_the_dataset(four: Results, tmp_path: Path) -> None:
    assert Published().render(four, tmp_path) == []
    assert Published().render(Results([]), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_same_results_give_the_same_bytes(study: Results, tmp_path: Path) -> None:
    first = rendered(study, tmp_path)
    assert rendered(Results(study.cells[::-1]), tmp_path) == first


def test_a_paper_for_several_protocols_has_a_section_for_each(made, tmp_path: Path) -> None:
    plain = {**CIFAR, "split": "plain"}
    text = rendered(Results([made("shc", 16, 0.5, **CIFAR), made("shc", 16, 0.5, **plain)]), tmp_path)
    assert text.count("\n## ") == 2
    assert "split plain, theirs shc" in text

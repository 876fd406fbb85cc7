"""What of ours stands beside what of a paper's, and what is said of the pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.papers.beside import Beside, Row, beside, matched_datasets
from bench.papers.files import read_paper
from bench.papers.paper import Paper
from bench.papers.text import difference, our_value, references, remarks, texts, their_value, tie_band, title
from bench.papers.verdicts import Verdict
from bench.storage.cell import Cell
from bench.storage.results import Results
from bench.storage.store import StoredCell

CELL: dict[str, Any] = {
    "dataset": "cifar100", "dataset_label": "cifar100", "split": "shc", "dataset_config": {}, "fingerprint": "abc",
    "num_classes": 100, "multi_label": False, "counts": {"train": 10_000, "query": 5000, "database": 45_000},
    "method_config": {}, "method_version": 1, "seed": 0, "regime": "finetune", "settings": "paper",
    "backbone": "resnet34", "weights": "IMAGENET1K_V1",
    "train": {"epochs": 300, "optimizer": "rmsprop", "lr": 7e-5, "batch_size": 64, "image_size": 224},
}  # fmt: skip
METRICS = {
    "map": 0.5, "map_worst": 0.45, "map_best": 0.55, "map_stderr": 0.004, "map_at_1000_hits": 0.6,
    "map_at_100_hits": 0.65, "d_min": 10,
}  # fmt: skip
OWN: dict[str, Any] = {
    "name": "mine", "title": "T", "authors": "A", "venue": "V", "source": "S",
    "setup": {"backbone": "resnet34", "regime": "finetune", "pretrained": True, "checkpoint": "last",
              "ties": "expected", "train": {"epochs": 300}},
    "methods": {"SHC": {"ours": ["shc"], "ran_by": "authors"}},
    "datasets": {"CIFAR": {"dataset": "cifar100", "splits": ["shc"], "classes": 100, "train": 10_000, "query": 5000,
                           "database": 45_000}},
    "tables": [{"where": "T1", "metric": "map", "cutoff": "all", "bits": [32], "decimals": 3,
                "values": {"CIFAR": {"SHC": [0.52]}}}],
}  # fmt: skip


def stored(method: str, bits: int = 32, metrics: dict[str, Any] | None = None, **changes: Any) -> StoredCell:
    """A cell that has failed where its metrics are {}."""
    cell = Cell(**{**CELL, "method": method, "method_label": method, "bits": bits, **changes})
    found = {} if metrics == {} else {**METRICS, **(metrics or {})}
    return StoredCell(cell, {"status": "ok" if found else "failed", "metrics": found}, Path(cell.folder))


def shc(*cells: StoredCell) -> list[Beside]:
    return beside(Results(list(cells)), read_paper("shc-tois25"))


def row(found: Beside, method: str, metric: str = "mAP") -> Row:
    (only,) = [each for each in found.rows if (each.number.method, each.number.table.name) == (method, metric)]
    return only


def mine(**changes: Any) -> Paper:
    return Paper.model_validate({**OWN, **changes})


def test_a_metric_of_theirs_meets_the_same_of_ours() -> None:
    (found,) = shc(stored("shc"))
    ours = {each.number.table.name: each.ours.mean for each in found.rows if each.ours is not None}
    assert ours == {"mAP": 0.5, "mAP@1000": 0.6, "mAP@100": 0.65, "least distance": 10}
    assert row(found, "SHC").number.value == 0.5186
    assert row(found, "SHC").difference == pytest.approx(0.5 - 0.5186)


def test_the_paper_itself_repeated_is_not_comparable_for_ties_and_the_choice_of_an_epoch_alone() -> None:
    (found,) = shc(stored("shc"))
    assert row(found, "SHC").verdict.reasons == (
        "mAP expected over all orders of ties, theirs in one unspecified order of ties",
        "measured after the last epoch, theirs at the best of several epochs on the test set",
    )
    assert row(found, "SHC", "least distance").verdict.comparable


def test_a_frozen_run_of_another_network_has_all_its_reasons() -> None:
    (found,) = shc(
        stored("shc", regime="frozen", backbone="efficientnet-lite0", settings="matched",
               train={**CELL["train"], "epochs": 30})
    )  # fmt: skip
    said = row(found, "SHC").verdict.reasons
    assert "frozen efficientnet-lite0 features, theirs fine-tuned resnet34" in said
    assert "settings that match for all methods, theirs the paper's own settings" in said
    assert "trained with epochs 30; theirs epochs 300" in said


def test_everything_equal_is_comparable() -> None:
    (found,) = beside(Results([stored("shc")]), mine())
    assert [each.verdict.comparable for each in found.rows] == [True]


def test_settings_of_the_dataset_at_hand_are_compared() -> None:
    """SHC's learning rate is another on CIFAR-100 than elsewhere; ours of its paper settings is that of elsewhere."""
    (found,) = shc(stored("shc", train={**CELL["train"], "lr": 1e-4}))
    assert "trained with lr 0.0001; theirs lr 7e-05" in row(found, "SHC").verdict.reasons


def test_orthohash_of_shc_comes_with_its_caution() -> None:
    (found,) = shc(stored("orthohash"))
    assert any("understate OrthoHash" in reason for reason in row(found, "OrthoHash").verdict.reasons)


def test_nabirds_b_is_said_to_be_impossible() -> None:
    counts = {"train": 15_860, "query": 7909, "database": 24_793}
    (found,) = shc(stored("csq", dataset="nabirds", dataset_label="nabirds", split="shc-b", num_classes=555,
                          counts=counts))  # fmt: skip
    said = row(found, "CSQ").verdict.reasons
    assert any("NABirds-B as printed is impossible" in reason for reason in said)
    assert "15,860 / 7,909 / 24,793 training / query / database items, theirs 16,384 / 8,171 / 25,612" in said
    assert row(found, "CSQ", "least distance").verdict.comparable


@pytest.mark.parametrize("split", ["official", "shc-a-swapped"])
def test_nabirds_a_is_never_comparable(split: str) -> None:
    counts = {"train": 24_633, "query": 23_929, "database": 24_633}
    (found,) = shc(stored("csq", dataset="nabirds", dataset_label="nabirds", split=split, num_classes=555,
                          counts=counts))  # fmt: skip
    assert found.dataset == "NABirds-A"
    assert any("swapped in truth or in print" in reason for reason in row(found, "CSQ").verdict.reasons)


def test_mean_and_deviation_over_seeds() -> None:
    (found,) = shc(*(stored("shc", seed=seed, metrics={"map": 0.4 + seed / 10}) for seed in range(3)))
    ours = row(found, "SHC").ours
    assert ours is not None
    assert (ours.mean, ours.spread) == (pytest.approx(0.5), pytest.approx(0.1))


def test_one_seed_has_the_error_over_queries_and_for_other_metrics_none() -> None:
    (found,) = shc(stored("shc"))
    assert our_value(row(found, "SHC")) == "0.5000 ± 0.0040"
    assert our_value(row(found, "SHC", "mAP@100")) == "0.6500"


def test_ties_that_could_explain_the_difference_are_marked() -> None:
    (inside,) = shc(stored("shc"))  # 0.45-0.55 holds 0.5186
    (outside,) = shc(stored("shc", metrics={"map_best": 0.518}))
    assert difference(row(inside, "SHC")) == "-0.0186*"
    assert tie_band(row(inside, "SHC")) == ".450–.550"
    assert difference(row(outside, "SHC")) == "-0.0186"


def test_ties_that_are_ordered_alike_explain_nothing() -> None:
    (found,) = beside(Results([stored("shc")]), mine())
    assert not found.rows[0].ties_explain


def test_a_failed_cell_and_a_metric_that_is_not_stored() -> None:
    (failed,) = shc(stored("shc", metrics={}))
    (lacking,) = shc(stored("shc", metrics={"map_at_1000_hits": None}))
    for each, text in ((row(failed, "SHC"), "failed"), (row(lacking, "SHC", "mAP@1000"), "–")):
        assert (our_value(each), difference(each), tie_band(each)) == (text, "–", "–")
        assert each.verdict.reasons[-1] == "there is no number of ours"


def test_a_cutoff_that_is_not_stored_is_never_comparable() -> None:
    table = {**OWN["tables"][0], "cutoff": 77, "divisor": "hits"}
    (found,) = beside(Results([stored("shc")]), mine(tables=[table]))
    assert found.rows[0].verdict.reasons == ("there is no number of ours",)


@pytest.mark.parametrize("label", ["shc[eta=0.2]", "shc-code", "SHC"])
def test_variants_are_not_matched_unless_named(label: str) -> None:
    assert shc(stored("shc", method_label=label)) == []
    named = mine(methods={"SHC": {"ours": [label], "ran_by": "authors"}})
    assert len(beside(Results([stored("shc", method_label=label)]), named)) == 1


def test_code_lengths_of_one_side_only_make_no_row() -> None:
    (found,) = shc(stored("shc", 48), stored("shc", 64), stored("csq", 16))
    assert {(each.label, each.number.bits) for each in found.rows} == {("shc", 64), ("csq", 16)}
    assert shc(stored("shc", 48)) == []


def test_settings_are_never_mixed() -> None:
    found = shc(stored("shc"), stored("shc", settings="matched"))
    assert sorted(each.cell.settings for each in found) == ["matched", "paper"]


def test_the_papers_other_methods_are_named() -> None:
    (found,) = shc(stored("shc"), stored("mds"))
    assert found.missing == ("CSQ", "OrthoHash", "random")


def test_a_split_selects_the_papers_dataset() -> None:
    cars = {"dataset": "stanford_cars", "dataset_label": "stanford_cars"}
    paper = read_paper("shc-tois25")
    assert matched_datasets(stored("shc", split="shc-b", **cars).cell, paper) == ["Cars-B"]
    assert matched_datasets(stored("shc", split="official", **cars).cell, paper) == ["Cars-A"]


def test_a_split_that_the_paper_has_not_is_a_reason() -> None:
    (found,) = shc(stored("shc", split="plain"))
    assert "split plain, theirs shc" in row(found, "SHC").verdict.reasons


def test_a_users_folder_with_a_datasets_name_is_not_that_dataset() -> None:
    assert shc(stored("shc", dataset="image-folder")) == []
    other = {**OWN["datasets"]["CIFAR"], "dataset": "pets"}
    folder = stored("shc", dataset="image-folder", dataset_label="pets")
    assert len(beside(Results([folder]), mine(datasets={"CIFAR": other}))) == 1


def test_claims_stand_beside_nothing() -> None:
    assert beside(Results([stored("crh")]), read_paper("crh-aaai26")) == []


def test_references_are_runs() -> None:
    (found,) = beside(Results([stored("shc")]), mine())
    reasons = list("abcdefg")
    for chosen, text in (("", ""), ("a", "1"), ("abc", "1-3"), ("acdg", "1, 3-4, 7"), ("gfe", "5-7")):
        each = Row(found.rows[0].number, "shc", None, False, Verdict(tuple(chosen)), False)
        assert references(each, reasons) == text


def test_a_row_as_text() -> None:
    (found,) = shc(stored("shc"))
    assert texts(row(found, "SHC"), found.reasons) == (
        "SHC", "shc", "32", "0.5186", "0.5000 ± 0.0040", ".450–.550", "-0.0186*", "no: 1-2",
    )  # fmt: skip
    assert texts(row(found, "SHC", "least distance"), found.reasons)[3:] == ("10", "10", "–", "+0", "comparable")


def test_theirs_has_all_the_decimals_printed() -> None:
    (found,) = beside(Results([stored("shc")]), mine())
    assert their_value(found.rows[0].number) == "0.520"


def test_a_mean_distance_that_is_not_whole_has_a_decimal() -> None:
    (found,) = shc(*(stored("shc", seed=seed, metrics={"d_min": 9 + seed}) for seed in range(2)))
    assert our_value(row(found, "SHC", "least distance")) == "9.5 ± 0.7"


def test_title_and_remarks() -> None:
    (found,) = shc(stored("shc"), stored("csq"))
    assert title(found) == "cifar100@shc, finetune, paper settings, beside CIFAR-100 of shc-tois25"
    said = remarks(found)
    assert said[0] == "Not by the method's own authors: CSQ."
    assert said[1] == "Nothing of ours for: MDS, OrthoHash, random."
    assert any("0.6170 in one table, which is the number here, and 0.6175" in text for text in said)
    assert not any("0.6280" in text for text in said)  # of Cars-B

"""Verdicts: each fact that differs is a reason, and none is overlooked."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.papers.verdicts import Facts, centers_verdict, map_verdict

SAME = Facts(
    splits=("shc",), classes=100, train_items=10_000, query_items=5000, database_items=45_000, cutoff=1000,
    divisor="hits", ties="expected", backbone="resnet34", regime="finetune", pretrained=True, checkpoint="last",
    train={"epochs": 300, "lr": 1e-4},
)  # fmt: skip
OURS = {  # a fact of ours that differs -> the reason
    "splits": (("plain",), "split plain, theirs shc"),
    "classes": (10, "10 classes, theirs 100"),
    "train_items": (
        9, "9 / 5,000 / 45,000 training / query / database items, theirs 10,000 / 5,000 / 45,000",
    ),
    "query_items": (
        9, "10,000 / 9 / 45,000 training / query / database items, theirs 10,000 / 5,000 / 45,000",
    ),
    "database_items": (
        9, "10,000 / 5,000 / 9 training / query / database items, theirs 10,000 / 5,000 / 45,000",
    ),
    "part": ("validation", "queries are a validation part of the training items, theirs the test set"),
    "cutoff": (100, "mAP@100 divided by the hits within k, theirs mAP@1000 divided by the hits within k"),
    "divisor": ("all", "mAP@1000 divided by all relevant items, theirs mAP@1000 divided by the hits within k"),
    "ties": ("stable", "mAP in the database's order of ties, theirs expected over all orders of ties"),
    "backbone": ("resnet50", "fine-tuned resnet50, theirs fine-tuned resnet34"),
    "regime": ("frozen", "frozen resnet34 features, theirs fine-tuned resnet34"),
    "pretrained": (False, "resnet34 trained from random weights, theirs fine-tuned resnet34"),
    "checkpoint": (
        "best-test", "measured at the best of several epochs on the test set, theirs after the last epoch",
    ),
    "settings": ("matched", "settings that match for all methods, theirs the paper's own settings"),
    "train": ({"epochs": 30, "lr": 1e-4}, "trained with epochs 30; theirs epochs 300"),
}  # fmt: skip
UNKNOWN = {
    "splits": "split", "train_items": "training items", "query_items": "query items",
    "database_items": "database items", "divisor": "divisor", "ties": "order of ties", "backbone": "backbone",
    "regime": "regime", "pretrained": "weights at the start", "checkpoint": "checkpoint",
}  # fmt: skip


def test_the_same_facts_are_comparable() -> None:
    assert map_verdict(SAME, SAME).comparable


def test_every_fact_has_its_case() -> None:
    assert set(OURS) == {each.name for each in fields(Facts)}


@pytest.mark.parametrize("name", OURS)
def test_each_difference_by_itself_is_one_reason(name: str) -> None:
    value, reason = OURS[name]
    verdict = map_verdict(SAME, replace(SAME, **{name: value}))
    assert verdict.reasons == (reason,)
    assert not verdict.comparable


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_of_theirs_is_said(name: str) -> None:
    assert map_verdict(replace(SAME, **{name: None}), SAME).reasons == (f"not known: their {UNKNOWN[name]}",)


def test_the_whole_database_and_the_quick_regime_have_words() -> None:
    whole = map_verdict(SAME, replace(SAME, cutoff="all", divisor=None))
    assert whole.reasons == ("mAP over the whole database, theirs mAP@1000 divided by the hits within k",)
    quick = map_verdict(SAME, replace(SAME, regime="quick"))
    assert quick.reasons == ("resnet34 fine-tuned by the quick regime, theirs fine-tuned resnet34",)
    small = map_verdict(SAME, replace(SAME, regime="quick", pretrained=False))
    assert small.reasons == ("resnet34 trained from random weights by the quick regime, theirs fine-tuned resnet34",)


def test_unknown_epochs_and_cutoff() -> None:
    assert map_verdict(replace(SAME, train={}), SAME).reasons == ("not known: their epochs",)
    assert map_verdict(replace(SAME, cutoff=None, divisor=None), SAME).reasons == ("not known: their cutoff, divisor",)


def test_what_is_not_known_on_both_sides_is_said_of_both() -> None:
    neither = replace(SAME, ties=None, backbone=None)
    said = "not known: their order of ties, backbone and our order of ties, backbone"
    assert map_verdict(neither, neither).reasons == (said,)


def test_every_reason_is_given() -> None:
    verdict = map_verdict(SAME, replace(SAME, **{name: value for name, (value, _) in OURS.items()}), ["printed wrong"])
    assert len(verdict.reasons) == 11  # counts, cutoff with divisor, and network are one each
    assert verdict.reasons[-1] == "printed wrong"


def test_a_warning_alone_forbids_a_comparison() -> None:
    assert map_verdict(SAME, SAME, ["printed wrong"]).reasons == ("printed wrong",)


def test_any_of_their_splits_will_do() -> None:
    assert map_verdict(replace(SAME, splits=("a", "shc")), SAME).comparable
    assert map_verdict(replace(SAME, splits=("a", "b")), SAME).reasons == ("split shc, theirs a or b",)


def test_a_divisor_means_nothing_without_a_cutoff() -> None:
    assert map_verdict(
        replace(SAME, cutoff="all", divisor=None), replace(SAME, cutoff="all", divisor="hits")
    ).comparable


def test_settings_that_theirs_do_not_say_are_not_held_against_ours() -> None:
    assert map_verdict(replace(SAME, train={"epochs": 300}), SAME).comparable


def test_distances_depend_on_the_number_of_classes_alone() -> None:
    assert centers_verdict(100, 100).comparable
    assert centers_verdict(100, 101).reasons == ("101 classes, theirs 100",)


CHOICES: dict[str, list[Any]] = {
    "splits": [("shc",), ("plain",), None], "classes": [10, 100], "train_items": [1, 2, None],
    "query_items": [1, 2, None], "database_items": [1, 2, None], "cutoff": ["all", 100, 1000, None],
    "divisor": ["hits", "all", "min", None], "ties": ["unspecified", "expected", "stable", None],
    "backbone": ["resnet34", "alexnet", None], "regime": ["quick", "finetune", "frozen", None],
    "pretrained": [True, False, None], "checkpoint": ["last", "best-test", "best-validation", None],
    "settings": ["paper", "matched", "tuned"], "part": ["test", "validation"],
    "train": [{}, {"epochs": 3}, {"epochs": 3, "lr": 0.1}, {"epochs": 4, "lr": 0.1}],
}  # fmt: skip
SEVERAL = st.dictionaries(st.sampled_from(sorted(CHOICES)), st.integers(0, 3), max_size=3).map(
    lambda changes: {name: CHOICES[name][i % len(CHOICES[name])] for name, i in changes.items()}
)


@given(SEVERAL, SEVERAL)
def test_comparable_means_that_nothing_differs(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    a, b = replace(SAME, **theirs), replace(SAME, **ours)
    same = {each.name: getattr(a, each.name) == getattr(b, each.name) for each in fields(Facts)}
    same["divisor"] |= a.cutoff == b.cutoff == "all"
    same["train"] = all(b.train.get(name, value) == value for name, value in a.train.items())
    known = all(getattr(each, name) is not None for each in (a, b) for name in UNKNOWN if name != "divisor")
    known &= all(each.cutoff == "all" or None not in (each.cutoff, each.divisor) for each in (a, b))
    known &= all("epochs" in each.train for each in (a, b))
    assert map_verdict(a, b).comparable == (all(same.values()) and known)

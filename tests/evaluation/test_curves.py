"""Curves that are stored with a result: what a plain loop over the ranking gives."""

from __future__ import annotations

import numpy as np
import pytest

from bench.evaluation.curves import curve_ranks, curves
from bench.evaluation.evaluate import evaluate


def test_ranks_are_1_2_5_up_to_the_database() -> None:
    assert curve_ranks(1).tolist() == [1]
    assert curve_ranks(2).tolist() == [1, 2]
    assert curve_ranks(10).tolist() == [1, 2, 5, 10]
    assert curve_ranks(45_000).tolist()[-4:] == [5_000, 10_000, 20_000, 45_000]


def test_one_query_by_hand() -> None:
    query, database = np.array([[1, 1]]), np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    found = curves(evaluate(query, [0], database, [0, 0, 1, 1]))  # distances 0 1 1 2; the two of 1 are tied
    assert found["ranks"].tolist() == [1, 2, 4]
    assert found["rank_precision"].tolist() == [1, 0.75, 0.5]
    assert found["rank_recall"].tolist() == [0.5, 0.75, 1]
    assert found["radius_precision"].tolist() == pytest.approx([1, 2 / 3, 0.5])
    assert found["radius_recall"].tolist() == [0.5, 1, 1]
    assert found["relevant_distances"].tolist() == [1, 1, 0]
    assert found["other_distances"].tolist() == [0, 1, 1]


def test_as_a_plain_loop_has_it() -> None:
    rng = np.random.default_rng(0)
    codes = {name: np.where(rng.random((n, 9)) < 0.5, -1, 1) for name, n in (("query", 6), ("database", 33))}
    labels = {name: rng.integers(0, 3, len(rows)) for name, rows in codes.items()}
    found = curves(evaluate(codes["query"], labels["query"], codes["database"], labels["database"]))
    relevant, others = np.zeros(10), np.zeros(10)
    for code, label in zip(codes["query"], labels["query"], strict=True):
        for item, theirs in zip(codes["database"], labels["database"], strict=True):
            (relevant if theirs == label else others)[(code != item).sum()] += 1
    assert found["relevant_distances"].tolist() == relevant.tolist()
    assert found["other_distances"].tolist() == others.tolist()
    assert found["rank_recall"][-1] == found["radius_recall"][-1] == 1
    assert found["rank_precision"][-1] == pytest.approx(found["radius_precision"][-1])

"""What several cells cost in all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bench.storage.cost import seconds_of_all


def cell(**seconds: float | None) -> Any:
    return SimpleNamespace(result={"seconds": seconds})


def test_a_classifier_that_cells_share_counts_once() -> None:
    one, other = 217.03125, 205.5
    cells = [
        cell(training=10.0, total=10.0), cell(classifier=one, training=4.0, total=one + 4),
        cell(classifier=one, training=5.0, total=one + 5), cell(classifier=other, training=6.0, total=other + 6),
    ]  # fmt: skip
    assert seconds_of_all(cells) == 10 + (one + 4) + 5 + (other + 6)


@pytest.mark.parametrize("cells", [[], [cell()], [cell(total=None)], [cell(total=0.0, classifier=None)]])
def test_what_is_not_stored_counts_for_nothing(cells: list[Any]) -> None:
    assert seconds_of_all(cells) == 0

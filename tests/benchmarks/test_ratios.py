"""The check of the benchmarks' ratios itself; it takes no time and runs with the other tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import ratios

SEEN = {"test_x.py::test_y": {"times faster": [12.0, 10.0, 14.0]}}


def test_a_ratio_is_at_least_half_of_the_least_seen() -> None:
    assert ratios.too_slow("test_x.py::test_y", {"times faster": 5.0, "images/s": 1}, SEEN) == []
    (sentence,) = ratios.too_slow("test_x.py::test_y", {"times faster": 4.9}, SEEN)
    assert sentence == "4.9 times faster, at least 5: 3 runs had 10 or more"


@pytest.mark.parametrize("test", ["test_x.py::test_new", "test_x.py::test_y"])
def test_a_ratio_that_nobody_has_seen_is_told(test: str) -> None:
    (sentence,) = ratios.too_slow(test, {"times faster than a snail": 3}, SEEN)
    assert "no run has been seen of 'times faster than a snail'" in sentence


def test_learning_adds_a_run_and_keeps_the_others(tmp_path: Path) -> None:
    file = tmp_path / "ratios.json"
    assert ratios.read(file) == {}
    ratios.write(ratios.with_run("test_x.py::test_y", {"times faster": 9.5, "images/s": 1}, SEEN), file)
    ratios.write(ratios.with_run("test_x.py::test_z", {"images/s": 1}, ratios.read(file)), file)
    assert ratios.read(file) == {"test_x.py::test_y": {"times faster": [12.0, 10.0, 14.0, 9.5]}}


def test_every_ratio_of_the_file_is_of_a_test_that_is_there() -> None:
    known = {file.name: file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py")}
    for test, names in ratios.read().items():
        file, _, function = test.partition("::")
        assert f"def {function.partition('[')[0]}(" in known[file]
        assert all(len(runs) >= 3 for runs in names.values())

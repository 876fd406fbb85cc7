"""Every reader of other people's files on some hundreds of hostile ones; `python -m tests.fuzz.runner` has millions."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import DataError
from tests.fuzz import runner
from tests.fuzz.target import Finding, Target, run
from tests.fuzz.targets import all_targets

_USUAL, _SLOW = 200, 50  # inputs of a reader
NAMES = (
    "store/cell.json", "store/result.json", "store/arrays.npz", "checked/cell.json", "checked/result.json",
    "checked/arrays.npz", "archive/study.zip", "lines/log.jsonl", "journal/log.jsonl", "grid/grid.toml",
    "config/config.toml", "papers/paper.toml", "tuned/tuned.json", "regression/baseline.json", "choice/name",
    "choice/set", "mat/annotations.mat", "coco/instances.json", "tree/hierarchy.json", "csv/labels.csv",
    "nabirds/images.txt", "nabirds/image_class_labels.txt", "nabirds/train_test_split.txt", "nabirds/classes.txt",
    "nabirds/hierarchy.txt",
    "lists/train.txt", "nus_wide/Labels_sky.txt", "mirflickr/sky.txt", "imagenet100/classes.txt", "cifar/train",
    "cifar/c.tar.gz", "images/picture", "arrays/file.npz", "codes/codes.npz", "codes/histograms.npz", "cache/kept.npy",
    "checkpoint/training.safetensors", "weights/file.safetensors", "weights/file.pt", "weights/legacy.pt",
    "serve/request",
)  # fmt: skip


@pytest.fixture(scope="module")
def targets() -> Iterator[dict[str, Target]]:
    with runner.workplace() as folder:
        yield all_targets(folder)


def test_the_list_of_names_is_whole(targets: dict[str, Target]) -> None:
    assert tuple(targets) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_valid_files_are_read(targets: dict[str, Target], name: str) -> None:
    for seed in targets[name].seeds:
        targets[name].read(seed)


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_file_ends_in_one_sentence(targets: dict[str, Target], name: str) -> None:
    target = targets[name]

    @settings(max_examples=_SLOW if target.share < 1 else _USUAL, database=None)
    @given(st.integers(0, 2**32))
    def check(number: int) -> None:
        outcome = run(target, target.mutate(Random(number)))
        assert outcome.finding is None, outcome.finding

    check()


def crash(content: bytes) -> None:
    if len(content) > 2:
        os.kill(os.getpid(), signal.SIGKILL)


def hang(content: bytes) -> None:
    while content:
        pass


def grow(content: bytes) -> None:
    bytearray(b"x" * 200) * len(content) * 2**20


def wrong(content: bytes) -> None:
    {}[content]


def unprintable(content: bytes) -> None:
    raise DataError(f"{'x' * 9000}\x1b[2J.")


def refuse(content: bytes) -> None:
    raise DataError("no.")


def made(read: object, **limits: float) -> Target:
    return Target("made", read, lambda random: random.randbytes(random.randrange(1, 5)), (b"",), **limits)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("read", "what"),
    [(wrong, "KeyError"), (hang, "too slow"), (refuse, None), (unprintable, None)],
)
def test_what_a_reader_must_not_do_is_found(read: object, what: str | None) -> None:
    finding = run(made(read, seconds=0.2), b"x").finding
    assert (finding and finding.what.partition(":")[0]) == what


def test_too_much_memory_is_found() -> None:
    """In a process of its own: what this one had at most before would hide it."""
    tally = runner.campaign(made(grow), seed=0, inputs=1)
    (kind,) = tally.findings
    assert kind.startswith("too much memory")


def test_a_crash_is_found_with_its_input_and_the_others_go_on() -> None:
    tally = runner.campaign(made(crash), seed=0, inputs=12)
    lengths = [len(runner.one_input(made(crash), 0, number)) for number in range(12)]
    assert tally.inputs == 12
    assert sum(tally.counts.values()) == sum(length > 2 for length in lengths) > 0
    assert all(len(content) > 2 for found in tally.findings.values() for _, content in found)


def test_the_report_tells_and_keeps_what_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runner._report({"a/made": made(wrong)}, {"a/made": 5}, 0, tmp_path) == 1
    assert runner._report({"a/made": made(refuse)}, {"a/made": 5}, 0, tmp_path) == 0
    told = capsys.readouterr().out
    assert "KeyError" in told and "(5 times)" in told and "5 inputs, 0 kinds of findings" in told
    assert {path.read_bytes() for path in tmp_path.iterdir()} <= {
        runner.one_input(made(wrong), 0, number) for number in range(5)
    }
    assert list(tmp_path.iterdir())
    assert Finding("KeyError: b", "x:1").kind == "KeyError at x:1"

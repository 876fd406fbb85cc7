"""What is wrong with a block is found, also where the block is not executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import Block, commands
from tests.docs.reader import Reader, check_toml, options_are_known


def block(text: str, language: str = "shell") -> Block:
    return Block("docs/a_page.md", 1, language, text)


def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path, lambda *words: f"{len(words)} words", {})


@pytest.mark.parametrize(
    "text",
    [
        "bench data get cifar100 --no-such-option",  # none of these is run
        "bench run grid.toml --executor slurm --set slurm.partition=gpu --set slurm.partitions=2",
        "pip install 'hash-center-bench[no-such-extra]'",
        "nox -s no-such-session",
        "python docs/examples/scaling.py --no-such-option",
        "ssh 'a quotation without an end",
    ],
)
def test_a_wrong_command_is_found(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").touch()
    with pytest.raises(Exception, match=r"no.such|partitions|quotation"):
        reader(tmp_path).read(block(text))


@pytest.mark.parametrize("text", ["bench runs", "bench run --seed 3", "bench data verify --shows 3"])
def test_a_wrong_mention_is_found(text: str) -> None:
    with pytest.raises(AssertionError):
        options_are_known(text.split(), "docs/a_page.md")


@pytest.mark.parametrize(
    ("text", "language"), [("nothing prints this", ""), ("a: [", "yaml"), ("fn main() {}", "rust")]
)
def test_what_is_no_code_needs_a_reason(text: str, language: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"prints|expected|rust"):
        reader(tmp_path).read(block(text, language))


def test_what_a_command_prints_is_compared_in_words(tmp_path: Path) -> None:
    one = reader(tmp_path)
    one.read(block("bench list crh\n"))
    one.read(block("7 words\n", ""))  # another number
    with pytest.raises(AssertionError, match="nothing of the page"):
        one.read(block("7 letters\n", ""))


def test_toml_with_a_setting_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_toml(block('executor = "slurm"\n[set.slurm]\ngpus = 1\n', "toml"))
    with pytest.raises(Exception, match="gpu"):
        check_toml(block('executor = "slurm"\n[set.slurm]\ngpu = 1\n', "toml"))


def test_commands_of_a_line() -> None:
    found: list[Any] = list(
        commands(block("A=1 .venv/bin/bench list  # a remark\ncd x && bench \\\n  run\ncat a | jq .b\n"))
    )
    assert [one.words for one in found] == [("bench", "list"), ("cd", "x"), ("bench", "run"), ("cat", "a")]
    assert [one.piped for one in found] == [True, False, False, True]

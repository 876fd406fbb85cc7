"""What a sentence quotes of other people's files is kept to one line that a terminal can print."""

from __future__ import annotations

from bench.errors import BenchError, DataError, shown


def test_a_sentence_is_shown_as_it_is() -> None:
    assert str(DataError("Škoda/1.jpg is no image: remove it.")) == "Škoda/1.jpg is no image: remove it."


def test_a_terminal_is_not_told_what_to_do() -> None:
    assert str(BenchError("a\x1b[2J\nb\ud800.")) == "a\ufffd[2J\ufffdb\ufffd."


def test_a_long_sentence_keeps_its_beginning_and_its_end() -> None:
    text = str(BenchError(f"x.npz has {'a' * 9000}: write it again."))
    assert text.startswith("x.npz has aaa") and text.endswith("aaa: write it again.")
    assert len(text) < 2010 and " ... " in text


def test_values_are_shown_short() -> None:
    assert shown([1, "a"]) == "[1, 'a']"
    assert len(shown("x" * 9000)) < 210
    assert shown(16**5000) == "a value of type int"

"""TOML of other people: whatever cannot be read ends in one kind of error."""

from __future__ import annotations

import tomllib

import pytest

from bench.tomlfiles import parse_toml


def test_whole_files_are_read() -> None:
    assert parse_toml("a = 1\n[b]\nc = [0x7fff_ffff_ffff_ffff, 2.5]") == {"a": 1, "b": {"c": [2**63 - 1, 2.5]}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = ", "Invalid value"),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("a = " + "9" * 5000, "4300"),
        ("a = [{b = 0x" + "f" * 5000 + "}]", "more than 64 bits"),  # Python reads it, and cannot print it
        ("a = -9223372036854775809", "more than 64 bits"),
    ],
)
def test_whatever_cannot_be_read_ends_in_one_error(text: str, why: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match=why):
        parse_toml(text)

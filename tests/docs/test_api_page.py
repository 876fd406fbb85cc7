"""docs/api.md names what there is: each entry can be imported, and every public name has one."""

import importlib
import pydoc
import re
from pathlib import Path

import pytest

import bench
from bench.plugins.registry import registry

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def entries() -> list[str]:
    return re.findall(r"^::: (\S+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", entries())
def test_an_entry_is_there_and_says_what_it_is(name: str) -> None:
    assert (getattr(pydoc.locate(name), "__doc__", None) or "").strip(), name


def test_every_public_name_has_an_entry() -> None:
    assert {f"bench.api.{name}" for name in bench.__all__} <= set(entries())
    assert set(importlib.import_module("bench.api").__all__) == set(bench.__all__)


@pytest.mark.parametrize("kind", ["method", "dataset", "report", "executor", "tracker"])
def test_every_contract_has_an_entry(kind: str) -> None:
    assert f"bench.plugins.{kind}.{kind.capitalize()}" in entries()
    assert registry(kind).names()

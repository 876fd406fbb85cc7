"""The tables of docs/methods.md are those of the methods: `python docs/examples/method_tables.py` writes them again."""

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from bench.plugins.registry import registry

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS / "examples"))
    return importlib.import_module("method_tables")


@pytest.fixture
def page() -> str:
    return (DOCS / "methods.md").read_text(encoding="utf-8")


def test_the_page_has_the_tables_of_the_methods(tables: ModuleType, page: str) -> None:
    assert tables.rewritten(page) == page, "run: python docs/examples/method_tables.py"


def test_every_method_has_a_table_of_settings_and_every_variant_is_named(page: str) -> None:
    known = {name: entry.info for name, entry in registry("method").entries().items() if entry.origin == "built in"}
    assert len(known) >= 9
    shown = re.findall(r"<!-- table: settings (\S+)", page)
    assert set(shown) == {info.name for info in known.values()}
    for variant in {variant for info in known.values() for variant in info.variants}:
        assert f"`{variant}`" in page, variant


def test_a_table_that_has_rotted_is_written_again(tables: ModuleType) -> None:
    begin, end = "<!-- table: settings csq -->\n", "<!-- end -->"
    made = tables.rewritten(f"before {begin}an old default{end} after")
    assert made.startswith(f"before {begin}") and made.endswith(f"{end} after")
    assert "an old default" not in made
    (row,) = [line for line in made.splitlines() if line.startswith("| `pairwise_weight`")]
    assert row.split(" | ")[1] == "`0.0`"


def test_settings_that_are_alike_are_named_once(tables: ModuleType) -> None:
    made = tables.rewritten("<!-- table: settings shc as csq -->\n<!-- end -->")
    assert "Settings as of `csq`: `several_labels`." in made
    assert "| `quantization_weight` |" in made  # its default is another


def test_a_bar_does_not_end_a_cell(tables: ModuleType) -> None:
    made = tables.rewritten("<!-- table: settings orthohash -->\n<!-- end -->")
    assert "y / \\|y\\|_1" in made


def test_an_unknown_table_is_an_error(tables: ModuleType) -> None:
    with pytest.raises(ValueError, match="no table 'colours crh'"):
        tables.rewritten("<!-- table: colours crh -->\n<!-- end -->")

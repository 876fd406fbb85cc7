"""Every block of every page is executed, or is a known exception and checked: see exceptions.py and standins.py."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.docs.blocks import Block, blocks, commands, inline_commands, pages
from tests.docs.exceptions import COSTLY
from tests.docs.reader import Reader, begins, options_are_known
from tests.sources import ROOT


def is_costly(block: Block) -> bool:
    if block.language == "python":
        return "\ndef test_" in block.text
    return block.language == "shell" and any(begins(command.words, COSTLY) for command in commands(block))


def marked(page: str) -> Any:
    return pytest.param(page, marks=pytest.mark.slow if any(map(is_costly, blocks(page))) else ())


@pytest.mark.parametrize("page", [marked(page) for page in pages() if blocks(page)])
def test_a_page_does_what_it_says(page: str, reader: Reader) -> None:
    """All blocks in order, and then what was wrong with any."""
    wrong = []
    reader.prepare(blocks(page))
    for block in blocks(page):
        try:
            reader.read(block)
        except Exception as error:  # others may be wrong too
            wrong.append(f"{block.place}: {type(error).__name__}: {error}")
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("page", pages())
def test_commands_within_sentences_have_these_options(page: str) -> None:
    for text in inline_commands(page):
        options_are_known(text.split(), f"{page}: {text}")


def test_the_table_of_the_readme_is_that_of_its_first_command(reader: Reader) -> None:
    reader.bench("run", "--methods", "crh,csq", "--bits", "16,32,64")
    made = tables((reader.folder / "results" / "results.md").read_text())[0]
    assert tables((ROOT / "README.md").read_text())[0] == made
    assert [row[0] for row in made] == ["method", "crh", "csq", "chance"]
    assert made[0][1:] == ["16 bits", "32 bits", "64 bits"]


def tables(text: str) -> list[list[list[str]]]:
    """Of a page of Markdown: the heads of all columns, then the first entry of each row that has any; no marks."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            entries = [re.sub(r"<sup>.*?</sup>|[*`]", "", entry).strip() for entry in line.strip("|").split("|")]
            if not line.startswith(("|:", "|-")) and any(entries):
                found[-1].append(entries if not found[-1] else entries[:1])
        elif found[-1]:
            found.append([])
    return [table for table in found if table]

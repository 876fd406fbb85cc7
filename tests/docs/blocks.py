"""The code blocks of the pages, and the commands in those that are shell."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt

from tests.sources import ROOT

LANGUAGES = {"bash": "shell", "sh": "shell", "console": "shell", "yml": "yaml", "py": "python"}
PROGRAMS = (
    "bench", "curl", "jq", "mkdocs", "nox", "pip", "pre-commit", "pytest", "python", "python3", "ray", "ruff", "ssh",
    "tensorboard",
)  # fmt: skip
_ENDS = ("&&", ";", "||", "|")  # between two commands of a line
_SNIPPET = re.compile(r'^--8<-- "([^":]+)"$', re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*")


@dataclass(frozen=True)
class Block:
    """A block of code as it stands in a page.

    Attributes:
        page: path below the project's folder.
        line: its first, counted from 1.
        language: shell, python, toml, yaml, json, or "" for what a program prints and for formulas.
        text: snippets put in, prompts of a console left out.
    """

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where a reader finds it."""
        return f"{self.page}:{self.line}"

    @property
    def file_name(self) -> str | None:
        """Of a block whose first line is a comment with a file's name and nothing else: what to save it as."""
        found = re.match(r"# ([\w.-]+\.\w+)\n", self.text)
        return found[1] if found else None


@dataclass(frozen=True)
class Command:
    """One command of a shell block.

    Attributes:
        text: as written, with all that it is piped into.
        words: of the first of its programs, without its folder (.venv/bin/) and without NAME=value before it.
        piped: whether there is a pipe or a variable, so that only a shell can run it.
    """

    block: Block
    text: str
    words: tuple[str, ...]
    piped: bool


def pages() -> list[str]:
    """Every page of the project, also one that was added just now."""
    return ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


@functools.cache
def blocks(page: str) -> tuple[Block, ...]:
    """Fenced and indented blocks, in order."""
    tokens = MarkdownIt("commonmark").parse((ROOT / page).read_text(encoding="utf-8"))
    found = []
    for token in tokens:
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            text = _SNIPPET.sub(lambda match: (ROOT / match[1]).read_text(encoding="utf-8"), token.content)
            language = _language(token.info, text)
            if token.info.startswith("console"):
                text = "".join(f"{line[2:]}\n" for line in text.splitlines() if line.startswith("$ "))
            found.append(Block(page, token.map[0] + 1, language, text))
    return tuple(found)


def inline_commands(page: str) -> Iterator[str]:
    """Of the sentences and tables of a page: what is set as code and begins with `bench` and a word or more."""
    parser = MarkdownIt("commonmark").enable("table")
    for token in parser.parse((ROOT / page).read_text(encoding="utf-8")):
        for part in token.children or ():
            if part.type == "code_inline" and re.match(r"bench [a-z]", part.content):
                yield part.content


def _language(info: str, text: str) -> str:
    """What a fence says, python or {.python}; of an indented block, shell if it begins with a program that is known."""
    said = re.search(r"\w+", info)
    if said:
        return "" if said[0] == "text" else LANGUAGES.get(said[0], said[0])
    first = next((line for line in text.splitlines() if not line.startswith("#")), "")
    word = next((word for word in first.split() if not _ASSIGNMENT.fullmatch(word)), "")
    return "shell" if word.rpartition("/")[2] in PROGRAMS else ""


def commands(block: Block) -> Iterator[Command]:
    """The commands of a shell block; comments are left out and lines that end in a backslash go on in the next.

    Raises:
        ValueError: a quotation that does not end.
    """
    for line in block.text.replace("\\\n", " ").splitlines():
        parts: list[list[str]] = [[]]
        for word in _words(line):
            if word in _ENDS[:-1]:
                parts.append([])
            else:
                parts[-1].append(word)
        yield from (_command(block, line, part, alone=len(parts) == 1) for part in parts if part)


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;")
    lexer.whitespace_split = True
    return list(lexer)


def _command(block: Block, line: str, words: list[str], alone: bool) -> Command:
    own = words[: words.index("|")] if "|" in words else words
    program = next((i for i, word in enumerate(own) if not _ASSIGNMENT.fullmatch(word)), 0)
    text = line.strip() if alone else shlex.join(words)
    return Command(
        block, text, (own[program].rpartition("/")[2], *own[program + 1 :]), piped=own is not words or program > 0
    )

"""Links and images of a page, and the anchors of its headings, as the built pages and the README's readers see them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.sources import ROOT

_SECTION = re.compile(r'^--8<-- "([^":]+):([^"]+)"$', re.MULTILINE)  # of another page


def links(page: str) -> Iterator[str]:
    """Where links and images lead; those to other hosts are left out."""
    for token in _inlines(page):
        for part in token.children or ():
            target = part.attrs.get("href") or part.attrs.get("src")
            if target and not re.match(r"[a-z]+:", str(target)):
                yield str(target)


@functools.cache
def anchors(page: str) -> frozenset[str]:
    """Of headings: small letters, words joined by hyphens."""
    tokens = _tokens(page)
    texts = [_plain(tokens[i + 1]) for i, token in enumerate(tokens) if token.type == "heading_open"]
    return frozenset(re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", text.lower()).strip()) for text in texts)


@functools.cache
def _tokens(page: str) -> list[Token]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return MarkdownIt("commonmark").enable("table").parse(_SECTION.sub(lambda found: _section(*found.groups()), text))


def _section(page: str, name: str) -> str:
    """What a page has between its marks [start:name] and [end:name]."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return text.partition(f"[start:{name}] -->\n")[2].partition(f"<!-- --8<-- [end:{name}]")[0]


def _inlines(page: str) -> Iterator[Token]:
    return (token for token in _tokens(page) if token.type == "inline")


def _plain(token: Token) -> str:
    return "".join(part.content for part in token.children or () if part.type in ("text", "code_inline"))

"""What is not on the list is never served, however it is asked for."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.serving.site import Site

PAGES = ["/", "/status.json", "/report"]
_PIECES = [
    "/", "//", "..", ".", "%2e%2e", "%2E", "%2f", "%5c", "\\", "%00", "\0", "figures", "figures/", "results.md",
    "a.svg", "secret.svg", "link.svg", "inner.svg", "out", "cells", "folder.svg", "?", "#", "%", "%c3%bc", "%ff", "~",
    "file:", "http://localhost/", "C:", "a.svg.bak", "results.json", ":$DATA", ";", "%2500", "é", " ",
]  # fmt: skip


@pytest.fixture(scope="module")
def out(filled: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def site(out: Path) -> Site:
    return Site(out)


def test_files_by_their_quoted_names(site: Site, out: Path, served: list[str]) -> None:
    for path in served:
        answer = site.answer(quote(path))
        assert (answer.status, answer.body) == (200, (out / path[1:]).read_bytes())


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.svg", "/figures/../../secret.svg", "/%2e%2e/secret.svg", "/figures/%2e%2e/%2e%2e/secret.svg",
        "/figures/..%2f..%2fsecret.svg", "/figures/..\\..\\secret.svg", "/figures/%5c..%5csecret.svg",
        "/figures/a.svg%00", "/figures/a.svg\0.png", "/figures/link.svg", "/figures/inner.svg", "/figures/folder.svg",
        "/figures", "/figures/", "/cells", "/cells/", "/results.json", "/.results.md", "/figures/a.txt", "/log.jsonl",
        "/figures/a.svg.bak", "/figures//a.svg", "/figures/./a.svg", "/./results.md", "/x/../results.md",
        "/FIGURES/a.svg", "/figures/A.SVG", "/results.md/", "/figures/a.svg/", "/figures/%ff.svg",
        "/figures/line%0abreak.svg", "", "*", "http://localhost/", "http://localhost/results.md",
        "/%252e%252e/secret.svg", "/favicon.ico", "/status.json/", "/report/", "/live.html",
    ],
)  # fmt: skip
def test_what_is_not_on_the_list(site: Site, target: str, secret: bytes) -> None:
    answer = site.answer(target)
    assert answer.status == 404
    assert secret not in answer.body
    assert answer.body == b"404: there is nothing here: go to / for the live page.\n"


paths = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=8).map("".join),
    st.lists(st.sampled_from(_PIECES), max_size=8).map("/".join).map("/{}".format),
    st.text(string.printable, max_size=60),
    st.text(max_size=60),
)


@given(target=paths)
def test_no_path_leads_out(site: Site, served: list[str], secret: bytes, target: str) -> None:
    asked = unquote(target.partition("?")[0])
    if asked in PAGES:
        return
    answer = site.answer(target)
    assert secret not in answer.body
    assert answer.status == (200 if asked in served else 404)


def test_a_query_is_passed_over(site: Site) -> None:
    assert site.answer("/?x=/../secret.svg").body == site.answer("/").body


def test_a_figure_that_becomes_a_link_between_two_requests(filled: Callable[[Path], Path], tmp_path: Path) -> None:
    out = filled(tmp_path)
    site = Site(out)
    assert site.answer("/figures/a.svg").status == 200
    (out / "figures" / "a.svg").unlink()
    (out / "figures" / "a.svg").symlink_to(tmp_path / "secret.svg")
    assert site.answer("/figures/a.svg").status == 404


def test_how_each_kind_is_handled(site: Site, page: Any) -> None:
    front = site.answer("/")
    assert front.type == "text/html; charset=utf-8"
    assert "unsafe" not in front.policy
    assert len(re.findall("'sha256-[A-Za-z0-9+/]{43}='", front.policy)) == 2
    figure = site.answer("/figures/a.svg")
    assert figure.type == "image/svg+xml"
    assert "sandbox" in figure.policy
    assert "script-src" not in figure.policy
    assert [site.answer(f"/results.{kind}").saved_as for kind in ("md", "tex", "csv")] == [None, None, "results.csv"]
    assert site.answer("/results.md").type == "text/plain; charset=utf-8"
    assert site.answer("/report").type == "text/html; charset=utf-8"
    for target in ("/", "/status.json", "/report", "/results.md", "/figures/a.svg", "/nowhere"):
        policy = site.answer(target).policy
        assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")


def test_the_front_page_asks_nobody_else(site: Site) -> None:
    text = site.answer("/").body.decode()
    assert "://" not in text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|\son[a-z]+=|style=", text)


def test_a_report_of_nothing(tmp_path: Path) -> None:
    answer = Site(tmp_path).answer("/report")
    assert answer.status == 404
    assert answer.body.decode() == f"404: nothing is stored in {tmp_path} yet: ask again when cells are done.\n"

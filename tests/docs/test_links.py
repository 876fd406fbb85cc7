"""Links, images and anchors of the pages are there, and every page is in the navigation."""

from __future__ import annotations

import posixpath

import pytest
import yaml

from tests.docs.blocks import pages
from tests.docs.links import anchors, links
from tests.sources import ROOT


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_somewhere(page: str) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
        assert (ROOT / target).is_file(), f"{page}: there is no {target}"
        if anchor:
            assert anchor in anchors(target), f"{page}: {target} has no heading #{anchor}: {sorted(anchors(target))}"


def test_links_are_found() -> None:
    assert "docs/images/map_vs_bits.png" in links("README.md")
    assert "#real-data" in links("docs/index.md")  # in what it takes from the README
    assert "cluster.md" in links("docs/scaling.md")
    assert "do-near-classes-have-near-centers" in anchors("docs/evaluating.md")


def test_every_page_is_in_the_navigation() -> None:
    entries = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert sorted(_files(entries)) == sorted(page.removeprefix("docs/") for page in pages() if page.startswith("docs/"))


def _files(entry: object) -> list[str]:
    """Of an entry of the navigation and of those below it."""
    if isinstance(entry, str):
        return [entry]
    below = entry.values() if isinstance(entry, dict) else entry
    assert isinstance(below, list) or hasattr(below, "__iter__")
    return [file for each in below for file in _files(each)]

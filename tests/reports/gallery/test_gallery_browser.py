"""The gallery in a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.reports.page import page_html
from bench.storage.results import Results

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]
HOSTILE = ["<img src=x onerror=alert(1)>", "x" * 500, "\u202eעברית</script>"]
WORDS = r"^class .+, distance \d+, rank \d+( to \d+)?, (not )?relevant$"


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Any]:
    """Opens the page of some cells and fails the test for anything that the console shows."""

    @contextmanager
    def go(cells: list[Any], root: Path | None, width: int = 1200) -> Iterator[Any]:
        file, said = tmp_path / "report.html", list[str]()
        file.write_text(page_html(Results(cells), root), encoding="utf-8")
        with playwright.sync_playwright() as started:
            browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": width, "height": 800})
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("dialog", lambda dialog: said.append(dialog.message))
            page.goto(file.as_uri())
            yield page
            browser.close()
        assert said == []

    return go


def expect(locator: Any) -> Any:
    return playwright.expect(locator)


def test_every_picture_says_what_it_is(shelved: Any, shelf: Path, opened: Any) -> None:
    with opened([shelved("crh"), shelved("csq")], shelf.parent) as page:
        pictures = page.locator("#gallery-root .g-strip img")
        assert pictures.count() == 4 * 2 * 9  # queries, methods, the whole database
        alts = pictures.evaluate_all("(all, words) => all.filter((i) => !new RegExp(words).test(i.alt)).length", WORDS)
        assert alts == 0
        assert pictures.evaluate_all("(all) => all.every((i) => i.naturalWidth === 40)")
        assert pictures.first.evaluate("(i) => getComputedStyle(i).imageRendering") == "pixelated"
        right, wrong = page.locator(".g-strip .g-right"), page.locator(".g-strip .g-wrong")
        assert right.count() + wrong.count() == 72
        expect(right.first.locator(".g-mark")).to_have_text("\u2713")
        expect(wrong.first.locator(".g-mark")).to_have_text("\u2717")


def test_groups_and_methods_are_chosen_with_the_keyboard(shelved: Any, shelf: Path, opened: Any) -> None:
    with opened([shelved("crh"), shelved("csq")], shelf.parent) as page:
        expect(page.locator("[data-group=random]")).to_have_attribute("aria-pressed", "true")
        page.locator("[data-group=random]").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("[data-group=best]")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#gallery-root")).to_contain_text("Best: highest AP")
        page.locator(".g-confused select").focus()
        page.keyboard.press("ArrowDown")
        expect(page.locator(".g-confused select")).to_be_focused()
        expect(page.locator(".g-confused select")).to_have_value("1")


def test_protocols_are_chosen(shelved: Any, shelf: Path, opened: Any) -> None:
    cells = [shelved(regime="frozen"), shelved(regime="quick", bits=16)]
    with opened(cells, shelf.parent) as page:
        expect(page.locator(".g-controls option")).to_have_count(2)
        page.locator(".g-controls select").select_option(index=1)
        expect(page.locator("#gallery-root > p").first).to_contain_text("quick, matched settings, 16 bits, seed 0.")
        expect(page.locator(".g-controls select")).to_be_focused()


@pytest.mark.parametrize("images", [True, False])
def test_hostile_names_are_text_and_nothing_is_wider_than_a_telephone(
    shelved: Any, shelf: Path, opened: Any, images: bool
) -> None:
    label = "crh[" + "y" * 300 + "]"
    cells = [shelved("crh", classes=HOSTILE, method_label=label), shelved("csq", classes=HOSTILE)]
    with opened(cells, shelf.parent if images else None, width=360) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.locator("#gallery-root img[src=x]").count() == 0
        long = page.locator('#gallery-root [title^="xxx"]').first
        assert len(long.get_attribute("title")) == 500
        assert len(long.text_content()) == 40
        strip = page.locator(".g-strip").first
        assert strip.evaluate("(s) => s.scrollWidth > s.clientWidth && s.clientWidth <= 320")
        strip.evaluate(
            "(s) => { window.moved = new Promise((done) => s.addEventListener('scroll', () => done(true))); }"
        )
        strip.focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("window.moved")


def test_a_missing_image_has_a_placeholder(shelved: Any, shelf: Path, opened: Any) -> None:
    cell, file = shelved(), shelf / "train" / "dog" / "1.png"
    before = file.stat()
    file.write_bytes(b"\0" * before.st_size)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with opened([cell], shelf.parent) as page:
        gone = page.locator(".g-strip .g-gone")
        expect(gone).to_have_count(4)
        expect(gone.first).to_have_text("image missing")
        assert "image missing" in gone.first.get_attribute("aria-label")
        expect(page.locator("#gallery-root > p").first).to_contain_text("1 of the 15 images here is missing")

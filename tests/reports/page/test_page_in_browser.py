"""The page in a real browser, without a network: it sorts, filters, tells, zooms, prints, and no name is markup."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.reports.page import page_html
from bench.storage.results import Results

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]
HOSTILE = ["<script>alert(1)</script>", "</script><marquee>x", "y" * 500, '\u202eעברית" onload="alert(1)']


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser: Any, paged: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens the page of some cells, offline; anything that the console shows fails the test."""
    said: list[str] = []

    def go(cells: list[Any] | None = None, **how: Any) -> Any:
        made = [
            paged(method, bits, 0.5 + 0.1 * (method == "crh") + 0.003 * bits + 0.01 * seed, seed=seed)
            for method in ("crh", "csq") for bits in (8, 16) for seed in (0, 1)
        ]  # fmt: skip
        file = tmp_path / "report.html"
        file.write_text(page_html(Results(made if cells is None else cells), None), encoding="utf-8")
        page = browser.new_context(offline=True, **{"viewport": {"width": 1200, "height": 800}, **how}).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
        page.goto(file.as_uri())
        return page

    yield go
    assert said == []


def first_column(page: Any, table: str) -> list[str]:
    return page.locator(f"{table} tbody tr:visible > :first-child .name").all_inner_texts()


def test_tables_are_sorted_by_click_and_key(opened: Any) -> None:
    page = opened()
    table = "table[id^='table-map']"
    head = page.locator(f"{table} thead th").nth(1)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert first_column(page, table)[:2] == ["crh", "csq"]
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert first_column(page, table)[:2] == ["csq", "crh"]


def test_cells_are_filtered(opened: Any) -> None:
    page = opened()
    assert len(first_column(page, "#table-of-cells")) == 8
    page.locator("[data-filter='table-of-cells']").fill("csq 16")
    assert set(first_column(page, "#table-of-cells")) == {"csq"}
    assert "of 8 rows" in page.locator(".filter [role=status]").last.inner_text()


def test_a_point_tells_its_cells_to_mouse_and_keyboard(opened: Any) -> None:
    page = opened()
    plot = page.locator("[data-figure=bits] svg")
    plot.scroll_into_view_if_needed()
    plot.focus()
    page.keyboard.press("ArrowRight")
    tip = page.locator("#tip")
    assert tip.is_visible()
    told = tip.inner_text()
    assert told.startswith("crh") and "mAP 0.6530 ± 0.0071" in told and "16 bits, mean of 2 seeds (0, 1)" in told
    page.keyboard.press("Enter")
    assert "bench verify" in page.locator("#detail").inner_text()
    page.mouse.move(5, 5)
    plot.locator(".mark").last.hover(force=True)
    assert tip.inner_text().startswith("csq")


def test_a_method_is_switched_off_and_on(opened: Any) -> None:
    page = opened()
    marks = page.locator("[data-figure=bits] svg path")
    before, button = marks.count(), page.locator("#legend button").first
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert 0 < marks.count() < before
    button.click()
    assert marks.count() == before


def test_the_theme_follows_the_system_and_the_button(opened: Any) -> None:
    page = opened(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.locator("#theme").click()
    assert page.evaluate(ground) != dark
    assert page.locator("#theme").inner_text() == "Dark"


def test_the_matrix_of_a_real_run_zooms_and_names_pairs(opened: Any, tiny_set: dict[str, Any], tmp_path: Path) -> None:
    cells = bench.run(["csq"], bits=[8], out=tmp_path / "out", set=tiny_set, reports=False).cells
    page = opened(cells)
    canvas, picture = page.locator("#matrix-centers"), "(c) => c.toDataURL()"
    whole = canvas.evaluate(picture)
    page.locator("#zoom-in").click()
    assert canvas.evaluate(picture) != whole
    page.locator("#zoom-all").click()
    assert canvas.evaluate(picture) == whole
    canvas.focus()
    page.keyboard.press("ArrowRight")
    assert "distance" in page.locator("#matrix-said").inner_text()


@pytest.mark.parametrize("width", [360, 768])
def test_a_phone_need_not_scroll_sideways(opened: Any, width: int) -> None:
    page = opened(viewport={"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_print_shows_what_is_folded_and_no_controls(opened: Any) -> None:
    page = opened()
    folded = page.locator(".folded").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()
    assert not page.locator(".toolbar.controls, .toolbar .controls, #theme").first.is_visible()
    assert page.pdf().startswith(b"%PDF")


def test_no_name_is_markup(opened: Any, paged: Any) -> None:
    cells = [paged("crh", 8, 0.6, names=HOSTILE), paged("csq", 8, 0.5, names=HOSTILE, method_label=HOSTILE[0])]
    page = opened(cells, viewport={"width": 360, "height": 700})
    assert page.locator("marquee, script[src], [onload]").count() == 0
    assert HOSTILE[0] in page.locator("#legend").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.locator("#matrix-centers").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert "script" in page.locator("#matrix-said").inner_text()


def test_what_is_told_has_names_and_order(opened: Any) -> None:
    """One first heading, none skipped; pictures, fields and buttons have a name; tables a caption."""
    page = opened()
    levels = page.locator("h1, h2, h3, h4, h5").evaluate_all("(all) => all.map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))
    named = "(all) => all.every((e) => e.textContent.trim() || e.ariaLabel || e.labels?.length || e.title)"
    assert page.locator("button, select, input, canvas").evaluate_all(named)
    assert page.locator("table:not(:has(caption)):visible").count() == 0
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_study_of_somebody(browser: Any, tmp_path: Path) -> None:
    """A large real study, where $BENCH_TEST_STUDY names its folder: size and time to open."""
    folder = os.environ.get("BENCH_TEST_STUDY")
    if not folder:
        pytest.skip("$BENCH_TEST_STUDY names no folder of results")
    file = tmp_path / "report.html"
    file.write_text(page_html(Results.read(Path(folder)), None), encoding="utf-8")
    assert file.stat().st_size < 10 * 2**20
    page = browser.new_context(offline=True).new_page()
    page.goto(file.as_uri())
    assert page.evaluate("performance.getEntriesByType('navigation')[0].duration") < 2000

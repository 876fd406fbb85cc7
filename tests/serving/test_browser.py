"""The live page in a real browser, while cells are stored and while a grid runs."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.grid.journal import journal_path
from bench.serving.server import Server

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]
HOSTILE = "<img src=x onerror=alert(1)></td>&lt;"

_REMEMBER = """() => {
  window.seen = new Set();
  const remember = () => { for (const id of ["counts", "running"]) seen.add(document.getElementById(id).textContent); };
  new MutationObserver(remember).observe(document.querySelector("main"), { childList: true, subtree: true });
}"""


@pytest.fixture
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser: Any) -> Callable[..., Any]:
    """Opens a page and fails the test for anything that the console shows but what is expected."""

    @contextmanager
    def go(server: Server, target: str = "", width: int = 1200, scheme: str = "light") -> Iterator[Any]:
        said: list[str] = []
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(server.url + target)
        yield page
        assert said == []
        page.close()

    return go


def shows(page: Any, selector: str, text: str) -> None:
    """Waits until it does."""
    playwright.expect(page.locator(selector)).to_contain_text(text, timeout=20_000)


def test_counts_change_while_a_grid_runs(tmp_path: Path, tiny_set: dict, start: Any, opened: Any) -> None:
    server = start(tmp_path)
    tiny_set["glyphs"]["train"], tiny_set["train"]["epochs"] = 40, 40  # a cell lasts longer than a poll
    grid = {"methods": ["csq"], "bits": [8, 16, 24], "set": tiny_set, "out": tmp_path, "workers": 0}
    thread = threading.Thread(target=lambda: bench.run(**grid, reports=False))
    with opened(server) as page:
        shows(page, "#counts", "Nothing stored yet")
        shows(page, "#state", "nothing stored yet")
        playwright.expect(page.locator("#report")).to_be_hidden()
        page.evaluate(_REMEMBER)
        thread.start()
        thread.join()
        shows(page, "#counts", "3 of 3 done")
        shows(page, "#state", "run ended")
        seen = page.evaluate("[...window.seen]")
        assert len([text for text in seen if "of 3 done" in text]) >= 3
        assert any("1 running" in text for text in seen)
        assert any("epoch" in text and "loss" in text for text in seen)
        assert page.locator("#finished tbody tr").count() == 3
        assert page.get_attribute("#bar", "aria-valuenow") == "3"
        assert page.title() == "3/3 · bench"
        playwright.expect(page.locator("#report")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (360, "light"), (360, "dark")])
def test_hostile_names_are_text_at_any_width(
    tmp_path: Path, start: Any, opened: Any, store: Callable[..., Any], width: int, scheme: str
) -> None:
    store(tmp_path, HOSTILE, 16, map=0.5, map_low=0.4, map_high=0.6)
    store(tmp_path, "x" * 300, 24, map=0.5)
    store(tmp_path, HOSTILE, 32, reason=HOSTILE)
    store(tmp_path, HOSTILE, 64, reason="y" * 500)
    with opened(start(tmp_path), width=width, scheme=scheme) as page:
        shows(page, "#finished", HOSTILE)
        shows(page, "#failures", HOSTILE)
        shows(page, "#finished", "0.5000")
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_cells_that_come_and_go(tmp_path: Path, start: Any, opened: Any, store: Callable[..., Any]) -> None:
    first = store(tmp_path, "first", 16, map=0.25)
    with opened(start(tmp_path)) as page:
        shows(page, "#finished", "0.2500")
        page.evaluate("document.querySelector('#finished tr:last-child').dataset.mine = 'kept'")
        store(tmp_path, "second", 32, map=0.75)
        shows(page, "#finished", "0.7500")
        assert page.locator("[data-mine=kept]").count() == 1  # what has not changed is left alone
        shutil.rmtree(tmp_path / "cells" / first.folder)
        playwright.expect(page.locator("#finished tbody tr")).to_have_count(1, timeout=20_000)
        shows(page, "#pace", "no run has written log.jsonl here")


def test_a_tab_that_is_hidden_asks_nothing(folder: Path, start: Any, opened: Any) -> None:
    with opened(start(folder)) as page:
        shows(page, "#counts", "1 done")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        hide = "Object.defineProperty(document, 'hidden', {{ value: {}, configurable: true }});"
        tell = "document.dispatchEvent(new Event('visibilitychange'));"
        page.evaluate(hide.format("true") + tell)
        page.wait_for_timeout(2500)
        assert asked == []
        page.evaluate(hide.format("false") + tell)
        page.wait_for_timeout(500)
        assert len(asked) == 1


def test_a_server_that_is_gone_and_back(folder: Path, browser: Any) -> None:
    page = browser.new_page()
    with Server(folder, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        page.goto(server.url)
        shows(page, "#counts", "1 done")
        playwright.expect(page.locator("#gone")).to_be_hidden()
        server.shutdown()
    shows(page, "#gone", "The server is gone")
    shows(page, "#counts", "1 done")  # what was known stays
    with Server(folder, server.server_address[1]) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        playwright.expect(page.locator("#gone")).to_be_hidden(timeout=20_000)
        server.shutdown()


def test_a_server_that_cannot_tell(folder: Path, start: Any, browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start(folder)
    page = browser.new_page()
    page.goto(server.url)
    shows(page, "#counts", "1 done")

    def fail(self: Any) -> bytes:
        raise ValueError

    monkeypatch.setattr("bench.serving.live.Live.content", fail)
    shows(page, "#gone", "The server cannot tell how far it is (500: this page could not be made")


def test_a_run_that_is_lost(folder: Path, start: Any, opened: Any) -> None:
    moment = '"time": "2024-05-01T12:00:00+00:00", "run": "r"'
    facts = '"pid": 4711, "host": "gpu1", "command": "bench run", "version": "1", "kept": [], "to_run": ["a", "b"]'
    journal_path(folder).write_text(
        f'{{{moment}, "event": "run started", {facts}}}\n'
        f'{{{moment}, "event": "cells begun", "worker": 0, "ids": ["a", "b"], "titles": ["cell a", "cell b"]}}\n'
        f'{{{moment}, "event": "epoch", "worker": 0, "epoch": 4, "epochs": 30, "loss": 0.25}}\n'
    )
    with opened(start(folder)) as page:
        shows(page, "#state", "run gone without a word")
        shows(page, "#lost", "cell a and 1 more together")
        shows(page, "#lost", "epoch 5 of 30 · loss 0.2500")
        shows(page, "#runs", "4711@gpu1")


def test_files_open(folder: Path, start: Any, opened: Any, page: Any) -> None:
    (folder / "figures" / "a.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"><style>text { fill: red }</style><text y="20">drawn</text></svg>'
    )
    server = start(folder)
    with opened(server) as live:
        links = live.locator("#files a")
        shows(live, "#files", "figures/über & 50%.svg")
        replies = [live.request.get(links.nth(i).evaluate("a => a.href")) for i in range(links.count())]
        assert [reply.status for reply in replies] == [200] * 7
        with live.expect_download() as download:
            live.click("text=results.csv")
        assert download.value.suggested_filename == "results.csv"
        live.click("#report")
        assert live.title() == "report"
    with opened(server, "figures/a.svg") as figure:
        assert figure.locator("text").text_content() == "drawn"

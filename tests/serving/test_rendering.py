from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.serving.rendering import Rendering

StoreCell = Callable[..., Any]


def test_nothing_is_rendered_of_nothing(tmp_path: Path, page: Any) -> None:
    assert Rendering(tmp_path, None).page() is None
    (tmp_path / "cells" / "no.cell.at.all").mkdir(parents=True)
    assert Rendering(tmp_path, None).page() is None
    assert page.rendered == 0


def test_it_is_kept_until_other_cells_are_stored(tmp_path: Path, store: StoreCell, page: Any) -> None:
    found = Rendering(tmp_path, Path("data"))
    store(tmp_path, seed=0, map=0.5)
    first = found.page()
    assert first is not None
    assert first.endswith(b"<p>1 cells, images in data")
    assert found.page() is first
    assert page.rendered == 1
    store(tmp_path, seed=1, map=0.5)
    assert b"<p>2 cells" in (found.page() or b"")
    store(tmp_path, seed=1, map=0.75)  # in the place of the other
    found.page()
    assert page.rendered == 3


def test_who_asks_meanwhile_waits_for_the_same_page(folder: Path, page: Any) -> None:
    page.wait = threading.Event()
    found, pages = Rendering(folder, None), []
    threads = [threading.Thread(target=lambda: pages.append(found.page())) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert page.begun.wait(10)
    assert pages == []
    page.wait.set()
    for thread in threads:
        thread.join()
    assert page.rendered == 1
    assert len(pages) == 5
    assert len({*pages}) == 1


def test_a_rendering_that_fails_is_tried_again(folder: Path, page: Any) -> None:
    found = Rendering(folder, None)
    page.trouble = ValueError("this time")
    with pytest.raises(ValueError, match="this time"):
        found.page()
    page.trouble = None
    assert found.page() is not None


def test_names_that_are_half_a_character(folder: Path, page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "html", lambda self, results: "a\udc80b")
    assert Rendering(folder, None).page() == b"a?b"

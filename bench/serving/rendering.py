"""The page of all stored cells, rendered when somebody asks for it and kept until other cells are stored."""

from __future__ import annotations

import threading
from pathlib import Path

from bench.storage.store import Store

Stamps = dict[str, int]


class Rendering:
    """Renders one page at a time; who asks meanwhile waits for it."""

    def __init__(self, out: Path, data_root: Path | None) -> None:
        self._store = Store(out)
        self._data_root = data_root
        self._lock = threading.Lock()
        self._stamps: Stamps = {}
        self._page = b""

    def page(self) -> bytes | None:
        """HTML in UTF-8; None where nothing is stored yet.

        Raises:
            ConfigError: there is no such report.
        """
        with self._lock:
            stamps = self._stamps_now()  # before the cells are read: one that comes meanwhile is news the next time
            if stamps and stamps != self._stamps:
                self._page = self._render()
                self._stamps = stamps
            return self._page if stamps and self._page else None

    def _render(self) -> bytes:
        from bench.plugins.registry import registry
        from bench.storage.results import Results

        results = Results.read(self._store.out)
        if not len(results):
            return b""
        report = registry("report").load("page")()
        report.data_root = self._data_root
        page: str = report.html(results)
        return page.encode("utf-8", errors="replace")

    def _stamps_now(self) -> Stamps:
        """Of every cell's folder: what changes when the cell is stored anew."""
        found = {}
        for folder in self._store.folders():
            try:
                found[folder] = (self._store.cells / folder / "result.json").stat().st_mtime_ns
            except OSError:  # replaced at this moment
                found[folder] = 0
        return found

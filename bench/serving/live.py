"""What the live page shows, as JSON: the status of the folder's runs, its finished cells, its files."""

from __future__ import annotations

import json
import math
import threading
import time
from pathlib import Path
from typing import Any

from bench.grid.journal import journal_path
from bench.grid.watch import Watch
from bench.serving.files import served_files
from bench.storage.failures import KINDS

_SHOWN = (
    "dataset_label", "split", "method_label", "bits", "seed", "map", "map_low", "map_high", "seconds", "finished",
)  # fmt: skip
_FRESH = 0.5  # seconds for which a look serves all who ask


class Live:
    """Looks at a folder for any number of browsers, one look at a time: a look tries locks, as another one's would."""

    def __init__(self, out: Path) -> None:
        """Raises a ConfigError where there is no such folder."""
        self._out = out
        self._watch = Watch(out)
        self._journal: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._looked = -math.inf
        self._content = b""

    def content(self) -> bytes:
        """JSON, no older than half a second."""
        with self._lock:
            if time.monotonic() - self._looked >= _FRESH:
                self._content = _as_json(self._look())
                self._looked = time.monotonic()
            return self._content

    def _look(self) -> dict[str, Any]:
        self._begin_anew()
        status = self._watch.look()
        shown = status.as_json()
        stored = self._watch.stored
        cells = [
            {"id": cell, **{name: facts[name] for name in _SHOWN}} for cell, facts in stored.items() if facts["ok"]
        ]
        return shown | {
            "stored": len(stored), "goes_on": status.goes_on, "cells": cells, "meanings": dict(KINDS),
            "files": list(served_files(self._out)),
        }  # fmt: skip

    def _begin_anew(self) -> None:
        """Where the folder was emptied and used again, its journal is another file: what was read of it is void."""
        try:
            facts = journal_path(self._out).stat()
        except OSError:
            return
        now = facts.st_ino, facts.st_size
        if self._journal is not None and (now[0] != self._journal[0] or now[1] < self._journal[1]):
            self._watch = Watch(self._out)
        self._journal = now


def _as_json(content: Any) -> bytes:
    """Without what a page could take for markup, and without numbers that JSON does not have."""
    text = json.dumps(_finite(content), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode()


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content

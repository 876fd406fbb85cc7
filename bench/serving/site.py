"""What is served under which path, and how a browser is told to handle it. Knows nothing of sockets."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

from bench.serving.files import TYPES, read_plain, served_files
from bench.serving.live import Live
from bench.serving.rendering import Rendering

_TEXT = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_DRAWING = f"{_NOTHING}; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox"
_REPORT = f"{_NOTHING}; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:"
_SAVED = (".csv", ".pdf")  # kinds that the browser saves instead of showing


@dataclass(frozen=True)
class Answer:
    """What one request gets.

    Attributes:
        policy: its Content-Security-Policy.
        saved_as: file name, for what the browser saves.
    """

    status: HTTPStatus
    body: bytes
    type: str = _TEXT
    policy: str = _NOTHING
    saved_as: str | None = None


def sentence(status: HTTPStatus, text: str) -> Answer:
    """One sentence in plain text."""
    return Answer(status, f"{status.value}: {text}\n".encode("utf-8", errors="replace"))


class Site:
    """All pages of one output folder."""

    def __init__(self, out: Path, data_root: Path | None = None) -> None:
        """Raises a ConfigError where there is no such folder."""
        self._out = out
        self._live = Live(out)
        self._report = Rendering(out, data_root)
        front = _front_page()
        self._pages: dict[str, Callable[[], Answer]] = {
            "/": lambda: front,
            "/status.json": lambda: Answer(HTTPStatus.OK, self._live.content(), "application/json"),
            "/report": self._report_page,
        }

    def answer(self, target: str) -> Answer:
        """To a GET of `target`, a path as it stands in the request, quoted and perhaps with a query."""
        try:
            path = unquote(target.partition("?")[0], errors="strict")
        except UnicodeDecodeError:
            return _unknown()
        if path in self._pages:
            return self._pages[path]()
        file = served_files(self._out).get(path)
        return _unknown() if file is None else _file(file)

    def _report_page(self) -> Answer:
        page = self._report.page()
        if page is None:
            return sentence(
                HTTPStatus.NOT_FOUND, f"nothing is stored in {self._out} yet: ask again when cells are done."
            )
        return Answer(HTTPStatus.OK, page, _HTML, _REPORT)


def _file(path: Path) -> Answer:
    content = read_plain(path)
    if content is None:
        return _unknown()
    kind = path.suffix
    saved_as = path.name if kind in _SAVED else None
    return Answer(HTTPStatus.OK, content, TYPES[kind], _DRAWING if kind == ".svg" else _NOTHING, saved_as)


def _unknown() -> Answer:
    return sentence(HTTPStatus.NOT_FOUND, "there is nothing here: go to / for the live page.")


def _front_page() -> Answer:
    """The live page, which may run its own script and style and ask this server, and nothing else."""
    content = (files("bench.serving") / "live.html").read_text(encoding="utf-8")
    policy = (
        f"{_NOTHING}; script-src {_digest(content, 'script')}; style-src {_digest(content, 'style')}; "
        "connect-src 'self'; img-src data:"
    )
    return Answer(HTTPStatus.OK, content.encode(), _HTML, policy)


def _digest(page: str, tag: str) -> str:
    """`'sha256-...'` of the page's one element of that name."""
    (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"

"""One request: whether it is to be answered at all, and how the answer is sent.

A page of another site can make a browser ask this server under a name of that site's own; so the name it is asked for
by has to be this machine's. Every connection is for one request.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bench.errors import BenchError
from bench.serving.site import Answer, sentence

if TYPE_CHECKING:
    from bench.serving.server import Server

ADDRESS = "127.0.0.1"
PATIENCE = 10.0  # seconds
_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
_METHODS = ("GET", "HEAD")
_PART = 1 << 16  # bytes that are sent or passed over at once
_HEADERS = {
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
}  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """Answers one request of one browser."""

    server: Server

    def setup(self) -> None:
        """Sets the clocks: one for each read and write, and one for the whole request to have come."""
        super().setup()
        self._refused = False
        self.connection.settimeout(self.server.patience)
        self._deadline = threading.Timer(self.server.patience, self._hang_up)
        self._deadline.daemon = True
        self._deadline.start()

    def finish(self) -> None:
        """Stops the clock and takes leave."""
        self._deadline.cancel()
        super().finish()
        if self._refused:
            self._hear_out()

    def parse_request(self) -> bool:
        """Whether it is one to be answered; if not, it has been refused."""
        if not super().parse_request():
            return False
        self._deadline.cancel()
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0].strip()):
            self._refuse(HTTPStatus.FORBIDDEN, f"this server answers to {ADDRESS} and localhost alone.")
        elif self.command not in _METHODS:
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "this server is for reading: use GET.")
        return not self._refused

    def do_GET(self) -> None:
        """The answer, or why there is none."""
        try:
            answer = self.server.site.answer(self.path)
        except Exception as error:
            own = str(error) if isinstance(error, BenchError) else "this page could not be made: the terminal says why."
            answer = sentence(HTTPStatus.INTERNAL_SERVER_ERROR, own)
            log(self.path, error)
        self._send(answer)

    do_HEAD = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Of what is no request: one sentence, and nothing of it is repeated."""
        self._refuse(HTTPStatus(code), f"{HTTPStatus(code).phrase.lower()}.")

    def version_string(self) -> str:
        """Nothing of the Python behind it."""
        return "bench"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Requests are not logged."""

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._refused = True
        self._send(sentence(status, why))

    def _send(self, answer: Answer) -> None:
        self.request_version = self.protocol_version  # whatever came, what goes has its headers
        self.send_response(answer.status)
        for name, value in {**_HEADERS, "Content-Security-Policy": answer.policy, "Content-Type": answer.type}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.saved_as is not None:
            self.send_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(answer.saved_as, safe='')}")
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", ", ".join(_METHODS))
        self.end_headers()
        if self.command != "HEAD":
            for begin in range(0, len(answer.body), _PART):
                self.wfile.write(answer.body[begin : begin + _PART])

    def _hang_up(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _hear_out(self) -> None:
        """Of who still sends: if the line were cut now, the answer would be lost on the way."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(min(0.5, self.server.patience))
            for _ in range(16):
                if not self.connection.recv(_PART):
                    return


def log(where: str, error: BaseException) -> None:
    """One line on stderr: when, what was asked for, what went wrong and where in the source."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    text = f"{time.strftime('%H:%M:%S')} {where!r}: {type(error).__name__}: {error}{place}"
    print("".join(c if c.isprintable() else " " for c in text), file=sys.stderr, flush=True)  # noqa: T201 - its log

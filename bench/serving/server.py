"""The server: on loopback alone, a thread for each request, and none that Ctrl-C waits for."""

from __future__ import annotations

import errno
import os
import socketserver
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.errors import ConfigError
from bench.serving.handler import ADDRESS, PATIENCE, Handler, log
from bench.serving.site import Site

_IN_USE = (errno.EADDRINUSE, 10048)  # the second is Windows'


class Server(ThreadingHTTPServer):
    """Serves one output folder."""

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # there it would share a port that is in use
    request_queue_size = 64

    def __init__(self, out: Path, port: int, data_root: Path | None = None, patience: float = PATIENCE) -> None:
        """Listens from now on.

        Args:
            out: output folder of runs.
            port: 0 for one that is free.
            data_root: where images are, for a report that shows some.
            patience: seconds for a whole request to come, and for each part of an answer to be taken.

        Raises:
            ConfigError: there is no such folder, or the port cannot be had.
        """
        self.site = Site(out, data_root)
        self.patience = patience
        try:
            super().__init__((ADDRESS, port), Handler)
        except OSError as error:
            why = "is in use" if error.errno in _IN_USE else f"cannot be had ({error.strerror})"
            raise ConfigError(f"port {port} {why}: choose another with --port.") from None

    @property
    def url(self) -> str:
        """Of the live page."""
        return f"http://{ADDRESS}:{self.server_address[1]}/"

    def server_bind(self) -> None:
        """As of any TCP server: HTTPServer would ask the network for this machine's name."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """One line on what went wrong outside of an answer; none where the browser has just left."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            log("a request", error)

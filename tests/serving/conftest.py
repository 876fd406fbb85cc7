from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.plugins.registry import registry
from bench.serving.server import Server
from bench.storage.cell import Cell
from bench.storage.results import Results
from bench.storage.store import Store

_CELL: dict[str, Any] = {
    "dataset": "pets", "dataset_label": "pets", "split": "folders", "dataset_config": {}, "fingerprint": "abc",
    "num_classes": 12, "multi_label": False, "counts": {"train": 1200, "query": 30, "database": 4500},
    "method_config": {}, "method_version": 1, "regime": "quick", "settings": "matched", "backbone": "small-cnn",
    "weights": "scratch", "train": {"epochs": 16},
}  # fmt: skip
SECRET = b"what lies outside of the folder"

StoreCell = Callable[..., Cell]
Ask = Callable[..., "Reply"]


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@pytest.fixture(scope="session")
def store() -> StoreCell:
    """Stores a cell: store(out, "crh", 16, seed=1, map=0.5); without mAP it has failed."""

    def write(
        out: Path, method: str = "crh", bits: int = 16, seed: int = 0, reason: str = "out of luck", **metrics: Any
    ) -> Cell:
        cell = Cell(**_CELL, method="m", method_label=method, bits=bits, seed=seed)
        ok = "map" in metrics
        result = {
            "status": "ok" if ok else "failed", "failure": None if ok else "refused", "reason": None if ok else reason,
            "metrics": metrics, "seconds": {"total": 2.5}, "provenance": {"finished": "2024-05-01T12:00:00+00:00"},
        }  # fmt: skip
        Store(out).write(cell, result, {})
        return cell

    return write


@pytest.fixture(scope="session")
def filled(store: StoreCell) -> Callable[[Path], Path]:
    """Makes an output folder inside of a folder with a secret: cells, tables, figures, and what is not to be served."""

    def fill(root: Path) -> Path:
        secret = root / "secret.svg"
        secret.write_bytes(SECRET)
        out = root / "out"
        figures = out / "figures"
        (figures / "folder.svg").mkdir(parents=True)
        store(out, "crh", 16, map=0.5, map_low=0.45, map_high=0.55)
        store(out, "csq", 32)
        for name in ("results.md", "results.csv", "results.tex", "results.json", ".results.md"):
            (out / name).write_text(f"table {name}")
        for name in ("a.svg", "a.png", "a.pdf", "über & 50%.svg", "a.txt", "a.svg.bak", "line\nbreak.svg"):
            (figures / name).write_text(f"figure {name}")
        (figures / "link.svg").symlink_to(secret)
        (figures / "inner.svg").symlink_to(figures / "a.svg")
        return out

    return fill


@pytest.fixture
def folder(filled: Callable[[Path], Path], tmp_path: Path) -> Path:
    return filled(tmp_path)


SERVED = [
    "/results.md", "/results.csv", "/results.tex", "/figures/a.pdf", "/figures/a.png", "/figures/a.svg",
    "/figures/über & 50%.svg",
]  # fmt: skip


@pytest.fixture(scope="session")
def served() -> list[str]:
    """The files of `folder` that are on the list, as their paths read unquoted."""
    return list(SERVED)


@pytest.fixture(scope="session")
def secret() -> bytes:
    """What lies outside of the folder."""
    return SECRET


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Starts servers on free ports, which end with the test."""
    with ExitStack() as stack:

        def begin(out: Path, **options: Any) -> Server:
            server = stack.enter_context(Server(out, 0, **options))
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            stack.callback(server.shutdown)
            return server

        yield begin


@pytest.fixture(scope="session")
def ask() -> Ask:
    """One request: ask(server, "/report", method="HEAD", host="example.com")."""

    def send(
        server: Server, target: str, method: str = "GET", host: str | None = "localhost", body: bytes = b""
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            if host is not None:
                connection.putheader("Host", host)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    return send


class StandIn:
    """In the place of the page's report. Counts what it renders, and waits where it is told to."""

    rendered = 0
    data_root: Path | None = None
    wait: threading.Event | None = None
    begun = threading.Event()
    trouble: Exception | None = None

    def html(self, results: Results) -> str:
        StandIn.rendered += 1
        StandIn.begun.set()
        if StandIn.wait is not None:
            assert StandIn.wait.wait(30)
        if StandIn.trouble is not None:
            raise StandIn.trouble
        return f"<!doctype html><title>report</title><p>{len(results)} cells, images in {self.data_root}"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    StandIn.rendered, StandIn.wait, StandIn.begun, StandIn.trouble = 0, None, threading.Event(), None
    monkeypatch.setattr(registry("report"), "load", {"page": StandIn}.__getitem__)
    return StandIn

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bench
from bench.errors import ConfigError
from bench.serving.server import Server

Start = Callable[..., Server]
Ask = Callable[..., Any]
ALWAYS = {
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin", "Server": "bench",
}  # fmt: skip


@pytest.fixture
def server(folder: Path, start: Start) -> Server:
    return start(folder)


@pytest.fixture(scope="module")
def shared(filled: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all that only asks."""
    with Server(filled(tmp_path_factory.mktemp("server")), 0, patience=2.0) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


def raw(server: Server, content: bytes, patience: float = 10.0) -> bytes:
    """What comes back for bytes that need not be a request."""
    with socket.create_connection(server.server_address[:2], timeout=patience) as line:
        line.sendall(content)
        line.shutdown(socket.SHUT_WR)
        found = b""
        while part := line.recv(1 << 16):
            found += part
        return found


def test_every_route(server: Server, ask: Ask, page: Any, served: list[str]) -> None:
    for path in ["/", "/status.json", "/report", *served]:
        reply = ask(server, quote(path))
        assert reply.status == 200
        assert ALWAYS.items() <= reply.headers.items()
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert int(reply.headers["Content-Length"]) == len(reply.body) > 0
        head = ask(server, quote(path), method="HEAD")
        assert (head.status, head.body) == (200, b"")
        if path != "/status.json":  # whose time goes on
            assert head.headers["Content-Length"] == reply.headers["Content-Length"]


def test_it_listens_on_loopback_alone(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_address[1]}/"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8765", "localhost", "LocalHost:1", "[::1]", "[::1]:65535", " localhost "]
)
def test_names_of_this_machine(shared: Server, ask: Ask, host: str) -> None:
    assert ask(shared, "/", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        None, "", "example.com", "localhost.example.com", "example.com:8765", "localhost.", "127.0.0.1.nip.io", "127.1",
        "0.0.0.0", "127.0.0.2", "::1", "[::1", "[::ffff:127.0.0.1]", "localhost:", "localhost:80:80", "localhost:8a",
        "user@localhost", "localhost@example.com", "localhost/", "localhost,example.com", "127.0.0.1 example.com",
        "2130706433", "localhost:123456", "lo\xadcalhost", "localhost\t.example.com", "localhost:٨",
    ],
)  # fmt: skip
def test_names_of_others(shared: Server, ask: Ask, host: str | None) -> None:
    encoded = None if host is None else host.encode().decode("latin-1")
    for target in ("/", "/status.json", "/report", "/results.md"):
        reply = ask(shared, target, host=encoded)
        assert reply.status == 403
        assert reply.text == "403: this server answers to 127.0.0.1 and localhost alone.\n"
        assert ALWAYS.items() <= reply.headers.items()


@settings(max_examples=60, deadline=None)
@given(
    host=st.one_of(st.from_regex(r"[a-z0-9.:@\[\]%-]{1,30}", fullmatch=True), st.text("localhst127.0:[]", min_size=1))
)
def test_no_other_name_is_answered(shared: Server, ask: Ask, host: str) -> None:
    own = re.fullmatch(r"(127\.0\.0\.1|localhost|\[::1])(:\d{1,5})?", host)
    assert ask(shared, "/results.md", host=host).status == (200 if own else 403)


def test_two_names_are_none(shared: Server) -> None:
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: example.com\r\n\r\n"
    assert b" 403 " in raw(shared, request).splitlines()[0]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"])
def test_it_is_for_reading(shared: Server, ask: Ask, method: str) -> None:
    reply = ask(shared, "/", method=method, body=b"x" * 5000)
    assert (reply.status, reply.text) == (405, "405: this server is for reading: use GET.\n")
    assert reply.headers["Allow"] == "GET, HEAD"
    assert ask(shared, "/", method=method, host="example.com").status == 403


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"Host: localhost\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 505),
        (b"GET / nonsense\r\n\r\n", 400), (b"a b c d e\r\n\r\n", 400), (b"\x16\x03\x01\x02\x00\x01\xfc\x03\r\n", 400),
        (b"GET <script>alert(1)</script> x y HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 403), (b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    ],
)  # fmt: skip
def test_what_is_no_good_request(shared: Server, ask: Ask, content: bytes, status: int) -> None:
    reply = raw(shared, content)
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.split()[1] == str(status).encode()
    assert re.fullmatch(rb"\d{3}: [a-z][^<>]*\.\n", body)
    assert ask(shared, "/results.md").status == 200


def test_nothing_at_all(shared: Server, ask: Ask) -> None:
    assert raw(shared, b"") == b""
    assert raw(shared, b"\r\n") == b""
    assert raw(shared, b"GET /\r\n\r\n").startswith(b"HTTP/1.0 403 ")
    assert ask(shared, "/results.md").status == 200


@settings(max_examples=60, deadline=None)
@given(line=st.binary(max_size=80), rest=st.binary(max_size=80))
def test_no_bytes_kill_it_or_lead_out(shared: Server, secret: bytes, line: bytes, rest: bytes) -> None:
    found = raw(shared, b"GET /figures/" + line + b" HTTP/1.1\r\nHost: localhost\r\n" + rest + b"\r\n\r\n")
    assert secret not in found
    assert re.match(rb"HTTP/1\.0 [245]\d\d |\Z", found)


def test_traversal_over_the_wire(shared: Server, ask: Ask, secret: bytes) -> None:
    for target in (
        "/../secret.svg", "//secret.svg", "/figures/../../secret.svg", "/%2e%2e/secret.svg", "/..%5csecret.svg",
        "/figures/..\\..\\secret.svg", "/figures/link.svg", "/figures/link.svg?x", "/figures/",
    ):  # fmt: skip
        reply = ask(shared, target)
        assert reply.status == 404
        assert secret not in reply.body


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: local"])
def test_who_does_not_come_to_the_end_is_hung_up_on(folder: Path, start: Start, ask: Ask, begun: bytes) -> None:
    server = start(folder, patience=0.4)
    with socket.create_connection(server.server_address[:2], timeout=10) as line:
        line.sendall(begun)
        assert ask(server, "/results.md").status == 200  # the others are answered meanwhile
        assert line.recv(10) in (b"", b"HTTP/1.0 4")


def test_who_sends_a_byte_now_and_then_is_hung_up_on(folder: Path, start: Start) -> None:
    server = start(folder, patience=0.5)
    began = time.monotonic()
    with socket.create_connection(server.server_address[:2], timeout=10) as line, pytest.raises(OSError):  # noqa: PT011 - however the system says it
        while time.monotonic() - began < 8:
            line.sendall(b"a")
            time.sleep(0.1)
    assert time.monotonic() - began < 6


def test_who_takes_nothing_is_given_up(folder: Path, start: Start, ask: Ask, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "results.md").write_bytes(b"x" * 50_000_000)
    server = start(folder, patience=0.4)
    before = threading.active_count()
    with socket.create_connection(server.server_address[:2], timeout=10) as line:
        line.sendall(b"GET /results.md HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert line.recv(5) == b"HTTP/"
        wait_for(lambda: threading.active_count() <= before)
        assert ask(server, "/figures/a.svg").status == 200
    assert capfd.readouterr().err == ""


def test_who_leaves_in_the_middle_is_no_news(folder: Path, start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "results.md").write_bytes(b"x" * 50_000_000)
    server = start(folder)
    before = threading.active_count()
    with socket.create_connection(server.server_address[:2], timeout=10) as line:
        line.sendall(b"GET /results.md HTTP/1.1\r\nHost: localhost\r\n\r\n")
        line.recv(5)
    wait_for(lambda: threading.active_count() <= before)
    assert capfd.readouterr().err == ""


def wait_for(event: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not event():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_error_is_one_sentence_and_one_line(
    server: Server, ask: Ask, page: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    page.trouble = ValueError("a\nsecond line\x1b[31m, with private details")
    reply = ask(server, "/report?x=%0a")
    assert (reply.status, reply.text) == (500, "500: this page could not be made: the terminal says why.\n")
    assert ALWAYS.items() <= reply.headers.items()
    (line,) = capfd.readouterr().err.splitlines()
    assert re.match(r"\d\d:\d\d:\d\d '/report\?x=%0a': ValueError: a second line \[31m, with private details \(", line)
    page.trouble = ConfigError("there is no report 'page': install one.")
    assert ask(server, "/report").text == "500: there is no report 'page': install one.\n"
    page.trouble = None
    assert ask(server, "/report").status == 200


def test_a_page_that_is_being_made_holds_up_nobody(server: Server, ask: Ask, page: Any) -> None:
    page.wait = threading.Event()
    replies: list[Any] = []
    threads = [threading.Thread(target=lambda: replies.append(ask(server, "/report"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert page.begun.wait(10)
    assert [ask(server, path).status for path in ("/", "/status.json", "/results.md")] == [200] * 3
    assert replies == []
    page.wait.set()
    for thread in threads:
        thread.join()
    assert [reply.status for reply in replies] == [200] * 3
    assert page.rendered == 1


def test_the_data_root_goes_to_the_page(folder: Path, start: Start, ask: Ask, page: Any) -> None:
    assert "images in /some/where" in ask(start(folder, data_root=Path("/some/where")), "/report").text


def test_a_port_in_use(server: Server, folder: Path) -> None:
    port = server.server_address[1]
    with pytest.raises(ConfigError, match=rf"^port {port} is in use: choose another with --port\.$"):
        Server(folder, port)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no output folder"):
        Server(tmp_path / "nowhere", 0)


@pytest.mark.slow
def test_a_grid_as_it_runs(tmp_path: Path, tiny_set: dict, start: Start, ask: Ask) -> None:
    server = start(tmp_path)

    def status() -> dict[str, Any]:
        return json.loads(ask(server, "/status.json").body)

    before = status()
    assert (before["stored"], before["planned"], before["goes_on"]) == (0, None, False)
    long = {**tiny_set, "train": {**tiny_set["train"], "epochs": 100}}  # cells of several looks
    grid = {
        "methods": ["csq", "crh"],
        "bits": [8, 16],
        "set": long,
        "out": tmp_path,
        "workers": 0,
        "reports": False,
    }
    thread = threading.Thread(target=lambda: bench.run(**grid))
    seen = []
    thread.start()
    while thread.is_alive():
        seen.append(status())
        time.sleep(0.05)
    time.sleep(0.6)
    after = status()
    running = [one for each in seen for one in each["running"]]
    assert {each["planned"] for each in seen} <= {None, 4}
    assert any(one["stage"] for one in running)
    done = [each["done"] for each in seen]
    assert done == sorted(done)
    assert {1, 2, 3} & {*done}
    assert (after["done"], after["left"], after["goes_on"], len(after["cells"])) == (4, 0, False, 4)
    assert all(cell["map_low"] <= cell["map"] <= cell["map_high"] for cell in after["cells"])


def test_asked_from_many_sides_while_cells_are_written(
    tmp_path: Path, start: Start, ask: Ask, store: Callable[..., Any], page: Any
) -> None:
    server, statuses = start(tmp_path), []
    written = threading.Event()

    def look() -> None:
        while not written.is_set():
            statuses.append([ask(server, path).status for path in ("/", "/status.json", "/report", "/results.md")])

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for seed in range(20):
        store(tmp_path, seed=seed, map=0.5)
    written.set()
    for thread in threads:
        thread.join()
    assert statuses
    for front, status, report, table in statuses:
        assert (front, status, table) == (200, 200, 404)
        assert report in (200, 404)  # nothing is stored at first


def test_one_connection_is_for_one_request(shared: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shared.server_address[1], timeout=10)
    connection.request("GET", "/results.md", headers={"Host": "localhost", "Connection": "keep-alive"})
    response = connection.getresponse()
    assert response.read() == b"table results.md"
    assert connection.sock is None or response.will_close
    connection.close()

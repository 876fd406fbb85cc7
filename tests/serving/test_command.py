"""The command itself, in a process of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.cli.app import main

Begin = Callable[..., tuple[subprocess.Popen[str], str]]

_HANGS = """
import sys, time
from bench.plugins.registry import registry
class Page:
    def html(self, results):
        print("begun", file=sys.stderr, flush=True)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            sum(range(10_000))
registry("report").load = {"page": Page}.__getitem__
from bench.cli.app import main
main()
"""


def _listen() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it, and hands that on


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Starts `bench serve`; gives the process and the URL it prints."""
    with ExitStack() as stack:

        def start(out: Path, *python: str) -> tuple[subprocess.Popen[str], str]:
            command = [sys.executable, *(python or ("-m", "bench")), "serve", str(out), "--port", "0"]
            process = stack.enter_context(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_listen)  # noqa: PLW1509
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.fullmatch(rf"{re.escape(str(out))} is served at (http://127\.0\.0\.1:\d+/) .*\n", line)
            assert found is not None, line
            return process, found[1]

        yield start


def interrupted(process: subprocess.Popen[str]) -> tuple[int, float, str, str]:
    """Exit code, seconds, and what it still printed."""
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, time.monotonic() - began, out, err


@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C from another process")
def test_ctrl_c_ends_it(folder: Path, begin: Begin) -> None:
    process, url = begin(folder)
    with urllib.request.urlopen(f"{url}results.md", timeout=30) as reply:
        assert reply.read() == b"table results.md"
    code, seconds, out, err = interrupted(process)
    assert (code, out, err) == (0, "", "")
    assert seconds < 10


@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C from another process")
def test_ctrl_c_waits_for_no_page(folder: Path, begin: Begin) -> None:
    process, url = begin(folder, "-c", _HANGS)
    asking = subprocess.Popen([sys.executable, "-c", f"import urllib.request as r; r.urlopen('{url}report')"],
                              stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "begun\n"
        code, seconds, _, _ = interrupted(process)
    finally:
        asking.kill()
        asking.wait()
    assert code == 0
    assert seconds < 10


def fails(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", "serve", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_port_in_use(
    folder: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, url = begin(folder)
    port = url.rstrip("/").rpartition(":")[2]
    assert fails(monkeypatch, str(folder), "--port", port) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"error: port {port} is in use: choose another with --port.\n")


def test_no_such_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(monkeypatch, str(tmp_path / "nowhere")) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(r"error: there is no output folder \S+nowhere: name the folder .*\n", shown.err)


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_no_such_port(folder: Path, monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    assert fails(monkeypatch, str(folder), "--port", port) == 2


def test_the_browser_is_opened_where_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("bench.serving.server.Server.serve_forever", lambda self: None)
    for option in ([], ["--open"]):
        assert fails(monkeypatch, str(folder), "--port", "0", *option) == 0
    assert len(opened) == 1
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", opened[0])


def test_a_server_needs_no_torch(folder: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from bench.serving.site import Site; import bench.serving.server\n"
        "Site(Path(sys.argv[1])).answer('/status.json'); sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True)

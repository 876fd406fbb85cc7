from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import ConfigError
from bench.grid.journal import journal_path
from bench.serving import live
from bench.serving.live import Live

StoreCell = Callable[..., Any]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_FRESH", 0.0)


def read(found: Live) -> dict[str, Any]:
    return json.loads(found.content())


def test_what_is_told(folder: Path, served: list[str]) -> None:
    status = read(Live(folder))
    assert (status["out"], status["stored"], status["done"], status["planned"]) == (str(folder), 2, 1, None)
    (cell,) = status["cells"]
    assert {name: cell[name] for name in cell if name not in ("id", "finished")} == {
        "dataset_label": "pets", "split": "folders", "method_label": "crh", "bits": 16, "seed": 0, "map": 0.5,
        "map_low": 0.45, "map_high": 0.55, "seconds": 2.5,
    }  # fmt: skip
    assert status["failed"] == [
        {"title": "pets@folders csq 32 bits seed 0", "failure": "refused", "reason": "out of luck"}
    ]
    assert status["files"] == served
    assert status["goes_on"] is False


def test_numbers_that_json_does_not_have(tmp_path: Path, store: StoreCell) -> None:
    cell = store(tmp_path, map=0.5, map_low=0.1, map_high=0.9)
    file = tmp_path / "cells" / cell.folder / "result.json"
    file.write_text(file.read_text().replace("0.1", "NaN").replace("0.9", "-Infinity"))
    (shown,) = read(Live(tmp_path))["cells"]
    assert (shown["map"], shown["map_low"], shown["map_high"]) == (0.5, None, None)


def test_nothing_of_it_reads_as_markup(tmp_path: Path, store: StoreCell) -> None:
    hostile = "</script><img src=x onerror=alert(1)>&amp;\u2028"
    store(tmp_path, hostile, map=0.5)
    store(tmp_path, bits=32, reason=hostile)
    content = Live(tmp_path).content()
    assert not {*b"<>&"} & {*content}
    assert content.isascii()
    status = json.loads(content)
    assert (status["cells"][0]["method_label"], status["failed"][0]["reason"]) == (hostile, hostile)


def test_an_empty_folder(tmp_path: Path) -> None:
    status = read(Live(tmp_path))
    assert (status["stored"], status["planned"], status["cells"], status["files"], status["runs"]) == (
        0,
        None,
        [],
        [],
        [],
    )


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no output folder"):
        Live(tmp_path / "nowhere")


def test_what_has_not_changed_is_not_read_again(
    tmp_path: Path, store: StoreCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(20):
        store(tmp_path, seed=seed, map=0.5)
    found = Live(tmp_path)
    assert len(read(found)["cells"]) == 20
    opened: list[Path] = []
    real = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, *a, **k: (opened.append(path), real(path, *a, **k))[1])
    read(found)
    assert opened == []
    store(tmp_path, seed=20, map=0.5)
    assert len(read(found)["cells"]) == 21
    assert len(opened) == 2  # cell.json and result.json of the new one


def test_one_look_for_all_who_ask_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_FRESH", 60.0)
    found, answers = Live(folder), set()
    threads = [threading.Thread(target=lambda: answers.add(found.content())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 1


def start_of_a_run(run: str, command: str) -> str:
    facts = {"pid": 1, "host": "h", "command": command, "version": "1", "kept": [], "to_run": ["a"]}
    return json.dumps({"time": "2024-01-01T00:00:00+00:00", "run": run, "event": "run started", **facts}) + "\n"


def test_a_folder_that_is_emptied_and_used_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    journal_path(out).write_text(start_of_a_run("one", "bench run of long ago, with a longer command"))
    found = Live(out)
    assert [run["id"] for run in read(found)["runs"]] == ["one"]
    shutil.rmtree(out)
    assert read(found)["stored"] == 0
    out.mkdir()
    journal_path(out).write_text(start_of_a_run("two", "bench run"))
    assert [run["id"] for run in read(found)["runs"]] == ["two"]


def test_asked_by_many_while_cells_are_written(tmp_path: Path, store: StoreCell) -> None:
    found, counts, troubles = Live(tmp_path), [], []
    written = threading.Event()

    def look() -> None:
        try:
            while not written.is_set():
                counts.append(len(read(found)["cells"]))
        except Exception as error:
            troubles.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(2):  # the second time each is replaced
        for seed in range(10):
            store(tmp_path, seed=seed, map=0.25 + turn / 2)
    written.set()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert max(counts) <= 10
    assert [cell["map"] for cell in read(found)["cells"]] == [0.75] * 10

"""Readers of results and of what a grid is told: cells, archives of them, journals, TOML."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.errors import StoreError
from bench.grid.choice import method_choice
from bench.grid.spec import grid_spec, parse_set
from bench.grid.tuned import read_tuned
from bench.jsonlines import read_lines
from bench.papers.files import read_paper
from bench.plugins.registry import registry
from bench.regression.baseline import read_baseline
from bench.regression.quantities import QUANTITIES
from bench.serving.live import Live
from bench.storage.archive import Archive, write_archive
from bench.storage.checked import check_arrays, checked_cell, checked_result
from bench.storage.store import Store, StoredCell
from bench.user_config import user_config
from tests.fuzz.containers import listed, zip_form
from tests.fuzz.mutation import bytes_form, json_bytes, json_form, toml_bytes, toml_form
from tests.fuzz.target import FAST, SLOW, Target
from tests.storage.test_archive import CELL, FAILED, stored

RUN = [
    {"time": "2024-05-01T12:00:00.000+00:00", "run": "0a1b2c3d", "event": "run started", "pid": 1, "host": "elsewhere",
     "command": "bench run", "version": "0.1.0", "kept": [], "to_run": ["0123456789abcdef", "fedcba9876543210"]},
    {"time": "2024-05-01T12:00:01.000+00:00", "run": "0a1b2c3d", "event": "cells begun", "worker": 0,
     "ids": ["0123456789abcdef"], "titles": ["glyphs@default crh 16 bits seed 0"]},
    {"time": "2024-05-01T12:00:02.000+00:00", "run": "0a1b2c3d", "event": "stage", "worker": 0, "name": "training",
     "total": 3},
    {"time": "2024-05-01T12:00:03.000+00:00", "run": "0a1b2c3d", "event": "epoch", "worker": 0, "epoch": 0, "epochs": 3,
     "loss": 1.5, "lr": 0.1},
    {"time": "2024-05-01T12:00:04.000+00:00", "run": "0a1b2c3d", "event": "cell stored", "worker": 0,
     "id": "0123456789abcdef", "title": "t", "status": "ok", "failure": None, "map": 0.5, "seconds": 2.5},
    {"time": "2024-05-01T12:00:05.000+00:00", "run": "0a1b2c3d", "event": "run ended", "how": "done"},
]  # fmt: skip
GRID: dict[str, Any] = {
    "methods": ["crh[margin=0.3]", "csq"], "datasets": ["glyphs"], "bits": [16, 32], "seeds": [0], "regime": "quick",
    "settings": "matched", "tuned": "tuned.json", "data_root": "data", "out": "results", "workers": 1, "timeout": 5,
    "tracking": ["tensorboard"], "set": {"crh": {"margin": 0.3}, "train": {"epochs": 3, "lr": 1e-3}},
}  # fmt: skip
TUNED = {"schema": 1, "choices": {"key": {"crh": {"train": {"lr": 0.1}, "budget": "abc", "map": 0.5, "trials": []}}}}
CHOICES = (b"crh", b"crh[margin=0.3]+csq-loss", b"crh[margin=0.3, heads=1]", b"mds", b"./mine.py", b"orthohash-arc")
TOKENS = (
    b"crh",
    b"+",
    b"-loss",
    b"[",
    b"]",
    b",",
    b"=",
    b"margin",
    b".py",
    b"{",
    b'"',
    b"'''",
    b"none",
    b"0x" + b"f" * 5000,
)
PAPER = {
    "name": "a-paper", "title": "T", "authors": "A", "venue": "V", "year": 2024, "source": "table 1", "notes": ["n"],
    "claims": ["c"], "setup": {"backbone": "resnet34", "train": {"epochs": 90, "lr": 1e-3}},
    "methods": {"CSQ": {"ours": ["csq"], "ran_by": "authors", "train_on": {"CIFAR": {"epochs": 3}}}},
    "datasets": {"CIFAR": {"dataset": "cifar100", "splits": ["shc"], "classes": 100}},
    "tables": [{"where": "1", "metric": "map", "cutoff": 1000, "divisor": "hits", "bits": [16, 32], "decimals": 3,
                "values": {"CIFAR": {"CSQ": [0.5, 0.625]}}}],
}  # fmt: skip


BASELINE = {
    "schema": 1, "grid": {"methods": ["crh"], "datasets": ["glyphs"], "bits": [12]}, "seeds": [0, 1, 2],
    "again": 1, "false_alarms": 0.01,
    "history": [{"date": "2024-05-01", "reason": "r", "seeds": 3, "learned_with": {"torch": "2"}}],
    "cells": [{"cell": CELL.model_dump(mode="json"), "centers": ["abc"],
               "values": {name: [0.25, 0.5, None] for name in QUANTITIES}}],
}  # fmt: skip


def targets(folder: Path) -> list[Target]:
    """All of these readers."""
    return [
        *_cells(folder / "cells"),
        *_archives(folder / "archives"),
        *_watched(folder / "watched"),
        *_told(folder / "told"),
    ]


def _cells(folder: Path) -> list[Target]:
    """The three files of a stored cell, as the store reads them and as an import checks them."""
    ok, failed = stored(folder), stored(folder, FAILED, seed=1)
    cells, results = ([json.loads((each.path / f"{name}.json").read_text()) for each in (ok, failed)]
                      for name in ("cell", "result"))  # fmt: skip
    arrays = (ok.path / "arrays.npz").read_bytes()
    place, store = ok.path, Store(folder)
    shutil.rmtree(failed.path)

    def put(name: str) -> Callable[[bytes], None]:
        whole = (place / name).read_bytes()

        def read(content: bytes) -> None:
            (place / name).write_bytes(content)
            for each in store.read_all():
                assert isinstance(each.ok, bool) and isinstance(each.cell.id, str)
                if each.ok:
                    each.arrays()
            (place / name).write_bytes(whole)

        return read

    def arrays_checked(content: bytes) -> None:
        path = folder / "arrays.npz"
        path.write_bytes(content)
        check_arrays(path, ok.cell, ok.result)

    forms = {"cell.json": json_form(cells), "result.json": json_form(results), "arrays.npz": zip_form([arrays])}
    seeds = {"cell.json": (json_bytes(cells[0]),), "result.json": (json_bytes(results[0]),), "arrays.npz": (arrays,)}
    checks: dict[str, Callable[[bytes], object]] = {
        "cell.json": lambda content: checked_cell(content, ok.cell.folder),
        "result.json": lambda content: checked_result(content, ok.cell.num_classes),
        "arrays.npz": arrays_checked,
    }
    return [
        *(Target(f"store/{name}", put(name), forms[name], seeds[name], share=SLOW) for name in forms),
        *(
            Target(
                f"checked/{name}", _continued(check), forms[name], seeds[name], share=SLOW if "npz" in name else FAST
            )
            for name, check in checks.items()
        ),
    ]


def _continued(check: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """The checks raise a ValueError of their own, never a kind that something else has raised."""

    def read(content: bytes) -> None:
        try:
            check(content)
        except ValueError as error:
            if type(error) is not ValueError and type(error).__name__ != "_ArraysError":
                raise
            raise StoreError(f"its cell {error}.") from error

    return read


def _archives(folder: Path) -> list[Target]:
    cells: list[StoredCell] = [stored(folder / "out"), stored(folder / "out", FAILED, seed=1)]
    path = folder / "study.zip"
    write_archive(cells, path)
    seed = path.read_bytes()

    def read(content: bytes) -> None:
        path.write_bytes(content)
        new = Path(tempfile.mkdtemp(dir=folder))
        try:
            for each in Archive(path).extract(new):
                assert each.path.parent == new
        finally:
            outside = {file.name for file in folder.iterdir()} - {"out", "study.zip", new.name}
            shutil.rmtree(new)
        assert not outside

    return [Target("archive/study.zip", read, zip_form([seed], listed), (seed,), share=SLOW)]


def _watched(folder: Path) -> list[Target]:
    Store(folder).prepare()
    log = folder / "log.jsonl"

    def lines(content: bytes) -> None:
        log.write_bytes(content)
        assert all(isinstance(each, dict) for each in read_lines(log)[0])

    def journal(content: bytes) -> None:
        log.write_bytes(content)
        json.loads(Live(folder).content())

    form, seed = json_form([RUN], lines=True), json_bytes(RUN, lines=True)
    return [Target("lines/log.jsonl", lines, form, (seed,)), Target("journal/log.jsonl", journal, form, (seed,))]


def _told(folder: Path) -> list[Target]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "told.toml"

    def put(read: Callable[[Path], object]) -> Callable[[bytes], object]:
        def written(content: bytes) -> object:
            path.write_bytes(content)
            return read(path)

        return written

    def grid(file: Path) -> None:
        grid_spec(file).model_dump_json()

    def config(file: Path) -> None:
        before, os.environ["BENCH_CONFIG"] = os.environ.get("BENCH_CONFIG", ""), str(file)
        try:
            user_config()
        finally:
            os.environ["BENCH_CONFIG"] = before

    def baseline(file: Path) -> None:
        found = read_baseline(file)
        found.spec(found.seeds)

    paper = tomllib.loads(toml_bytes(PAPER).decode())
    user = {"data_root": "/data", "cache": "~/cache"}
    return [
        Target("grid/grid.toml", put(grid), toml_form([GRID]), (toml_bytes(GRID),)),
        Target("config/config.toml", put(config), toml_form([user]), (toml_bytes(user),)),
        Target("papers/paper.toml", put(lambda file: read_paper(str(file))), toml_form([paper]), (toml_bytes(paper),)),
        Target("tuned/tuned.json", put(lambda file: read_tuned(file, "key", "crh")), json_form([TUNED]),
               (json_bytes(TUNED),), share=FAST),
        Target("regression/baseline.json", put(baseline), json_form([BASELINE]), (json_bytes(BASELINE),)),
        Target("choice/name", _choice, bytes_form(CHOICES, TOKENS), CHOICES[:4], share=FAST),
        Target("choice/set", _set, bytes_form((b"crh.margin=0.3", b"train.lr = 1e-3"), TOKENS), (b"crh.margin=0.3",),
               share=FAST),
    ]  # fmt: skip


def _choice(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")  # as a shell's arguments come
    choice = method_choice(text)
    choice.label({})
    if not text.endswith(".py"):
        registry("method").load(choice.name).resolve(choice.name, choice.changed({}))


def _set(content: bytes) -> None:
    parse_set(content.decode("utf-8", "surrogateescape"))

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bench as library
from bench.cli.app import main
from bench.plugins.registry import registry
from tests.docs.reader import Reader
from tests.docs.standins import answer_once, furnish, make_cheap, write_data


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_data(root)
    return root


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that is there, for pages which begin with one."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        make_cheap(patch, folder)
        library.run(methods=["crh", "csq"], bits=[16, 32], out=folder / "results")
    return folder / "results"


@pytest.fixture
def reader(
    tmp_path: Path,
    data: Path,
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Reader:
    """In a folder with all that pages speak of."""
    for kind in ("method", "tracker"):
        known = registry(kind)
        own = {name: entry for name, entry in known.entries().items() if entry.path is None}
        monkeypatch.setattr(known, "_entries", own)  # files are registered for one test, this one's
    furnish(tmp_path, data)
    shutil.copytree(results, tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_DATA", str(data))
    monkeypatch.setenv("HOME", str(tmp_path))  # with ~/data
    monkeypatch.setenv("COLUMNS", "200")  # lines as long as in the pages
    make_cheap(monkeypatch, tmp_path / "CENTERS.npz")
    answer_once(monkeypatch, tmp_path)

    def bench(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["bench", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        assert not ended.value.code, f"bench {' '.join(words)} ends with {ended.value.code}: {shown.out}{shown.err}"
        return shown.out

    return Reader(tmp_path, bench, names())


def names() -> dict[str, Any]:
    """What the README's reader has: images, a network for them, codes and labels."""
    rng = np.random.default_rng(0)
    signs = rng.integers(0, 2, (392, 64)) * 2 - 1
    return {
        "network": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 64)), "images": torch.rand(8, 3, 4, 4),
        "targets": torch.arange(8), "epoch": 0, "codes": torch.from_numpy(signs).to(torch.int8),
        "all_targets": torch.arange(392) % 196, "query_codes": signs[:10], "database_codes": signs[10:30],
        "query_labels": np.arange(10) % 5, "database_labels": np.arange(20) % 5,
    }  # fmt: skip

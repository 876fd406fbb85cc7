"""Every test runs offline, on one thread, with a cache of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MPLBACKEND"] = "Agg"
os.environ["BENCH_CACHE"] = tempfile.mkdtemp(prefix="bench-tests-")
os.environ.pop("BENCH_DATA", None)
os.environ["BENCH_CONFIG"] = os.devnull  # a config file that says nothing, not the user's
os.environ["BENCH_WORKERS"] = "0"  # cells in the test's own process: starting others takes seconds
os.environ["OMP_NUM_THREADS"] = "1"  # also for the processes that tests start

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

import bench.cli.app

torch.set_num_threads(1)
bench.cli.app.spare_time = lambda: None  # it is for a whole process, and this one runs other tests after a command
settings.register_profile(
    "offline", deadline=None, derandomize=True, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("offline")


def pytest_sessionfinish() -> None:
    shutil.rmtree(os.environ["BENCH_CACHE"], ignore_errors=True)


has_gpu = torch.cuda.is_available()


@pytest.hookimpl(tryfirst=True)  # before the fixtures
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Only the tests that are marked so see a GPU: what the others expect are a CPU's digits."""
    torch.cuda.is_available = lambda: has_gpu and "gpu" in item.keywords


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if has_gpu:
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture
def real_data() -> Path:
    """A folder with cifar-100-python/ and grocery/, named by $BENCH_TEST_DATA."""
    folder = os.environ.get("BENCH_TEST_DATA")
    if not folder:
        pytest.skip("$BENCH_TEST_DATA names no folder with real data")
    return Path(folder)


# What a grid needs to end in seconds: few letters, few images, two epochs.
TINY = (
    "glyphs.classes=8", "glyphs.train=8", "glyphs.query=3", "glyphs.database=8", "glyphs.size=16", "train.epochs=2",
    "train.batch_size=16",
)  # fmt: skip


@pytest.fixture
def tiny() -> list[str]:
    """`--set` texts of a grid on glyphs that runs in a second or two."""
    return list(TINY)


@pytest.fixture
def tiny_set() -> dict[str, dict[str, int]]:
    """The same for `bench.run(set=...)`."""
    table: dict[str, dict[str, int]] = {}
    for text in TINY:
        left, value = text.split("=")
        owner, field = left.split(".")
        table.setdefault(owner, {})[field] = int(value)
    return table


@pytest.fixture(scope="session")
def write_clouds() -> Callable[..., str]:
    """Writes an .npz of frozen features, a cloud of vectors for each class, and gives its path."""

    def write(path: Path, classes: int = 5, train: int = 120, query: int = 80) -> str:
        rng = np.random.default_rng(0)
        labels = np.arange(train + query) % classes
        x = (rng.normal(size=(classes, 16))[labels] + rng.normal(size=(len(labels), 16))).astype(np.float32)
        np.savez(
            path, train_features=x[:train], train_labels=labels[:train], query_features=x[train:],
            query_labels=labels[train:],
        )  # fmt: skip
        return str(path)

    return write


@pytest.fixture
def features(write_clouds: Callable[..., str], tmp_path: Path) -> str:
    """Frozen features, whose heads are trained together."""
    return write_clouds(tmp_path / "clouds.npz")

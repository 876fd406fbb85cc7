"""A baseline of frozen features, learned once: its cells are trained together, in a second or two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.grid.spec import GridSpec, grid_spec
from bench.regression.baseline import Baseline
from bench.regression.learning import learn, plan_learning

SEEDS, AGAIN = 12, 2


@pytest.fixture(scope="session")
def spec(write_clouds: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> GridSpec:
    """CRH and CSQ, two code lengths, five clouds of vectors; CRH goes through both of its schedules of reassignment."""
    clouds = write_clouds(tmp_path_factory.mktemp("data") / "clouds.npz")
    options = {"methods": ["crh", "csq"], "datasets": [clouds], "bits": [8, 16]}
    return grid_spec(options=options, sets=["train.epochs=8", "crh.warmup_epochs=1", "crh.period=2"])


@pytest.fixture(scope="session")
def baseline(spec: GridSpec, tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    out = tmp_path_factory.mktemp("learning")
    return learn(plan_learning(spec.model_copy(update={"out": out}), SEEDS, AGAIN), "the first", AGAIN)


@pytest.fixture
def where(tmp_path: Path) -> tuple[GridSpec, Path]:
    """Nothing chosen of where cells run, and the folder."""
    return grid_spec(), tmp_path / "out"

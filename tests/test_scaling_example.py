"""docs/examples/scaling.py measures every step at tiny sizes; the page names each; the grid's simulation adds up."""

import importlib
import math
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DOCS = Path(__file__).parents[1] / "docs"
NETWORK = "features by ResNet-34"  # takes seconds however few its images are


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS / "examples"))


@pytest.fixture
def scaling(examples: None) -> ModuleType:
    return importlib.import_module("scaling")


@pytest.fixture
def grid(examples: None) -> ModuleType:
    return importlib.import_module("grid_failures")


@pytest.mark.slow
def test_every_step_runs_and_is_in_both_tables(scaling: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    names = [step.name for step in importlib.import_module("scaling_steps").steps() if NETWORK not in step.name]
    scaling.main(["--scale", "0.02", "--repeats", "1", "--only", ";".join(names)])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    rows = [line.strip("| ").split(" | ") for line in lines]
    assert len({line.count("|") for line in lines}) == 2
    first, second = rows[2 : len(names) + 2], rows[len(names) + 4 :]  # below header and rule
    assert [row[0] for row in first] == names
    assert [row[0].partition(",")[0] for row in second] == [name.partition(",")[0] for name in names]
    assert "nan" not in " ".join(lines)


def test_one_step_at_a_size_of_ones_own(scaling: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    scaling.main(["--scale", "0.02", "--only", "greedy", "--at", "C=30"])
    assert "| C 30 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"), [(["--at", "X=3"], "there is no size X: use N, T"), (["--only", "nothing"], "no step")]
)
def test_mistakes(
    arguments: list[str], message: str, scaling: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    with pytest.raises(SystemExit, match="2"):
        scaling.main(arguments)
    assert message in capsys.readouterr().err


def test_weights_of_a_known_cost_are_found(scaling: ModuleType) -> None:
    sizes = [scaling.Sizes(N=n, Q=q) for n, q in ((100, 10), (200, 10), (100, 1_000))]
    seconds = [3e-9 * s.N + 5e-10 * s.N * s.Q for s in sizes]
    assert scaling.fitted("N + N Q", sizes, seconds) == pytest.approx([3e-9, 5e-10])
    assert min(scaling.fitted("N + Q", sizes, [1.0, 0.5, 1.0])) >= 0


def test_sizes_and_where_a_limit_is_reached(scaling: ModuleType) -> None:
    sizes = scaling.Sizes(N=10, C=3, K=65)
    assert (sizes.of("4 N C"), sizes.of("M W")) == (120, 12)
    step = scaling.Step("pairs", "", "C C", "8 C C", lambda _: lambda: None, [], sizes, "C")
    found = scaling.Found(step, [1e-9], sizes, 1.0, None)
    assert scaling.until(found, 8e10, found.memory) == pytest.approx(1e5)
    assert scaling.until(found, 10.0, found.seconds) == pytest.approx(1e5)
    assert scaling.until(found, math.inf, found.memory) == math.inf
    batches = found._replace(step=step._replace(batch=3))
    assert batches.seconds(scaling.Sizes(T=10, C=1)) == pytest.approx(4e-9)


def test_the_page_has_the_steps_and_the_grid(scaling: ModuleType, grid: ModuleType) -> None:
    page = (DOCS / "scaling.md").read_text()
    for step in importlib.import_module("scaling_steps").steps():
        row = rf"^\| {re.escape(step.name)} \| {re.escape(step.code)} \|"
        assert re.search(row, page, re.MULTILINE), step.name
        assert (DOCS.parent / "bench" / step.code).is_file() or (DOCS.parent / step.code).is_file()
    assert grid.table() in page


def test_without_losses_a_grid_takes_its_cells_one_after_the_other(grid: ModuleType) -> None:
    found = grid.simulate(10, 4, 100.0, math.inf)
    assert found == pytest.approx((grid.START + 3 * (100 + grid.OVERHEAD), 0, 0, 0))


@pytest.mark.parametrize("between", [50.0, 1_000.0, 10_000.0])
def test_losses_cost_time_and_cells(grid: ModuleType, between: float) -> None:
    runs = np.array([grid.simulate(200, 8, 300.0, between, seed=seed) for seed in range(20)])
    _, again, lost, failed = runs.mean(axis=0)
    first = 1 - math.exp(-300 / between)
    assert (runs[:, 3] <= runs[:, 2] / 2).all()  # a failed cell has lost two
    assert lost == pytest.approx(200 * first + failed, rel=0.2)
    assert again <= lost * grid.CHECKPOINT

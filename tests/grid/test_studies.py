from pathlib import Path

import pytest

from bench.errors import ConfigError, UnknownNameError
from bench.grid.spec import GridSpec, grid_spec
from bench.grid.studies import STUDIES, plan_study


@pytest.fixture
def spec(tmp_path: Path, tiny: list[str]) -> GridSpec:
    return grid_spec(options={"out": tmp_path, "bits": [8, 16], "seeds": [0]}, sets=tiny)


def labels(name: str, spec: GridSpec, bits: int, *methods: str) -> list[str]:
    cells = [planned.job.cell for planned in plan_study(name, spec, methods).cells]
    return [cell.method_label for cell in cells if cell.bits == bits]


def test_the_factorial_crosses_every_two_methods(spec: GridSpec) -> None:
    assert labels("factorial", spec, 8, "crh", "csq") == ["crh", "crh+csq-loss", "csq+crh-loss", "csq"]


def test_sizes_and_dimensions_are_those_that_fit(spec: GridSpec) -> None:
    assert labels("codebook-size", spec, 8) == [f"crh[codebook_size={m}]" for m in (8, 16, 32, 64)]  # 8 classes
    assert labels("head-dim", spec, 8) == ["crh[heads=2]", "crh[heads=1]"]  # d = 4, 8 hold 16 words
    assert labels("head-dim", spec, 16) == ["crh[heads=4]", "crh[heads=2]", "crh[heads=1]"]


def test_nothing_that_fits_is_said(spec: GridSpec) -> None:
    with pytest.raises(ConfigError, match="nothing that fits 2 bits and 8 classes"):
        plan_study("codebook-size", spec.model_copy(update={"bits": (2,)}))


def test_an_unknown_study_suggests_the_nearest(spec: GridSpec) -> None:
    with pytest.raises(UnknownNameError, match="did you mean factorial"):
        plan_study("factoriel", spec)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_is_a_grid_that_can_run(name: str, spec: GridSpec) -> None:
    plan = plan_study(name, spec)
    assert plan.to_run
    assert len({planned.job.cell.id for planned in plan.cells}) == len(plan.cells)

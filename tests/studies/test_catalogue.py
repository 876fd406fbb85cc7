from pathlib import Path

import pytest

from bench.errors import ConfigError, UnknownNameError
from bench.grid.spec import GridSpec, grid_spec
from bench.plugins.method import Task
from bench.plugins.registry import registry
from bench.studies.catalogue import ABLATION, CONTROLS, ROBUSTNESS, STUDIES, plan_study, reassigned_after


@pytest.fixture
def spec(tmp_path: Path, tiny: list[str]) -> GridSpec:
    return grid_spec(options={"out": tmp_path, "bits": [8, 16], "seeds": [0]}, sets=tiny)


def labels(name: str, spec: GridSpec, bits: int, *methods: str) -> list[str]:
    cells = [planned.job.cell for planned in plan_study(name, spec, methods).cells]
    return [cell.method_label for cell in cells if cell.bits == bits]


def trained(spec: GridSpec, epochs: int) -> GridSpec:
    return spec.model_copy(update={"set": {**spec.set, "train": {**spec.set["train"], "epochs": epochs}}})


def test_the_factorial_crosses_every_two_methods(spec: GridSpec) -> None:
    assert labels("factorial", spec, 8, "crh", "csq") == ["crh", "crh+csq-loss", "csq+crh-loss", "csq"]


def test_variants_side_by_side(spec: GridSpec) -> None:
    assert labels("ablation", spec, 8) == ["crh-u", "crh-m", "crh"] == list(ABLATION)
    assert labels("robustness", spec, 16) == ["crh-seed", "crh-init", "crh-init-h"] == list(ROBUSTNESS)
    controls = labels("controls", spec, 8)  # glyphs have a class tree
    assert set(controls) == {*CONTROLS, "crh"} - {"assigned-clip"}


def test_without_a_class_tree_there_is_no_assignment_by_it(spec: GridSpec, features: str) -> None:
    controls = labels("controls", spec.model_copy(update={"datasets": (features,), "set": {}}), 8)
    assert set(controls) == {*CONTROLS, "crh"} - {"assigned-clip", "assigned-hierarchy"}


def test_sizes_and_dimensions_are_those_that_fit(spec: GridSpec) -> None:
    sizes = ["crh[codebook_size=8]", "crh", "crh[codebook_size=32]", "crh[codebook_size=64]"]  # 8 classes: crh has 16
    assert labels("codebook-size", spec, 8) == sizes
    narrow = spec.model_copy(update={"bits": (5,)})
    assert labels("codebook-size", narrow, 5) == sizes[:3]  # 32 words of 5 bits
    assert labels("head-dim", spec, 8) == ["crh", "crh[heads=1]"]  # d = 4, 8 hold 16 words
    assert labels("head-dim", spec, 16) == ["crh", "crh[heads=2]", "crh[heads=1]"]


def test_a_setting_of_the_whole_grid_decides_what_fits(spec: GridSpec) -> None:
    large = spec.model_copy(update={"set": {**spec.set, "crh": {"codebook_size": 64}}})  # d >= 6
    assert labels("head-dim", large, 16) == ["crh[codebook_size=64]", "crh[codebook_size=64,heads=1]"]


def test_update_schedules_that_come_to_the_same_are_run_once(spec: GridSpec) -> None:
    plan = plan_study("update-frequency", trained(spec, 12))
    assert [p.job.cell.method_label for p in plan.cells if p.job.cell.bits == 8] == [
        "crh", "crh[reassignment=never]", "crh[period=10,warmup_epochs=0]", "crh[period=5,warmup_epochs=0]",
        "crh[period=2,warmup_epochs=0]",
    ]  # fmt: skip
    assert plan.notes == (
        "crh[period=20,warmup_epochs=0] does in 12 epochs what crh[reassignment=never] does, and is left out.",
        "crh[period=1,warmup_epochs=0] does in 12 epochs what crh does, and is left out.",
    )
    assert len(labels("update-frequency", trained(spec, 40), 8)) == 7


def test_what_is_run_beside_is_left_out_only_where_nothing_else_differs(spec: GridSpec) -> None:
    beside = ("crh-m", "crh[margin=0.3]", "csq")
    assert set(beside) < set(labels("update-frequency", spec, 8, *beside))
    assert labels("ablation", spec, 8, "csq", "crh") == ["crh-u", "crh-m", "crh", "csq"]


@pytest.mark.parametrize("settings", [
    {}, {"reassignment": "never"}, {"warmup_epochs": 0, "period": 20}, {"warmup_epochs": 3, "period": 4},
    {"reassignment": "hungarian", "warmup_epochs": 1},
])  # fmt: skip
def test_epochs_of_reassignment_are_those_of_the_method(settings: dict) -> None:
    method = registry("method").load("crh").build(Task(4, 8), **settings)
    config = method.config.model_dump()
    assert reassigned_after(config, 41) == tuple(e for e in range(41) if method.reads_codes(e))


def test_other_methods_have_no_epochs_of_reassignment() -> None:
    assert reassigned_after({"margin": 0.2}, 10) is None


def test_nothing_that_fits_is_said_with_its_reason(spec: GridSpec) -> None:
    narrow = spec.model_copy(update={"bits": (2,)})
    with pytest.raises(ConfigError, match=r"codebook-size has nothing that fits 2 bits and 8 classes: .*\(2\^2 = 4"):
        plan_study("codebook-size", narrow)
    with pytest.raises(ConfigError, match=r"head-dim has nothing that fits 2 bits .*16 candidates do not fit into 2 b"):
        plan_study("head-dim", narrow)


def test_nothing_to_compare_is_said(spec: GridSpec) -> None:
    with pytest.raises(ConfigError, match=r"head-dim has nothing to compare: with 8 classes .* crh alone"):
        plan_study("head-dim", spec.model_copy(update={"bits": (4,)}))
    assert labels("head-dim", spec.model_copy(update={"bits": (4, 8)}), 4) == ["crh"]  # beside a length with two
    with pytest.raises(ConfigError, match="factorial has nothing to compare"):
        plan_study("factorial", spec, ["crh"])


def test_a_setting_that_a_study_varies_cannot_be_set(spec: GridSpec) -> None:
    with pytest.raises(ConfigError, match=r"gives crh\.heads its values itself: leave --set crh\.heads out"):
        plan_study("head-dim", spec.model_copy(update={"set": {**spec.set, "crh": {"heads": 2}}}))


def test_settings_that_cannot_be_are_no_lack_of_room(spec: GridSpec) -> None:
    with pytest.raises(ConfigError, match=r"crh has no setting 'marge'"):
        plan_study("head-dim", spec.model_copy(update={"set": {**spec.set, "crh": {"marge": 2}}}))


def test_an_unknown_study_suggests_the_nearest(spec: GridSpec) -> None:
    with pytest.raises(UnknownNameError, match="did you mean factorial"):
        plan_study("factoriel", spec)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_is_a_grid_that_can_run(name: str, spec: GridSpec) -> None:
    plan = plan_study(name, spec)
    assert plan.to_run
    assert len({planned.job.cell.id for planned in plan.cells}) == len(plan.cells)

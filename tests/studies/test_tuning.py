import json
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.errors import ConfigError, StoreError
from bench.grid.plan import make_plan
from bench.grid.spec import GridSpec, grid_spec
from bench.grid.tuned import write_choices
from bench.studies.tuning import SearchSpace, budget_digest, plan_tuning, tune

SPACE = SearchSpace(lr=(1e-3, 1e-2), weight_decay=(0.0,), epochs=(1, 2))


@pytest.fixture
def spec(tmp_path: Path, tiny: list[str]) -> GridSpec:
    return grid_spec(options={"out": tmp_path, "bits": [8], "methods": ["crh", "csq"]}, sets=tiny)


def test_every_method_gets_the_same_trials_on_the_validation_part(spec: GridSpec) -> None:
    cells = [planned.job.cell for planned in plan_tuning(spec, SPACE).cells]
    trials = {m: [(c.train["lr"], c.train["epochs"]) for c in cells if c.method == m] for m in ("crh", "csq")}
    assert trials["crh"] == trials["csq"] == [(1e-3, 1), (1e-3, 2), (1e-2, 1), (1e-2, 2)]
    assert {c.part for c in cells} == {"validation"}
    assert {c.counts["query"] for c in cells} == {16}  # of 64 training items, 2 of each class
    assert {c.counts["train"] for c in cells} == {48}


def test_the_best_trial_is_chosen_kept_and_used(spec: GridSpec) -> None:
    path, found = tune(spec, SPACE)
    ((key, methods),) = found.items()
    for entry in methods.values():
        best = max(entry["trials"], key=lambda trial: trial["map"])
        assert entry["map"] == best["map"]
        assert entry["train"] == {name: best[name] for name in ("lr", "weight_decay", "epochs")}
    assert json.loads(path.read_text())["choices"][key]["crh"] == methods["crh"]
    results = bench.run(methods=["crh", "csq"], bits=[8], out=spec.out, set=spec.set, settings="tuned", reports=False)
    for stored in results.cells:
        assert stored.cell.train["lr"] == methods[stored.cell.method]["train"]["lr"]
        assert stored.cell.part == "test"
        assert stored.cell.tuning == budget_digest(spec, SPACE)
    assert len({stored.cell.protocol for stored in results.cells}) == 1  # one table, whatever was chosen


def test_choices_of_other_methods_stay(spec: GridSpec) -> None:
    tune(spec.model_copy(update={"methods": ("crh",)}), SPACE)
    path, _ = tune(spec.model_copy(update={"methods": ("csq",)}), SPACE)
    (methods,) = json.loads(path.read_text())["choices"].values()
    assert set(methods) == {"crh", "csq"}


def test_other_budgets_share_no_table(spec: GridSpec) -> None:
    other = SearchSpace(lr=(1e-3,), weight_decay=(0.0,), epochs=(1,))
    assert budget_digest(spec, SPACE) != budget_digest(spec, other)


def test_trials_can_be_drawn() -> None:
    some = SPACE.model_copy(update={"trials": 2}).draw()
    assert len(some) == 2
    assert all(trial in SPACE.draw() for trial in some)


def test_methods_that_were_not_tuned_are_told(spec: GridSpec) -> None:
    with pytest.raises(ConfigError, match="crh has not been tuned on glyphs@default"):
        make_plan(spec.model_copy(update={"settings": "tuned"}))
    entry = '{"schema": 1, "choices": {"key": {"crh": {"train": 3, "budget": "a"}}}}'
    for content in ('{"schema": 1, "choices": {"key": 3}}', entry, "[" * 5000):
        (spec.out / "tuned.json").write_text(content)
        with pytest.raises(ConfigError, match="is not a file of bench tune"):
            make_plan(spec.model_copy(update={"settings": "tuned"}))
    (spec.out / "tuned.json").write_text("[]")
    with pytest.raises(ConfigError, match="not a file of bench tune"):
        make_plan(spec.model_copy(update={"settings": "tuned"}))
    with pytest.raises(ConfigError, match="leave out --settings"):
        plan_tuning(spec.model_copy(update={"settings": "paper"}), SPACE)


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"tuned\.json cannot be written \(No such file or directory\)"):
        write_choices(tmp_path / "nowhere" / "tuned.json", {})


def test_the_test_set_is_not_looked_at(spec: GridSpec) -> None:
    plan = plan_tuning(spec, SPACE)
    dataset = plan.cells[0].job.open_dataset()
    from bench.data.splits import part_split

    split = part_split(dataset.split, dataset.labels, "validation")
    for part in (split.train, split.query, split.database):
        assert np.isin(part, dataset.split.train).all()
    assert not np.intersect1d(split.query, split.database).size

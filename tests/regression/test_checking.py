from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.errors import ConfigError, TrainingError
from bench.grid.plan import make_plan
from bench.grid.spec import GridSpec
from bench.plugins.registry import registry
from bench.regression.baseline import Baseline, read_baseline, write_baseline
from bench.regression.checking import check, compared_baselines, plan_check
from bench.regression.findings import CENTERS, Check
from bench.regression.learning import learn, plan_learning
from bench.regression.quantities import QUANTITIES

Where = tuple[GridSpec, Path]


def checked(baseline: Baseline, where: Where) -> Check:
    return check(baseline, plan_check(baseline, *where))


def edited(baseline: Baseline, **changes: object) -> Baseline:
    return baseline.model_copy(update=changes)


def test_an_unchanged_program_is_inside_and_the_same_seeds_give_the_same(baseline: Baseline, where: Where) -> None:
    found = checked(baseline, where)
    assert found.passed
    assert found.notes == ()
    assert [cell.title for cell in found.cells] == [each.title for each in baseline.cells]
    for cell in found.cells:
        names = [finding.name for finding in cell.findings]
        assert {"map", "d_min", "bit_balance", "loss", CENTERS} <= set(names)
        assert ("pcc_backbone" in names) == (cell.cell.method == "crh")  # of orthogonal centers it is not defined
        for finding in cell.findings:
            assert finding.inside
            if finding.name != CENTERS:
                assert finding.found == pytest.approx(finding.then, rel=1e-5)


def test_cells_are_run_anew_though_they_are_stored(baseline: Baseline, where: Where) -> None:
    checked(baseline, where)
    again = plan_check(baseline, *where)
    assert len(again.to_run) == len(again.cells) == 8
    assert {planned.job.cell.seed for planned in again.cells} == {0, 1}


def test_a_value_outside_is_told_with_its_distance(baseline: Baseline, where: Where) -> None:
    first = baseline.cells[0]
    lower = tuple(value - 0.4 for value in first.values["map"] if value is not None)
    moved = first.model_copy(update={"values": {**first.values, "map": lower}})
    found = checked(edited(baseline, cells=(moved, *baseline.cells[1:])), where)
    assert not found.passed
    assert [len(cell.outside) for cell in found.cells] == [1, 0, 0, 0]
    (finding,) = found.cells[0].outside
    sd = np.std(lower, ddof=1)
    assert finding.band is not None
    assert finding.band.deviations(finding.found or 0) == pytest.approx((finding.found - np.mean(lower)) / sd)
    assert " sd higher (band " in finding.sentence()
    assert json.loads(json.dumps(found.as_json()))["cells"][0]["quantities"][0]["inside"] is False


def test_a_wrong_line_in_a_loss_is_outside(baseline: Baseline, where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    """CRH's margin is added where it is to be taken away: one sign."""
    plan = plan_check(baseline, *where)
    loss = registry("method").load("crh").loss

    def wrong(self, relaxed, targets):
        config = self.config
        self.config = config.model_copy(update={"margin": -config.margin})
        try:
            return loss(self, relaxed, targets)
        finally:
            self.config = config

    monkeypatch.setattr(registry("method").load("crh"), "loss", wrong)
    found = check(baseline, plan)
    for cell in found.cells:
        assert ("loss" in [finding.name for finding in cell.outside]) == (cell.cell.method == "crh")
        assert cell.passed == (cell.cell.method == "csq")


def test_other_centers_are_outside(baseline: Baseline, where: Where) -> None:
    first = baseline.cells[-1]
    moved = first.model_copy(update={"centers": ("0" * 16, first.centers[1])})
    found = checked(edited(baseline, cells=(*baseline.cells[:-1], moved)), where)
    (finding,) = found.cells[-1].outside
    assert finding.name == CENTERS
    assert "others than those of the same seeds" in finding.sentence()


def test_a_changed_default_is_outside_and_named(baseline: Baseline, where: Where) -> None:
    """The baseline holds what was chosen; what was not is as the program says now."""
    grid = {**baseline.grid, "set": {**baseline.grid["set"], "csq": {"quantization_weight": 30.0}}}
    cells = tuple(
        each.model_copy(update={"cell": each.cell.model_copy(update={"method_label": "csq[quantization_weight=30.0]"})})
        if each.cell.method == "csq" else each for each in baseline.cells
    )  # fmt: skip
    found = checked(edited(baseline, grid=grid, cells=cells), where)
    assert not found.passed
    for cell, before in zip(found.cells[2:], baseline.cells[2:], strict=True):
        then = before.cell.method_config["quantization_weight"]
        assert cell.notes == (f"method_config.quantization_weight was {then}, is 30.0",)
    assert found.cells[0].notes == ()


def test_a_failed_run_is_outside_with_its_reason(
    baseline: Baseline, where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self, relaxed, targets):
        raise ValueError("no such index")

    plan = plan_check(baseline, *where)
    monkeypatch.setattr(registry("method").load("csq"), "loss", broken)
    found = check(baseline, plan)
    assert [cell.passed for cell in found.cells] == [True, True, False, False]
    assert "no such index" in (found.cells[2].failure or "")


def test_another_version_of_a_method_is_told(baseline: Baseline, where: Where) -> None:
    first = baseline.cells[0]
    older = first.model_copy(update={"cell": first.cell.model_copy(update={"method_version": 0})})
    found = checked(edited(baseline, cells=(older, *baseline.cells[1:])), where)
    assert [cell.passed for cell in found.cells] == [False, True, True, True]
    assert "crh is version 1 here, and the baseline was learned with version 0" in (found.cells[0].failure or "")


def test_other_files_of_a_dataset_are_told(baseline: Baseline, where: Where) -> None:
    cells = tuple(
        each.model_copy(update={"cell": each.cell.model_copy(update={"fingerprint": "0" * 64})})
        for each in baseline.cells
    )
    found = checked(edited(baseline, cells=cells), where)
    assert not any(cell.passed for cell in found.cells)
    assert "the files of clouds are not those the baseline was learned on" in (found.cells[0].failure or "")


def test_other_versions_of_packages_are_a_note(baseline: Baseline, where: Where) -> None:
    last = baseline.history[-1]
    older = last.model_copy(update={"learned_with": {**last.learned_with, "torch": "1.0"}})
    found = checked(edited(baseline, history=(older,)), where)
    assert found.passed
    (note,) = found.notes
    assert note.startswith("torch was 1.0, is ")


def test_a_quantity_that_comes_or_goes(baseline: Baseline, where: Where) -> None:
    first = baseline.cells[0]
    none = (None,) * len(baseline.seeds)
    some = (None, *first.values["d_mean"][1:])
    values = {**first.values, "map": none, "pcc": first.values["pcc_backbone"], "d_mean": some}
    moved = first.model_copy(update={"values": values})
    found = checked(edited(baseline, cells=(moved, *baseline.cells[1:])), where).cells[0]
    sentences = {finding.name: finding.sentence() for finding in found.outside}
    assert set(sentences) == {"map", "pcc"}
    assert "where it was not defined before" in sentences["map"]
    assert "not defined any more" in sentences["pcc"]
    assert "d_mean" not in [finding.name for finding in found.findings]  # of some seeds alone: not judged


def test_cells_that_are_not_the_grids(baseline: Baseline, where: Where) -> None:
    with pytest.raises(ConfigError, match="the baseline's cells are not those of its grid"):
        plan_check(edited(baseline, cells=baseline.cells[1:]), *where)


def test_what_learning_again_has_moved(baseline: Baseline) -> None:
    assert all(cell.passed for cell in compared_baselines(baseline, baseline))
    first = baseline.cells[0]
    loss = tuple(2 * value for value in first.values["loss"] if value is not None)
    moved = first.model_copy(update={"values": {**first.values, "loss": loss}})
    found = compared_baselines(baseline, edited(baseline, cells=(moved, *baseline.cells[1:])))
    assert [[f.name for f in cell.outside] for cell in found] == [["loss"], [], [], []]


def test_learning_needs_a_reason_and_seeds(spec: GridSpec, tmp_path: Path) -> None:
    here = spec.model_copy(update={"out": tmp_path})
    for seeds, again, message in ((2, 1, "2 seeds tell nothing"), (5, 6, "a check cannot run 6 of 5 seeds")):
        with pytest.raises(ConfigError, match=message):
            plan_learning(here, seeds, again)
    with pytest.raises(ConfigError, match="is not learned without a reason"):
        learn(plan_learning(here, 3, 1), "  \n ")
    assert not (tmp_path / "cells").exists()


def test_nothing_is_learned_of_a_cell_that_fails(
    spec: GridSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self, relaxed, targets):
        raise ValueError("no such index")

    plan = plan_learning(spec.model_copy(update={"out": tmp_path}), 3, 1)
    monkeypatch.setattr(registry("method").load("csq"), "loss", broken)
    with pytest.raises(TrainingError, match=r"no baseline was learned: .* csq .*no such index"):
        learn(plan, "why")


def test_the_file_holds_all_of_it(baseline: Baseline, spec: GridSpec, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "mine.json"
    write_baseline(file, baseline)
    assert read_baseline(file) == baseline
    again = make_plan(read_baseline(file).spec(baseline.seeds))
    assert {p.job.cell.id for p in again.cells} == {
        p.job.cell.id for p in make_plan(spec.model_copy(update={"seeds": baseline.seeds})).cells
    }
    assert [path.name for path in file.parent.iterdir()] == ["mine.json"]
    parts = {"part:center", "part:quantization"}  # what CRH logs
    assert set(baseline.cells[0].values) == set(QUANTITIES) | parts

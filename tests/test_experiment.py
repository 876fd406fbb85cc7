"""What one cell stores: metrics, phases, provenance, notes; the same numbers every time."""

from __future__ import annotations

import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bench
from bench.errors import DataError, DeviceLostError
from bench.evaluation.semantics import hierarchy_similarity
from bench.experiment import build_method, run_unit
from bench.grid.plan import make_plan
from bench.grid.run import run_plan
from bench.grid.spec import grid_spec
from bench.methods.orthohash import OrthoHash
from bench.plugins.dataset import Hierarchy
from bench.plugins.method import Method
from bench.storage.results import Results
from bench.training.progress import Observer
from bench.workshop import Workshop


def run(out: Path, sets: dict, **options: Any) -> Any:
    (stored,) = bench.run(
        **{"methods": ["crh"], "bits": [8], "reports": False, "out": out, "set": sets, **options}
    ).cells
    return stored


def test_everything_a_reader_needs_is_stored(tmp_path: Path, tiny_set: dict) -> None:
    stored = run(tmp_path, tiny_set)
    result = stored.result
    assert set(result["seconds"]) == {"data", "centers", "training", "codes", "evaluation", "total"}
    assert result["seconds"]["total"] >= sum(v for k, v in result["seconds"].items() if k != "total")
    assert len(result["history"]) == 2
    assert {"loss", "lr"} <= set(result["history"][0])
    where = result["provenance"]
    assert where["packages"]["torch"]
    assert where["device"] == "cpu"
    assert where["peak_memory_bytes"] > 2**26
    metrics = result["metrics"]
    assert 0 < metrics["map_worst"] <= metrics["map"] <= metrics["map_best"] <= 1
    assert metrics["pcc_reference"] == "hierarchy"
    assert metrics["d_min"] >= 1
    assert metrics["map_low"] <= metrics["map"] <= metrics["map_high"]
    assert metrics["quantization_gap"] == pytest.approx(metrics["map_relaxed"] - metrics["map"])
    audit = result["audit"]
    assert sum(audit["centers"]["distances"]) == 8 * 7 / 2
    assert audit["codes"]["own_center_distance"] < audit["codes"]["other_center_distance"] + 4
    assert stored.cell.method_config["margin"] == 0.2  # defaults are resolved, not left out


def test_a_cell_can_be_evaluated_from_what_is_stored(tmp_path: Path, tiny_set: dict) -> None:
    stored = run(tmp_path, tiny_set)
    arrays, metrics, classes = stored.arrays(), stored.result["metrics"], stored.result["classes"]
    found = bench.evaluate(
        arrays["query_codes"], arrays["query_labels"], arrays["database_codes"], arrays["database_labels"], bits=8
    )
    assert found.map == metrics["map"]
    assert found.map_at(100, "hits") == metrics["map_at_100_hits"]
    assert arrays["database_labels"].dtype == np.uint8
    assert arrays["radius_recall"][-1] == arrays["rank_recall"][-1] == 1
    assert len(classes["names"]) == len(classes["paths"]) == 8


def test_pcc_is_known_at_the_start_after_each_epoch_and_at_the_end(tmp_path: Path, tiny_set: dict) -> None:
    """As PCC of the stored centers; in between it changes only where centers do."""
    moving = run(tmp_path, {**tiny_set, "crh": {"warmup_epochs": 0, "period": 1}}, methods=["crh"])
    tree = hierarchy_similarity(Hierarchy(tuple(map(tuple, moving.result["classes"]["paths"]))))
    metrics, history = moving.result["metrics"], moving.result["history"]
    assert sum(epoch["centers_moved"] for epoch in history) > 0
    assert metrics["pcc_initial"] == bench.pcc(moving.arrays()["centers_initial"], tree)
    assert metrics["pcc"] == bench.pcc(moving.arrays()["centers_final"], tree) == history[-1]["pcc"]
    fixed = run(tmp_path, tiny_set, methods=["orthohash"]).result
    assert {epoch["pcc"] for epoch in fixed["history"]} == {fixed["metrics"]["pcc"], fixed["metrics"]["pcc_initial"]}


def test_several_classes_an_item_are_stored_as_bits(tmp_path: Path) -> None:
    small = {"classes": 9, "train": 40, "query": 8, "database": 40, "size": 32}
    sets = {"glyph-scenes": small, "train": {"epochs": 1, "batch_size": 16}}
    (stored,) = bench.run(["csq"], ["glyph-scenes"], bits=[8], out=tmp_path, set=sets, reports=False).cells
    labels = np.unpackbits(stored.arrays()["query_labels"], axis=1, count=9)
    assert stored.arrays()["query_labels"].shape == (8, 2)
    assert (labels.sum(axis=1) > 0).all()


def test_classes_that_share_a_center_are_noted(tmp_path: Path, tiny_set: dict) -> None:
    stored = run(tmp_path, tiny_set, methods=["csq"], bits=[2])
    duplicates = stored.result["metrics"]["duplicates"]
    assert duplicates > 0
    assert any(
        f"csq: {duplicates} pairs of the 8 classes with the same center at 2 bits" in n for n in stored.result["notes"]
    )


def test_the_same_cell_gives_the_same_numbers(tmp_path: Path, tiny_set: dict) -> None:
    one, two = run(tmp_path / "a", tiny_set), run(tmp_path / "b", tiny_set)
    assert one.cell.id == two.cell.id
    assert one.result["metrics"] == two.result["metrics"]
    assert one.result["history"] == two.result["history"]
    for name, array in one.arrays().items():
        assert np.array_equal(array, two.arrays()[name]), name


def test_another_seed_is_another_network_and_other_centers(tmp_path: Path, tiny_set: dict) -> None:
    results = bench.run(methods=["crh"], bits=[8], seeds=[0, 1], out=tmp_path, set=tiny_set, reports=False)
    one, two = (stored.arrays() for stored in results.cells)
    assert not np.array_equal(one["centers_used"], two["centers_used"])
    assert not np.array_equal(one["query_codes"], two["query_codes"])


def test_centers_are_the_methods_and_crh_moves_them(tmp_path: Path, tiny_set: dict) -> None:
    fixed = run(tmp_path, tiny_set, methods=["crh-u"])
    first = build_method(fixed.cell).centers.numpy()
    assert np.array_equal(fixed.arrays()["centers_final"], first)
    assert fixed.result["metrics"]["centers_moved_last"] == 0
    moved = run(tmp_path, tiny_set, methods=["crh-m"])
    assert not np.array_equal(moved.arrays()["centers_final"], build_method(moved.cell).centers.numpy())


def test_warnings_of_a_method_become_notes(tmp_path: Path, tiny_set: dict) -> None:
    sets = {**tiny_set, "glyphs": {**tiny_set["glyphs"], "classes": 24}}
    stored = run(tmp_path, sets, methods=["csq"])
    (note,) = stored.result["notes"]
    assert note.startswith("csq: 24 classes at 8 bits: after 20 draws")


def test_an_operation_that_is_not_deterministic_becomes_a_note(
    tmp_path: Path, tiny_set: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(self: Method, epoch: int) -> None:
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))

    monkeypatch.setattr(Method, "before_epoch", put)
    for deterministic in (True, False):
        (stored,) = bench.run(
            methods=["csq"], bits=[16], set=tiny_set, out=tmp_path / str(deterministic), reports=False, workers=0,
            deterministic=deterministic,
        ).cells  # fmt: skip
        found = [note for note in stored.result["notes"] if note.startswith("put_ does not have a deterministic")]
        assert len(found) == deterministic


def test_frozen_features_have_one_map_for_all_cells(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    means = rng.normal(size=(5, 12)).astype(np.float32)
    labels = np.arange(100) % 5
    features = means[labels] + 0.5 * rng.normal(size=(100, 12)).astype(np.float32)
    np.savez(
        tmp_path / "f.npz", train_features=features[:60], train_labels=labels[:60], query_features=features[60:],
        query_labels=labels[60:],
    )  # fmt: skip
    results = bench.run(
        datasets=[str(tmp_path / "f.npz")], bits=[8, 16], out=tmp_path / "out", set={"train": {"epochs": 30}}
    )
    frame = results.frame
    assert frame["map_features"].nunique() == 1
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    similarity = unit[60:] @ unit[:60].T
    precisions = []
    for row, label in zip(similarity, labels[60:], strict=True):
        hits = labels[:60][np.argsort(-row)] == label
        precisions.append((np.cumsum(hits) / np.arange(1, 61))[hits].mean())
    assert frame["map_features"].iloc[0] == pytest.approx(np.mean(precisions), abs=1e-6)
    assert (frame["map"] > 0.6).all()  # five clouds far apart
    assert frame["regime"].eq("frozen").all()


def test_a_dataset_that_changed_after_the_plan_is_refused(tmp_path: Path) -> None:
    def save(value: float) -> None:
        x = np.full((6, 3), value, np.float32)
        y = np.arange(6) % 2
        np.savez(tmp_path / "f.npz", train_features=x, train_labels=y, query_features=x, query_labels=y)

    save(1.0)
    choices = {"datasets": [str(tmp_path / "f.npz")], "methods": ["csq"], "bits": [8], "out": tmp_path / "out"}
    plan = make_plan(grid_spec(options=choices))
    save(2.0)
    with pytest.raises(DataError, match="has changed since the run was planned"):
        next(run_unit((plan.to_run[0],), Workshop(Observer()), Observer()))


class Stopped(BaseException):
    """As Ctrl-C."""


class StopsAfter(Observer):
    """Ends the run once so many cells are stored; hears what is trained."""

    def __init__(self, cells: int) -> None:
        self.left = cells
        self.stages: list[str] = []

    def stage(self, name: str, total: int) -> None:
        self.stages.append(name)

    def stored(self, stored: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise Stopped


def test_a_pass_that_was_trained_is_not_trained_again(tmp_path: Path, features: str) -> None:
    def plan(out: str) -> Any:
        choices = {
            "methods": ["crh", "csq", "mds"], "bits": [8, 16],
            "datasets": [features], "out": tmp_path / out, "set": {"train": {"epochs": 12}},
        }  # fmt: skip
        return make_plan(grid_spec(options=choices))

    whole = run_plan(plan("whole"))
    with pytest.raises(Stopped):
        run_plan(plan("ended"), StopsAfter(2))
    assert len(list((tmp_path / "ended" / "cells").glob(".pass-*"))) == 1
    again = StopsAfter(-1)
    ended = run_plan(plan("ended"), again)
    assert "training" not in again.stages
    assert not list((tmp_path / "ended" / "cells").glob(".*"))
    for one, other in zip(whole.cells, ended.cells, strict=True):
        assert one.result["metrics"] == other.result["metrics"]
        assert all(np.array_equal(a, other.arrays()[name]) for name, a in one.arrays().items())
        assert other.result["provenance"]["trained_together"] == 6


@pytest.mark.parametrize("error", [MemoryError("no more"), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_a_head_that_has_no_memory_in_the_pass_is_trained_alone(
    tmp_path: Path, features: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grid(out: str) -> Any:
        options = {"methods": ["csq", "orthohash"], "datasets": [features], "bits": [8], "out": tmp_path / out}
        return bench.run(**options, set={"train": {"epochs": 3}}, reports=False)

    whole, calls, loss = grid("whole"), iter(range(10**6)), OrthoHash.loss

    def fails_once(self: OrthoHash, *batch: torch.Tensor) -> torch.Tensor:
        if next(calls) == 1:
            raise error
        return loss(self, *batch)

    monkeypatch.setattr(OrthoHash, "loss", fails_once)
    again = grid("again")
    assert all(stored.ok for stored in again.cells)
    assert [stored.result["provenance"]["trained_together"] for stored in again.cells] in ([2, 1], [1, 1])
    for one, other in zip(whole.cells, again.cells, strict=True):
        assert other.result["metrics"]["map"] == pytest.approx(one.result["metrics"]["map"], abs=0.01)


def test_what_is_searched_is_the_database_and_what_asks_the_queries(tmp_path: Path) -> None:
    """One vector stands for all of the database and another for all queries, so each part has one code."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 4
    train = rng.normal(size=(40, 6)).astype(np.float32)
    np.savez(
        tmp_path / "f.npz", train_features=train, train_labels=labels, query_labels=labels, database_labels=labels,
        query_features=np.full((40, 6), 1, np.float32), database_features=np.full((40, 6), -2, np.float32),
    )  # fmt: skip
    (stored,) = bench.run(["csq"], [str(tmp_path / "f.npz")], bits=[16], out=tmp_path / "out", reports=False).cells
    query, database = (stored.arrays()[f"{part}_codes"] for part in ("query", "database"))
    assert len(np.unique(query, axis=0)) == len(np.unique(database, axis=0)) == 1
    assert (query[0] != database[0]).any()
    assert stored.result["metrics"]["map"] == pytest.approx(stored.result["metrics"]["map_chance"])


LOST = RuntimeError("CUDA error: device-side assert triggered\nCompile with `TORCH_USE_CUDA_DSA`")


def test_a_cell_that_loses_the_gpu_is_stored_and_the_others_are_left(
    tmp_path: Path, tiny_set: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(self: OrthoHash, *batch: torch.Tensor) -> torch.Tensor:
        raise LOST

    with monkeypatch.context() as patched:
        patched.setattr(OrthoHash, "loss", lost)
        options: dict[str, Any] = {"methods": ["csq", "orthohash", "crh"], "bits": [8], "out": tmp_path}
        with pytest.raises(DeviceLostError, match=r"orthohash.* \(CUDA error: device-side assert triggered\)"):
            bench.run(**options, set=tiny_set, reports=False)
    stored = Results.read(tmp_path).cells
    assert {one.cell.method: one.ok for one in stored} == {"csq": True, "orthohash": False}
    again = bench.run(**options, set=tiny_set, reports=False)
    assert all(one.ok for one in again.cells)
    assert len(again.cells) == 3


def test_a_pass_in_which_the_gpu_is_lost_is_no_cells_fault(
    tmp_path: Path, features: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(self: OrthoHash, *batch: torch.Tensor) -> torch.Tensor:
        raise LOST

    monkeypatch.setattr(OrthoHash, "loss", lost)
    options: dict[str, Any] = {"methods": ["csq", "orthohash"], "datasets": [features], "bits": [8], "out": tmp_path}
    with pytest.raises(DeviceLostError, match="the GPU was lost"):
        bench.run(**options, set={"train": {"epochs": 2}}, reports=False)
    assert Results.read(tmp_path).cells == []


def test_what_a_pass_warns_of_is_a_note_of_each_of_its_cells(
    tmp_path: Path, features: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = OrthoHash.loss

    def warns(self: OrthoHash, *batch: torch.Tensor) -> torch.Tensor:
        warnings.warn("put_ does not have a deterministic implementation. More of it.", stacklevel=1)
        return loss(self, *batch)

    monkeypatch.setattr(OrthoHash, "loss", warns)
    options: dict[str, Any] = {"methods": ["csq", "orthohash"], "datasets": [features], "bits": [8], "out": tmp_path}
    found = bench.run(**options, set={"train": {"epochs": 2}}, reports=False)
    for one in found.cells:
        assert one.result["provenance"]["trained_together"] == 2
        assert "put_ does not have a deterministic implementation." in one.result["notes"]


def test_nothing_of_a_pass_that_was_too_large_is_held(
    tmp_path: Path, features: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[weakref.ref[torch.Tensor]] = []
    loss = OrthoHash.loss

    def full(self: OrthoHash, *batch: torch.Tensor) -> torch.Tensor:
        if not held:
            large = torch.ones(10)
            held.append(weakref.ref(large))
            raise MemoryError
        assert held[0]() is None
        return loss(self, *batch)

    monkeypatch.setattr(OrthoHash, "loss", full)
    options: dict[str, Any] = {"methods": ["csq", "orthohash"], "datasets": [features], "bits": [8], "out": tmp_path}
    assert all(one.ok for one in bench.run(**options, set={"train": {"epochs": 2}}, reports=False).cells)

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.errors import BenchError
from bench.grid.plan import make_plan
from bench.grid.run import run_plan
from bench.grid.spec import grid_spec
from bench.storage import store
from bench.storage.store import Store


def plan(tmp_path: Path, tiny: list[str], sets: list[str] | None = None, **options: Any):
    return make_plan(grid_spec(options={"out": tmp_path / "out", **options}, sets=[*tiny, *(sets or [])]))


def test_the_whole_grid_in_order(tmp_path: Path, tiny: list[str]) -> None:
    found = plan(tmp_path, tiny, methods=["csq", "crh-m"], bits=[8, 16], seeds=[0, 1])
    keys = [(p.job.cell.method, p.job.cell.bits, p.job.cell.seed) for p in found.cells]
    assert keys == [(m, k, s) for m in ("csq", "crh-m") for k in (8, 16) for s in (0, 1)]
    assert len({p.job.cell.id for p in found.cells}) == 8
    assert len(found.to_run) == 8
    assert found.forecast.seconds is None


def test_states_and_which_cells_run(tmp_path: Path, tiny: list[str]) -> None:
    options = {"methods": ["csq"], "bits": [8, 16, 32]}
    cells = [p.job.cell for p in plan(tmp_path, tiny, **options).cells]
    store = Store(tmp_path / "out")
    good = {"status": "ok", "reason": None, "metrics": {}, "seconds": {"total": 10.0}}
    store.write(cells[0], good, {"ap": np.zeros(1)})
    store.write(cells[1], {**good, "status": "failed", "reason": "x"}, {})
    assert [p.state for p in plan(tmp_path, tiny, **options).cells] == ["done", "failed", "missing"]
    runs = {
        word: [p.runs for p in plan(tmp_path, tiny, overwrite=word, **options).cells]
        for word in ("only-missing", "failed", "always", "never")
    }
    assert runs == {
        "only-missing": [False, True, True], "failed": [False, True, False], "always": [True] * 3, "never": [False] * 3,
    }  # fmt: skip
    assert plan(tmp_path, tiny, **options).forecast.seconds == 20.0


def test_each_stored_cell_is_read_once(tmp_path: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"methods": ["csq"], "bits": [8, 16, 32]}
    good = {"status": "ok", "reason": None, "metrics": {}, "seconds": {"total": 10.0}}
    for planned in plan(tmp_path, tiny, **options).cells:
        Store(tmp_path / "out").write(planned.job.cell, good, {})
    read: list[str] = []
    own = store._read
    monkeypatch.setattr(store, "_read", lambda folder: read.append(folder.name) or own(folder))
    found = plan(tmp_path, tiny, **(options | {"bits": [8, 16, 24]}))
    assert [found.timings.seconds(p.job.cell) for p in found.cells] == [10.0] * 3
    assert found.forecast.seconds == 10.0
    assert len(read) == len(set(read)) == 4  # the three that are there, and one that is not


def test_a_cell_is_run_again_although_it_was_stored_before(tmp_path: Path, tiny: list[str]) -> None:
    options: dict[str, Any] = {"methods": ["csq"], "bits": [8], "workers": 0}
    (planned,) = plan(tmp_path, tiny, **options).cells
    failed = {"status": "failed", "reason": "x", "metrics": {}, "seconds": {"total": 10.0}}
    Store(tmp_path / "out").write(planned.job.cell, failed, {})
    (stored,) = run_plan(plan(tmp_path, tiny, **options)).cells
    assert stored.ok
    (again,) = run_plan(plan(tmp_path, tiny, overwrite="always", **options)).cells
    assert again.path.stat().st_ino != stored.path.stat().st_ino or again.result != stored.result


def test_a_changed_setting_is_another_cell_with_a_name_that_says_so(tmp_path: Path, tiny: list[str]) -> None:
    one = plan(tmp_path, tiny, methods=["crh"], bits=[8]).cells[0].job.cell
    two = plan(tmp_path, tiny, ["crh.margin=0.3"], methods=["crh"], bits=[8]).cells[0].job.cell
    assert one.id != two.id
    assert two.method_label == "crh[margin=0.3]"
    default = plan(tmp_path, tiny, ["crh.margin=0.2"], methods=["crh"], bits=[8]).cells[0].job.cell
    assert default.id == one.id  # the same experiment, however it is said


def test_settings_of_a_variant_are_its_own(tmp_path: Path, tiny: list[str]) -> None:
    cells = {
        p.job.cell.method: p.job.cell for p in plan(tmp_path, tiny, ["crh.margin=0.3"], methods=["crh", "crh-m"]).cells
    }
    assert cells["crh"].method_config["margin"] == 0.3
    assert cells["crh-m"].method_config["margin"] == 0.2


def test_paper_settings_differ_by_method_and_matched_ones_do_not(tmp_path: Path, tiny: list[str]) -> None:
    def train(settings: str) -> list[dict]:
        found = plan(tmp_path, tiny, methods=["crh", "csq"], bits=[8], settings=settings)
        return [p.job.cell.train for p in found.cells]

    matched, paper = train("matched"), train("paper")
    assert matched[0] == matched[1]
    assert paper[0]["head"] == "linear"
    assert paper[1]["head"] == "mlp"
    assert paper[1]["schedule"] == "step"
    assert all(p["epochs"] == 2 for p in paper)


def test_regimes_by_dataset(tmp_path: Path, tiny: list[str]) -> None:
    assert plan(tmp_path, tiny, bits=[8]).cells[0].job.cell.regime == "quick"
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "f.npz", train_features=rng.normal(size=(8, 4)), train_labels=np.arange(8) % 4,
        query_features=rng.normal(size=(4, 4)), query_labels=np.arange(4),
    )  # fmt: skip
    cell = plan(tmp_path, [], datasets=[str(tmp_path / "f.npz")], bits=[8]).cells[0].job.cell
    assert (cell.regime, cell.backbone, cell.dataset_label, cell.split) == ("frozen", "features", "f", "parts")


def test_a_table_given_by_path_is_a_multi_label_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(8):
        Image.fromarray(np.full((9, 9, 3), i, np.uint8)).save(tmp_path / f"{i}.png")
    parts = ["train", "train", "train", "query"] * 2
    rows = [f"{i}.png,{i % 2},{1 - i % 2},{part}" for i, part in enumerate(parts)]
    (tmp_path / "pets.csv").write_text("\n".join(["file,cat,dog,split", *rows]))
    monkeypatch.chdir(tmp_path)
    for text in (str(tmp_path / "pets.csv"), "./pets.csv", "pets.csv", "pets.csv@column"):
        cell = plan(tmp_path, [], datasets=[text], methods=["csq"], bits=[8]).cells[0].job.cell
        assert (cell.dataset, cell.dataset_label, cell.split) == ("multilabel-csv", "pets", "column")
        assert cell.multi_label
        assert cell.counts == {"train": 6, "query": 2, "database": 6}


def test_another_backbone_than_the_regimes_uses_its_own_weights(tmp_path: Path, tiny: list[str]) -> None:
    cell = plan(tmp_path, tiny, bits=[8], backbone="resnet18", regime="frozen").cells[0].job.cell
    assert cell.weights == "resnet18-f37072fd"
    scratch = plan(tmp_path, tiny, bits=[8], backbone="resnet18", weights="scratch").cells[0].job.cell
    assert scratch.weights == "scratch"


@pytest.mark.parametrize(
    ("options", "sets", "message"),
    [
        ({"methods": ["chr"]}, [], "no method 'chr': did you mean crh"),
        ({"datasets": ["glyph"]}, [], "no dataset 'glyph': did you mean glyphs"),
        ({"datasets": ["cifar100@shcc"]}, [], "no split of cifar100 'shcc': did you mean shc"),
        ({"datasets": ["./nowhere"]}, [], "there is no folder or file ./nowhere"),
        ({"datasets": ["nowhere.csv"]}, [], "there is no folder or file nowhere.csv: .*or of an .npz or .csv file"),
        ({"datasets": ["cifar100"]}, [], "say where they are with --data-root DIR"),
        ({"datasets": ["cifar100"], "data_root": "/no/such"}, [], "there is no folder or file /no/such"),
        ({"regime": "slow"}, [], "no regime 'slow'"),
        ({"executor": "locale"}, [], "no executor 'locale': did you mean local"),
        ({"device": "tpu"}, [], "no device 'tpu'"),
        ({"backbone": "resnet35"}, [], "no backbone 'resnet35': did you mean"),
        ({}, ["chr.margin=1"], "'chr': did you mean crh"),
        ({}, ["crh.marginn=1"], "did you mean crh.margin"),
        ({}, ["crh.margin=-1"], "crh.margin = -1 cannot be"),
        ({}, ["train.epoch=1"], "did you mean train.epochs"),
        ({}, ["crh.codebook_size=5"], "less than the 8 classes"),
        ({"bits": [16, 6]}, ["crh.heads=4"], "does not divide 6 bits"),
        ({"bits": [2]}, [], "does not fit into 2 bits"),
    ],
)
def test_every_bad_choice_is_found_before_anything_runs(
    tmp_path: Path, tiny: list[str], options: dict, sets: list[str], message: str
) -> None:
    glyphs = [] if "datasets" in options else tiny
    with pytest.raises(BenchError, match=message) as caught:
        plan(tmp_path, glyphs, sets, **options)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()

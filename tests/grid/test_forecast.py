from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.grid.forecast import Forecast
from bench.grid.plan import Plan, make_plan
from bench.grid.spec import grid_spec
from bench.storage.store import Store
from bench.training.progress import Observer
from bench.workshop import Workshop


def plan(out: Path, tiny_set: dict, **options: Any) -> Plan:
    return make_plan(grid_spec(options={"methods": ["csq"], "bits": [8], "set": tiny_set, "out": out, **options}))


def finish(found: Plan, place: int, seconds: dict[str, float], source: str | None = None) -> None:
    facts = {} if source is None else {"similarity": source}
    Store(found.spec.out).write(
        found.cells[place].job.cell,
        {"status": "ok", "reason": None, "metrics": {}, "seconds": seconds, "audit": {"construction": facts}}, {},
    )  # fmt: skip


def photos(folder: Path) -> Path:
    for row in range(18):
        file = folder / f"class{row % 3}" / f"{row}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 9, 3), row, np.uint8)).save(file)
    return folder


@pytest.mark.parametrize(("workers", "seconds"), [(0, 50.0), (1, 50.0), (2, 30.0), (5, 10.0), (9, 10.0)])
def test_time_goes_down_with_workers_until_each_has_one_cell(
    tmp_path: Path, tiny_set: dict, workers: int, seconds: float
) -> None:
    finish(plan(tmp_path, tiny_set, seeds=[9]), 0, {"total": 10.0})
    found = plan(tmp_path, tiny_set, seeds=[0, 1, 2, 3, 4], workers=workers)
    assert (found.forecast.workers, found.forecast.seconds) == (max(1, workers), seconds)


def test_the_longest_cell_bounds_it(tmp_path: Path, tiny_set: dict) -> None:
    options = {"methods": ["csq", "crh", "mds"]}
    past = plan(tmp_path, tiny_set, seeds=[9], **options)
    for place, seconds in enumerate((1.0, 100.0, 7.0)):
        finish(past, place, {"total": seconds})
    assert plan(tmp_path, tiny_set, workers=2, **options).forecast.seconds == 100.0


def test_median_of_its_method_else_of_all_under_its_protocol(tmp_path: Path, tiny_set: dict) -> None:
    past = plan(tmp_path, tiny_set, seeds=[7, 8, 9])
    for place, seconds in enumerate((1.0, 2.0, 30.0)):
        finish(past, place, {"total": seconds})
    found = plan(tmp_path, tiny_set, methods=["csq", "crh"])
    assert [found.timings.seconds(p.job.cell) for p in found.cells] == [2.0, 2.0]
    other = plan(tmp_path, {**tiny_set, "train": {**tiny_set["train"], "epochs": 3}})  # another protocol
    assert other.timings.seconds(other.cells[0].job.cell) is None
    assert other.forecast.seconds is None


def test_a_shared_classifier_counts_once_for_each_seed(tmp_path: Path, tiny_set: dict) -> None:
    past = plan(tmp_path, tiny_set, methods=["shc"], seeds=[0])
    source = "classifier-paper"
    finish(past, 0, {"classifier": 6.0, "training": 4.0, "total": 10.0}, source)
    found = plan(tmp_path, tiny_set, methods=["shc"], bits=[10, 12, 14], seeds=[0, 1], workers=1)
    assert found.forecast.seconds == 3 * 4.0 + (6.0 + 3 * 4.0)  # of seed 0 it is trained already
    assert found.forecast.shared()[-1] == "2 classifiers are trained once for 6 cells of shc; 1 done already"


def test_cells_trained_together_are_named(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    np.savez(tmp_path / "f.npz", train_features=x, train_labels=np.arange(30) % 3, query_features=x[:6] + 1,
             query_labels=np.arange(6) % 3)  # fmt: skip
    found = plan(tmp_path / "out", {}, datasets=[str(tmp_path / "f.npz")], methods=["csq", "crh"], bits=[4, 8],
                 seeds=[0, 1, 2])  # fmt: skip
    assert found.forecast.shared() == ["12 cells are trained together in 3 passes"]


def test_images_and_features_and_whether_they_are_prepared(tmp_path: Path) -> None:
    folder = str(photos(tmp_path / "photos"))
    sizes = {"train": {"image_size": 16, "store_size": 16, "epochs": 1}}
    options: dict[str, Any] = {"datasets": [folder], "regime": "frozen", "backbone": "small-cnn", "weights": "scratch"}
    found = plan(tmp_path / "out", sizes, seeds=[0, 1], **options)
    not_yet = "; not in the cache yet, and not in the time"
    assert found.forecast.shared()[:2] == [
        f"images of photos at 16 pixels are decoded once{not_yet}",
        f"features of photos by small-cnn are extracted once for 2 cells{not_yet}",
    ]
    job = found.cells[0].job
    from bench.training.regimes import TrainConfig

    Workshop(Observer()).material(job, TrainConfig.build("train", {**job.cell.train, "backbone": job.cell.backbone}))
    assert found.forecast.shared()[0] == (
        "features of photos by small-cnn are extracted once for 2 cells; in the cache already"
    )
    images = plan(
        tmp_path / "out", sizes, datasets=[folder], regime="finetune", backbone="small-cnn", weights="scratch"
    )
    assert images.forecast.shared() == ["images of photos at 16 pixels are decoded once; in the cache already"]


def test_nothing_to_run_takes_no_time(tmp_path: Path, tiny_set: dict) -> None:
    found = plan(tmp_path, tiny_set)
    finish(found, 0, {"total": 10.0})
    again = plan(tmp_path, tiny_set)
    assert again.forecast.seconds == 0.0
    assert again.forecast.shared() == []
    assert Forecast([], again.timings, 3).seconds == 0.0

import numpy as np
import pytest
import torch

import bench
from bench.errors import ConfigError
from bench.plugins import registry
from bench.plugins.info import split_name
from bench.plugins.method import Task

CLASSES, BITS = 12, 32


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    return torch.randn(24, BITS, generator=g), torch.arange(24) % CLASSES


def test_centers_are_of_one_and_the_loss_is_of_the_other() -> None:
    v, y = batch()
    both = bench.method("crh+csq-loss", CLASSES, BITS, seed=3)
    crh, csq = bench.method("crh", CLASSES, BITS, seed=3), bench.method("csq", CLASSES, BITS, seed=3)
    assert torch.equal(both.centers, crh.centers)
    csq.centers = crh.centers
    assert both.loss(v, y).item() == csq.loss(v, y).item()
    assert both.log.keys() == csq.log.keys()


def test_reassigned_centers_reach_the_loss() -> None:
    v, y = batch()
    both, crh = bench.method("crh+csq-loss", CLASSES, BITS), bench.method("crh", CLASSES, BITS)
    codes = torch.where(v >= 0, 1, -1)
    assert both.reads_codes(0)
    both.after_epoch(0, codes, y)
    crh.after_epoch(0, codes, y)
    assert torch.equal(both.centers, crh.centers)
    csq = bench.method("csq", CLASSES, BITS)
    csq.centers = crh.centers
    assert both.loss(v, y).item() == csq.loss(v, y).item()


def test_the_slow_copys_codes_go_to_the_loss() -> None:
    targets, places = torch.arange(12) % 6, torch.arange(12)
    outputs = torch.randn(12, 16, generator=torch.Generator().manual_seed(0))
    both, mds = bench.method("csq+mds-loss", 6, 16), bench.method("mds", 6, 16)
    mds.centers = both.centers
    found = []
    for method in (both, mds):
        assert [method.reads_slow_outputs(epoch) for epoch in (7, 8)] == [False, True]
        method.before_training(targets)
        method.before_epoch(9)
        method.before_loss(places, 2 * outputs)
        found.append(method.loss(outputs, targets).item())
    assert found[0] == pytest.approx(found[1])
    both.before_loss(places, -outputs)
    assert both.loss(outputs, targets).item() != pytest.approx(found[0])


def test_centers_can_be_given() -> None:
    v, y = batch()
    both = bench.method("random-centers+csq-loss", CLASSES, BITS)
    before = both.loss(v, y).item()
    both.centers = -both.centers
    assert both.loss(v, y).item() != before


def test_variants_and_settings_of_both_parts() -> None:
    both = bench.method("crh-m+csq-loss", CLASSES, BITS, loss={"quantization_weight": 0.5}, centers={"margin": 0.1})
    assert both.config.centers.heads == 1
    assert both.config.centers.margin == 0.1
    assert both.config.loss.quantization_weight == 0.5
    with pytest.raises(ConfigError, match="csq has no setting 'quantisation'"):
        bench.method("crh+csq-loss", CLASSES, BITS, loss={"quantisation": 1})


def test_the_other_methods_centers_are_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise AssertionError

    monkeypatch.setattr(registry("method").load("csq"), "make_centers", refuse)
    assert bench.hash_centers("crh+csq-loss", CLASSES, BITS).shape == (CLASSES, BITS)


def test_each_part_refuses_what_it_cannot_do() -> None:
    combined = registry("method").load("csq+crh-loss")
    config = combined.resolve("csq+crh-loss", {})
    combined.check(config, Task(300, 8))  # CRH's codebook would not fit, but its centers are not asked for
    with pytest.raises(ConfigError, match="at least 3 classes"):
        combined.check_loss(config, Task(2, 8))
    assert bench.method("crh+csq-loss", 2, 8).centers.shape == (2, 8)  # CRH's loss has no scale, but is not asked for
    other = registry("method").load("crh+csq-loss")
    with pytest.raises(ConfigError, match="does not fit"):
        other.check(other.resolve("crh+csq-loss", {}), Task(300, 8))


def test_versions_of_both_parts_count() -> None:
    entry = registry("method").entry
    assert entry("crh+csq-loss").info.version == entry("crh").info.version + entry("csq").info.version


def test_names() -> None:
    assert split_name("crh") is None
    assert split_name("crh+csq-loss") == ("crh", "csq")


def test_a_grid_of_combinations(tmp_path, tiny_set: dict) -> None:
    results = bench.run(methods=["crh+csq-loss", "csq"], bits=[8], out=tmp_path, set=tiny_set, reports=False)
    assert list(results.frame["method"]) == ["crh+csq-loss", "csq"]
    assert (results.frame["status"] == "ok").all()
    centers = results.cells[0].arrays()["centers_used"]
    assert np.isin(centers, (-1, 1)).all()

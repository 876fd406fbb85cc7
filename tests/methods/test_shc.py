from pathlib import Path

import numpy as np
import pytest
import torch

import bench
from bench.centers.bounds import target_distance
from bench.centers.separation import separation
from bench.errors import BenchWarning, ConfigError
from bench.evaluation.semantics import pcc

pytestmark = pytest.mark.filterwarnings("ignore:shc.*center changes were accepted")
CLASSES, BITS = 40, 16


def tree_similarity(classes: int = CLASSES) -> np.ndarray:
    """Four classes to a branch."""
    branch = np.arange(classes) // 4
    return np.where(branch[:, None] == branch, 0.5, 0.0) + 0.5 * np.eye(classes)


def test_centers_follow_the_similarity_and_keep_their_distance() -> None:
    method = bench.method("shc-search", CLASSES, BITS, similarity=tree_similarity())
    assert separation(method.centers.numpy()).least >= target_distance(BITS, CLASSES)
    assert method.facts["error"] < 0.9 * method.facts["start_error"]
    found = pcc(method.centers.numpy(), tree_similarity())
    assert found is not None
    assert found > 0.2
    paper = bench.method("shc", CLASSES, BITS, similarity=tree_similarity()).facts
    assert paper["error"] <= paper["start_error"]  # the start is among its candidates


def test_the_released_form_says_where_nothing_moves() -> None:
    with pytest.warns(BenchWarning, match="center changes were accepted"):
        bench.method("shc-code", CLASSES, BITS, similarity=tree_similarity(), eta=1e9)


def test_a_target_out_of_reach_is_lowered_so_that_centers_move() -> None:
    with pytest.warns(BenchWarning, match="reach distance 6; it is kept instead of the target 9"):
        method = bench.method("shc", 24, BITS, similarity=tree_similarity(24), target=9)
    assert method.facts["target_distance"] == 6
    assert method.facts["accepted"] > 0
    assert separation(method.centers.numpy()).least >= 6


def test_it_may_start_from_the_released_search() -> None:
    method = bench.method("shc", 8, BITS, similarity=tree_similarity(8), start="admm")
    assert separation(method.centers.numpy()).least >= method.facts["target_distance"]
    assert method.facts["error"] <= method.facts["start_error"]


def test_without_a_similarity_it_says_what_it_needs() -> None:
    with pytest.raises(ConfigError, match="needs a class similarity"):
        bench.method("shc", CLASSES, BITS)
    with pytest.raises(ConfigError, match="does not fit 40 classes"):
        bench.method("shc", CLASSES, BITS, similarity=np.eye(3))


def test_the_loss_is_csqs_with_its_own_weight() -> None:
    g = torch.Generator().manual_seed(0)
    v, rows = torch.randn(8, BITS, generator=g), (torch.rand(8, CLASSES, generator=g) < 0.2).float()
    rows[:, 3] = 1
    shc = bench.method("shc", CLASSES, BITS, multi_label=True, similarity=tree_similarity())
    csq = bench.method("csq", CLASSES, BITS, multi_label=True, quantization_weight=1e-4)
    csq.centers = shc.centers
    assert shc.loss(v, rows).item() == csq.loss(v, rows).item()
    code = bench.method("shc-code", CLASSES, BITS, multi_label=True, similarity=tree_similarity())
    assert torch.equal(code.target_codes(rows), code.centers[rows.argmax(dim=1)])


@pytest.mark.parametrize("variant", ["shc", "shc-code", "shc-search", "shc-hierarchy"])
def test_the_three_stages_in_a_grid(tmp_path: Path, tiny_set: dict, variant: str) -> None:
    results = bench.run(methods=[variant], bits=[8, 16], out=tmp_path, set=tiny_set, reports=False)
    assert (results.frame["status"] == "ok").all(), results.frame["reason"]
    for stored in results.cells:
        made = stored.result["audit"]["construction"]
        assert {"similarity", "error", "start_error", "accepted"} <= made.keys()
        if variant != "shc-hierarchy":
            assert 0 <= made["classifier_accuracy"] <= 1
            assert stored.result["seconds"]["classifier"] > 0
    costs = {stored.result["seconds"].get("classifier") for stored in results.cells}
    assert len(costs) == 1  # one classifier for all code lengths of a seed


def test_a_search_takes_the_eta_of_least_error() -> None:
    found = bench.method("shc-search", CLASSES, BITS, similarity=tree_similarity()).facts
    errors = {
        eta: bench.method("shc-code", CLASSES, BITS, similarity=tree_similarity(), eta=eta).facts["error"]
        for eta in (2.0, 0.5, 0.1)
    }
    assert found["error"] <= min(errors.values())
    with pytest.raises(ConfigError, match="more than 0"):
        bench.method("shc", CLASSES, BITS, similarity=tree_similarity(), eta=0.0)


def test_the_target_is_kept_where_the_start_is_farther_apart() -> None:
    """At 64 bits the start is made of Hadamard rows, whose distance of 32 would leave nothing to change."""
    target = target_distance(64, CLASSES)
    facts = bench.method("shc", CLASSES, 64, similarity=tree_similarity()).facts
    assert facts["target_distance"] == target < 32


def test_each_form_asks_for_its_own_similarity() -> None:
    def source(name: str, **settings: object) -> str | None:
        method = bench.method(name, CLASSES, BITS, similarity=tree_similarity(), **settings)
        return method.similarity_source(method.config)

    assert source("shc") == "classifier-paper"
    assert source("shc-code") == "classifier-code"
    assert source("shc-clip") == "clip"


def test_the_forms_have_second_stages_of_their_own() -> None:
    paper, code = (bench.method(name, CLASSES, BITS, similarity=tree_similarity()) for name in ("shc", "shc-code"))
    assert paper.facts["proposals"] == 20 * 3 * CLASSES  # cycles x passes x classes
    assert code.facts["proposals"] == 30 * 3 * CLASSES

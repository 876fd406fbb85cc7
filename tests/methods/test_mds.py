import math

import numpy as np
import pytest
import torch

import bench
from bench.centers.bounds import target_distance
from bench.centers.mds_centers import mds_centers
from bench.centers.separation import separation
from bench.errors import BenchWarning
from bench.losses import bank_pair_loss, quantization, softmax_bce
from bench.randomness import stream

CLASSES, BITS = 10, 16


def test_centers_keep_the_target_distance() -> None:
    centers = bench.hash_centers("mds", 100, 32)
    assert separation(centers).least >= target_distance(32, 100) == 10


def test_classes_get_centers_at_random_by_the_seed() -> None:
    plain, shuffled = (bench.hash_centers("mds", CLASSES, BITS, shuffle=s) for s in (False, True))
    assert (plain != shuffled).any()
    assert np.array_equal(np.unique(plain, axis=0), np.unique(shuffled, axis=0))


def test_a_target_out_of_reach_is_said() -> None:
    with pytest.warns(BenchWarning, match="not the target 9"):
        bench.method("mds", 100, 16, target=9)


@pytest.mark.parametrize("variant", ["mds-admm", "mds-admm-fixed"])
def test_the_released_search(variant: str) -> None:
    method = bench.method(variant, CLASSES, BITS)
    assert (method.centers.abs() == 1).all()
    assert method.facts["target_distance"] == 6
    assert {"sweeps", "changed_rows", "discarded"} <= method.facts.keys()


def test_the_loss_before_and_from_the_tenth_epoch() -> None:
    g = torch.Generator().manual_seed(0)
    v, y = torch.randn(8, BITS, generator=g), torch.arange(8) % CLASSES
    method = bench.method("mds", CLASSES, BITS)
    plain = (softmax_bce(v, method.centers, method.multi_hot(y)) + 1e-4 * quantization(v)).item()
    assert method.loss(v, y).item() == pytest.approx(plain)  # without a training there is no bank
    method.before_training(y)
    for epoch in range(11):
        method.before_epoch(epoch)
        assert method.reads_slow_outputs(epoch) == (epoch >= 8)
        if epoch >= 8:
            method.before_loss(torch.arange(8), v)
        pair = bank_pair_loss(torch.tanh(v), y, torch.tanh(v), y).item() if epoch >= 9 else 0.0
        assert method.loss(v, y).item() == pytest.approx(plain + pair, rel=1e-6)
    assert method.log.keys() == {"center", "quantization", "pair"}


def test_items_of_many_classes_are_compared_class_by_class_with_the_same_loss() -> None:
    v, y = torch.randn(40, BITS, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 10
    method = bench.method("mds", CLASSES, BITS)
    plain = method.loss(v, y).item()
    method.before_training(y)
    method.before_epoch(9)
    method.before_loss(torch.arange(40), v)
    pair = bank_pair_loss(torch.tanh(v), y, torch.tanh(v), y).item()
    assert method.loss(v, y).item() == pytest.approx(plain + pair, rel=1e-6)


def test_without_a_pair_loss_no_slow_copy_is_kept() -> None:
    assert bench.method("mds", CLASSES, BITS).momentum == 0.9
    assert bench.method("mds", CLASSES, BITS, pair_weight=0).momentum is None


def test_several_labels_share_a_pair() -> None:
    rows = torch.tensor([[1.0, 1, 0], [0, 1, 1], [1, 0, 0]])
    u = torch.tensor([[0.5, -0.5], [0.2, 0.9], [-0.7, 0.1]])
    total, count = 0.0, 0
    for i in range(3):
        for j in range(3):
            if (rows[i] * rows[j]).sum() > 0:
                cosine = float(u[i] @ u[j] / u[i].norm() / u[j].norm())
                total, count = total + math.log1p(math.exp((1 - cosine) / 2)), count + 1
    assert bank_pair_loss(u, rows, u, rows).item() == pytest.approx(total / count)


def test_the_pair_loss_counts_by_its_weight() -> None:
    g = torch.Generator().manual_seed(0)
    v, y = torch.randn(8, BITS, generator=g), torch.arange(8) % 3
    losses = []
    for weight in (0.0, 1.0, 0.25):
        method = bench.method("mds", CLASSES, BITS, pair_weight=weight)
        method.before_training(y)
        method.before_epoch(9)
        method.before_loss(torch.arange(8), v)
        losses.append(method.loss(v, y).item())
    assert losses[2] - losses[0] == pytest.approx(0.25 * (losses[1] - losses[0]), rel=1e-4)
    assert losses[1] > losses[0] + 0.1


def test_a_batch_is_written_into_its_own_rows_of_the_bank() -> None:
    method = bench.method("mds", CLASSES, BITS)
    method.before_training(torch.arange(6))
    before, slow = method.bank.clone(), torch.full((2, BITS), 3.0)
    method.before_loss(torch.tensor([4, 1]), slow)
    assert torch.equal(method.bank[[4, 1]], torch.tanh(slow))
    assert torch.equal(method.bank[[0, 2, 3, 5]], before[[0, 2, 3, 5]])


def test_without_a_shuffle_centers_are_as_they_were_found() -> None:
    target = target_distance(BITS, CLASSES)
    found = mds_centers(CLASSES, BITS, target, stream(0, "centre-init"))
    assert np.array_equal(bench.hash_centers("mds", CLASSES, BITS, shuffle=False), found)
    assert not np.array_equal(bench.hash_centers("mds", CLASSES, BITS), found)

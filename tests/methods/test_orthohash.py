import math

import pytest
import torch

import bench
from bench.errors import ConfigError
from bench.losses import angular_margin_softmax, center_cosines, margin_softmax
from bench.plugins.method import Method

Z = torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1], [-1, -1, 1, 1]])
V = torch.tensor([[0.5, -1, 2, 0.1]])


def golden(**config: object) -> Method:
    method = bench.method("orthohash", 3, 4, multi_label=True, **config)
    method.centers = Z
    return method


def test_golden_loss() -> None:
    assert golden().loss(V, torch.tensor([1])).item() == pytest.approx(1.0054281865, abs=1e-6)


@pytest.mark.parametrize(
    ("scale", "bits", "expected"),
    [("bits", 16, 4), ("bits", 64, 8), (8.0, 16, 8), ("classes", 16, math.sqrt(2) * math.log(99))],
)
def test_scales(scale: object, bits: int, expected: float) -> None:
    assert bench.method("orthohash", 100, bits, scale=scale).scale == pytest.approx(expected)


def test_several_labels_share_the_target_or_the_first_takes_it() -> None:
    rows = torch.tensor([[0.0, 1, 1]])
    assert golden().loss(V, rows).item() == pytest.approx(margin_softmax(V, Z, rows, 2.0, 0.2).item())
    first = golden(several_labels="first").loss(V, rows)
    assert first.item() == pytest.approx(golden().loss(V, torch.tensor([1])).item())


def test_a_margin_on_the_angle() -> None:
    y = torch.tensor([[0.0, 1, 0]])
    angles = torch.acos(center_cosines(V, Z)) + 0.2 * y
    expected = torch.nn.functional.cross_entropy(2 * torch.cos(angles), torch.tensor([1])).item()
    assert golden(margin_on="angle").loss(V, y).item() == pytest.approx(expected, abs=1e-6)
    same = angular_margin_softmax(V, Z, y, 2.0, 0.0).item()
    assert same == pytest.approx(margin_softmax(V, Z, y, 2.0, 0.0).item(), abs=1e-6)


def test_the_angle_has_a_gradient_on_a_center() -> None:
    v = Z[:1].clone().requires_grad_()
    angular_margin_softmax(v, Z, torch.tensor([[1.0, 0, 0]]), 2.0, 0.2).backward()
    assert torch.isfinite(v.grad).all()


@pytest.mark.parametrize("rule", ["bernoulli", "gaussian", "maxhd"])
def test_centers_of_each_rule(rule: str) -> None:
    one, other = (bench.hash_centers("orthohash", 60, 32, seed, centers=rule) for seed in (0, 1))
    assert one.shape == (60, 32)
    assert (one != other).any()
    assert abs(one.mean()) < 0.1
    products = one.astype(int) @ one.T.astype(int)
    least = (32 - products[~torch.eye(60, dtype=torch.bool).numpy()].max()) / 2
    assert least >= (8 if rule == "maxhd" else 0)


def test_tasks_it_has_no_scale_for() -> None:
    with pytest.raises(ConfigError, match="at least 3 classes"):
        bench.method("orthohash", 2, 16, scale="classes")
    with pytest.raises(ConfigError, match="more than 0"):
        bench.method("orthohash", 5, 16, scale=-1.0)

"""What every registered method must keep to; a new method file is picked up by itself."""

import numpy as np
import pytest
import torch

import bench
from bench.errors import ConfigError
from bench.plugins import registry
from bench.plugins.method import Method, Task

NAMES = registry("method").names()
CLASSES, BITS = 12, 32


def built(name: str, multi_label: bool = False, seed: int = 0) -> Method:
    return bench.method(name, CLASSES, BITS, seed, multi_label)


def batch(multi_label: bool, size: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    targets = torch.arange(size) % CLASSES
    v = torch.randn(size, BITS, generator=g)
    if not multi_label:
        return v, targets
    rows = (torch.rand(size, CLASSES, generator=g) < 0.2).float()
    rows[range(size), targets] = 1
    return v, rows


@pytest.mark.parametrize("name", NAMES)
def test_centers_are_binary_and_follow_the_seed(name: str) -> None:
    centers = built(name).centers
    assert centers.shape == (CLASSES, BITS)
    assert centers.dtype == torch.float32
    assert (centers.abs() == 1).all()
    assert torch.equal(centers, built(name).centers)
    assert np.array_equal(bench.hash_centers(name, CLASSES, BITS), centers.numpy())


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_gradient_steps_bring_the_loss_down(name: str, multi_label: bool) -> None:
    method = built(name, multi_label)
    v, targets = batch(multi_label)
    v.requires_grad_()
    optimizer = torch.optim.Adam([v], lr=0.1)
    losses = []
    for _ in range(30):
        loss = method.loss(v, targets)
        assert loss.ndim == 0
        optimizer.zero_grad()
        loss.backward()
        assert torch.isfinite(v.grad).all()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert all(not value.requires_grad for value in method.log.values())


@pytest.mark.parametrize("name", NAMES)
def test_codes_end_at_their_own_center(name: str) -> None:
    method = built(name)
    v, targets = batch(False)
    v.requires_grad_()
    optimizer = torch.optim.Adam([v], lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        method.loss(v, targets).backward()
        optimizer.step()
    nearest = (torch.sign(v) @ method.centers.T).argmax(1)
    assert (nearest == targets).float().mean() > 0.95


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_what_it_does_after_epochs_keeps_the_centers_binary(name: str, multi_label: bool) -> None:
    method = built(name, multi_label)
    v, targets = batch(multi_label)
    codes = (v >= 0).to(torch.int8) * 2 - 1
    for epoch in range(3):
        if method.reads_codes(epoch):
            method.after_epoch(epoch, codes, targets)
        assert method.centers.shape == (CLASSES, BITS)
        assert (method.centers.abs() == 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_centers_can_be_given_and_are_checked(name: str) -> None:
    method = built(name)
    other = -method.centers
    method.centers = other
    assert torch.equal(method.centers, other)
    with pytest.raises(ConfigError, match="do not fit"):
        method.centers = other[:, 1:]
    with pytest.raises(ConfigError, match="-1 or \\+1"):
        method.centers = other * 0


@pytest.mark.parametrize("name", NAMES)
def test_it_says_where_it_is_from(name: str) -> None:
    info = registry("method").entry(name).info
    assert info.summary
    assert info.citation
    assert info.licence
    for field, _, text, source in registry("method").load(name).Config.describe():
        assert text, field
        assert source, field


@pytest.mark.parametrize("name", NAMES)
def test_paper_settings_are_settings_of_the_trainer(name: str) -> None:
    from bench.training.regimes import train_config

    for multi_label in (False, True):
        paper = registry("method").load(name).paper_training(multi_label)
        train_config("finetune", paper, {})


@pytest.mark.parametrize(("classes", "bits", "seed"), [(1, 8, 0), (4, 0, 0), (4, 8, -1)])
def test_impossible_tasks_are_refused(classes: int, bits: int, seed: int) -> None:
    with pytest.raises(ConfigError, match="cannot be"):
        Task(classes, bits, seed)


@pytest.mark.gpu
@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_the_loss_is_the_same_on_a_gpu(name: str, multi_label: bool) -> None:
    v, targets = batch(multi_label)
    cpu = built(name, multi_label)
    gpu = built(name, multi_label).cuda()
    assert gpu.loss(v.cuda(), targets.cuda()).item() == pytest.approx(cpu.loss(v, targets).item(), rel=1e-4)
    codes = (v >= 0).to(torch.int8) * 2 - 1
    if cpu.reads_codes(0):
        cpu.after_epoch(0, codes, targets)
        gpu.after_epoch(0, codes.cuda(), targets.cuda())
    assert torch.equal(gpu.centers.cpu(), cpu.centers)

"""How busy a GPU is: asked for while there is progress in a training, and left alone where nobody can tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from bench.training import gpu_watch as module
from bench.training.gpu_watch import GpuWatch

GPU = torch.device("cuda:0")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the time."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, seconds)


def told(monkeypatch: pytest.MonkeyPatch, *shares: int) -> list[torch.device]:
    """Has the driver tell these shares, in per cent, and keeps who was asked about."""
    asked: list[torch.device] = []
    answers = iter(shares)

    def utilization(device: torch.device) -> int:
        asked.append(device)
        return next(answers)

    monkeypatch.setattr(torch.cuda, "utilization", utilization)
    return asked


def test_mean_of_what_the_driver_tells_each_second(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    asked = told(monkeypatch, 40, 80)
    watch = GpuWatch(GPU)
    watch.begin([])
    watch.stage("training", 100)
    for seconds in (0.5, 1.0, 1.5, 1.9, 2.0):
        clock(seconds)
        watch.advance(8)
    assert asked == [GPU, GPU]
    assert watch.busy == pytest.approx(0.6)


def test_other_stages_do_not_count(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    asked = told(monkeypatch)
    watch = GpuWatch(GPU)
    watch.stage("classifier: training", 10)
    clock(5.0)
    watch.advance(1)
    assert asked == []
    assert watch.busy is None


def test_cells_before_do_not_count(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    told(monkeypatch, 100, 20)
    watch = GpuWatch(GPU)
    for seconds in (2.0, 4.0):
        watch.begin([])
        watch.stage("training", 1)
        clock(seconds)
        watch.advance(1)
    assert watch.busy == pytest.approx(0.2)


def test_a_driver_that_cannot_tell_is_asked_once(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    asked = told(monkeypatch)  # a StopIteration stands for whatever the driver's library raises
    watch = GpuWatch(GPU)
    watch.stage("training", 1)
    for seconds in (2.0, 4.0):
        clock(seconds)
        watch.advance(1)
    assert asked == [GPU]
    assert watch.busy is None


@pytest.mark.parametrize(("device", "shared"), [(torch.device("cpu"), False), (GPU, True)])
def test_a_cpu_is_not_asked_and_neither_is_a_gpu_that_others_use(
    device: torch.device, shared: bool, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    asked = told(monkeypatch)
    watch = GpuWatch(device, shared)
    watch.stage("training", 1)
    clock(9.0)
    watch.advance(1)
    assert asked == []

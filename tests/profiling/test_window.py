from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.profiling import window as module
from bench.profiling.window import BATCH, Steps, Window
from bench.training.progress import Observer

CPU = torch.device("cpu")


class Inputs:
    def train_batch(self, rows: list[int], generator: torch.Generator | None) -> torch.Tensor:
        return torch.ones(len(rows), 3)


class Heard(Observer):
    """Everything that is passed on."""

    def __init__(self) -> None:
        self.all: list[tuple[object, ...]] = []

    def stage(self, name: str, total: int) -> None:
        self.all.append((name, total))

    def advance(self, items: int) -> None:
        self.all.append((items,))

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        self.all.append((epoch, epochs, loss, lr))


def train(window: Window, inputs: Inputs, epochs: int, steps: int, size: int = 4) -> None:
    """What the trainer tells, with a matrix product as its step."""
    window.stage("training", epochs * steps * size)
    window.advance(0)
    for epoch in range(epochs):
        for _ in range(steps):
            batch = inputs.train_batch(list(range(size)), None)
            torch.mm(batch, batch.T)
            window.advance(size)
        window.epoch(epoch, epochs, 0.5, 0.1)


@given(st.integers(1, 1000))
def test_every_step_is_one_of_three(total: int) -> None:
    steps = Steps.of(total)
    assert steps.warm_up + steps.timed + steps.primed + steps.profiled == total
    assert 1 <= steps.profiled <= 10
    assert 0 <= steps.warm_up <= 10
    assert steps.timed >= (total > 1)


def test_golden_steps() -> None:
    assert [Steps.of(n) for n in (1, 2, 3, 8, 150)] == [
        Steps(0, 0, 0, 1), Steps(0, 1, 0, 1), Steps(1, 1, 0, 1), Steps(2, 2, 1, 3), Steps(10, 129, 1, 10)
    ]  # fmt: skip


@pytest.mark.parametrize("steps", [Steps(2, 4, 1, 3), Steps(0, 9, 0, 1), Steps(6, 0, 0, 4), Steps(0, 0, 1, 9)])
def test_exactly_the_steps_are_profiled_that_are_to_be(steps: Steps, tmp_path: Path) -> None:
    heard, inputs = Heard(), Inputs()
    window = Window(steps, 5, CPU, tmp_path / "trace.json", heard)
    with window.watching_batches(inputs):
        train(window, inputs, 2, 5)
    assert "train_batch" not in vars(inputs)
    window.close()
    assert window.seen is not None
    calls = {each.name: each.calls for each in window.seen.operators}
    assert calls["aten::mm"] == calls[BATCH] == steps.profiled
    assert (window.times.steps, window.times.items) == (steps.timed, 4 * steps.timed)
    assert window.profiled_items == 4 * steps.profiled
    assert heard.all == [("training", 40), (0,), *[(4,)] * 5, (0, 2, 0.5, 0.1), *[(4,)] * 5, (1, 2, 0.5, 0.1)]
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert sum(event["name"] == "aten::mm" and event["ph"] == "X" for event in events) == steps.profiled


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = self.used = 0.0

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.used


def test_golden_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is 1 s for its batch and 2 s of work; 10 s pass at an epoch's end, which no step is charged with."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)

    class Slow(Inputs):
        def train_batch(self, rows: list[int], generator: torch.Generator | None) -> torch.Tensor:
            clock.now += 1
            return super().train_batch(rows, generator)

    inputs = Slow()
    window = Window(Steps(1, 4, 0, 1), 3, CPU, None, Observer())
    window.stage("training", 24)
    with window.watching_batches(inputs):
        for epoch in range(2):
            for _ in range(3):
                inputs.train_batch([0] * 4, None)
                clock.now += 2
                clock.used += 0.5
                window.advance(4)
            clock.now += 10
            clock.used += 10
            window.epoch(epoch, 2, 0.0, 0.0)
    assert (window.times.steps, window.times.items) == (4, 16)
    assert window.times.seconds == 12
    assert window.times.batches == 4
    assert window.times.processor == 2
    assert window.times.between == [10, 10]


def test_a_training_that_begins_anew_is_counted_anew_and_others_are_not() -> None:
    inputs, window = Inputs(), Window(Steps(2, 4, 1, 3), 5, CPU, None, Observer())
    window.stage("classifier: training", 40)
    for _ in range(50):
        window.advance(4)
    assert window.times.steps == 0
    window.stage("training", 40)
    for _ in range(8):  # in the midst of the profiled ones memory runs out
        window.advance(4)
    train(window, inputs, 2, 5)
    assert window.times.steps == 4
    assert window.seen is not None
    assert {each.name: each.calls for each in window.seen.operators}["aten::mm"] == 3

"""What every registered method must keep to; a new method file is picked up by itself.

The checks of `bench check`, and what this project asks of its own methods beyond them.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

import bench
from bench.conformance import CHECKS, Outcome, check_method
from bench.conformance.probes import BITS, CLASSES, Subject, descend
from bench.errors import ConfigError
from bench.plugins import registry
from bench.plugins.method import Task

NAMES = registry("method").names()
COMBINATIONS = ["crh+csq-loss", "csq+crh-loss", "crh+orthohash-loss"]


@functools.cache
def outcomes(name: str) -> dict[str, Outcome]:
    """All that a CPU can check."""
    return {outcome.check: outcome for outcome in check_method(name, [check for check in CHECKS if check != "cuda"])}


@functools.cache
def subject(name: str) -> Subject:
    return Subject.named(name)


@pytest.mark.parametrize("name", [*NAMES, *COMBINATIONS])
def test_it_keeps_to_the_contract(name: str) -> None:
    found = outcomes(name)
    assert {check: outcome.detail for check, outcome in found.items() if outcome.status == "failed"} == {}


@pytest.mark.parametrize("name", NAMES)
def test_items_of_several_classes_are_no_problem_for_ours(name: str) -> None:
    assert outcomes(name)["multi-label"].status == "ok"
    assert outcomes(name)["training-multi-label"].status == "ok"


@pytest.mark.parametrize("name", NAMES)
def test_the_library_gives_its_centers_as_integers(name: str) -> None:
    task = subject(name).task()
    centers = bench.hash_centers(name, CLASSES, BITS, similarity=task.similarity)
    assert centers.dtype == np.int8
    assert np.array_equal(centers, subject(name).build().centers.numpy())


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_gradient_steps_bring_the_loss_down_by_a_fifth(name: str, multi_label: bool) -> None:
    _, losses = descend(subject(name).build(subject(name).task(multi_label=multi_label)), 30)
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("name", NAMES)
def test_wrong_centers_are_refused_in_a_sentence(name: str) -> None:
    method = subject(name).build()
    other = -method.centers
    method.centers = other
    assert torch.equal(method.centers, other)
    with pytest.raises(ConfigError, match="do not fit"):
        method.centers = other[:, 1:]
    with pytest.raises(ConfigError, match="-1 or \\+1"):
        method.centers = other * 0


@pytest.mark.parametrize(("classes", "bits", "seed"), [(1, 8, 0), (4, 0, 0), (4, 8, -1)])
def test_impossible_tasks_are_refused(classes: int, bits: int, seed: int) -> None:
    with pytest.raises(ConfigError, match="cannot be"):
        Task(classes, bits, seed)


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_same_on_a_gpu(name: str) -> None:
    (outcome,) = check_method(name, ["cuda"])
    assert outcome.status == "ok", outcome.detail

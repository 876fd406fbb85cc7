"""CRH's codebook, which the assignment controls share: the same words for the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.centers.codebook import compose, head_dim, sample_codebook
from bench.centers.separation import separation
from bench.config import setting
from bench.errors import ConfigError
from bench.plugins.method import Task
from bench.randomness import stream

from ._margin_loss import MarginConfig

Draw = tuple[NDArray[np.int8], NDArray[np.int64]]  # codebook (H, M, d) and initial assignment (H, C)


class CodebookConfig(MarginConfig):
    """Settings of a codebook; None stands for the paper's rule."""

    codebook_size: int | None = setting(None, "candidates per head M; None: 2 C", source="CRH: M = 2C", ge=2)
    heads: int | None = setting(
        None,
        "heads H; None: K / d, d the smallest divisor of K with 2^d >= M",
        source="CRH; its text says a power of two for d",
        ge=1,
    )
    best_of: int = setting(
        1, "codebooks drawn; the one whose first centers are farthest apart is kept",
        source="1: plain uniform sampling; the release's 'best of 1000' is not described", ge=1,
    )  # fmt: skip


def check_codebook(name: str, config: CodebookConfig, task: Task) -> None:
    """M >= C, K divisible by H, M <= 2^d; a ConfigError otherwise, which speaks of the method `name`."""
    size = _size(config, task)
    if size < task.num_classes:
        raise ConfigError(
            f"{name}.codebook_size = {size} is less than the {task.num_classes} classes, which need a candidate each: "
            f"use at least {task.num_classes}."
        )
    if config.heads is not None and task.bits % config.heads:
        raise ConfigError(f"{name}.heads = {config.heads} does not divide {task.bits} bits: choose a divisor.")
    dim = _dim(config, task)
    if size > 2**dim:
        raise ConfigError(
            f"{name}: {size} candidates do not fit into {dim} bits per head ({2**dim} words): "
            "use fewer heads or candidates."
        )


def draw_codebook(config: CodebookConfig, task: Task, seed: int) -> Draw:
    """A codebook and C of its M words at random per head; the best of `best_of` draws."""
    draws = [_draw(config, task, seed, trial) for trial in range(config.best_of)]
    return max(draws, key=_separation) if len(draws) > 1 else draws[0]


def codebook_facts(codebook: NDArray[np.int8]) -> dict[str, Any]:
    """Sizes of a codebook (H, M, d) by name."""
    heads, size, dim = codebook.shape
    return {"codebook_size": size, "heads": heads, "head_dim": dim}


def _size(config: CodebookConfig, task: Task) -> int:
    return 2 * task.num_classes if config.codebook_size is None else config.codebook_size


def _dim(config: CodebookConfig, task: Task) -> int:
    return head_dim(task.bits, _size(config, task)) if config.heads is None else task.bits // config.heads


def _draw(config: CodebookConfig, task: Task, seed: int, trial: int) -> Draw:
    key = (trial,) if trial else ()  # the first draw does not depend on how many follow
    size, dim = _size(config, task), _dim(config, task)
    codebook = sample_codebook(stream(seed, "codebook", *key), task.bits // dim, size, dim)
    chooser = stream(seed, "initial-assignment", *key)
    return codebook, np.stack([chooser.permutation(size)[: task.num_classes] for _ in codebook])


def _separation(draw: Draw) -> tuple[float, float]:
    """Least, then mean, pairwise distance of the initial centers."""
    found = separation(compose(*draw))
    return found.least, found.mean

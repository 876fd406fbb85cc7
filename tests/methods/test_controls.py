"""Controls differ from CRH in their centers alone."""

import numpy as np
import pytest
import torch

import bench
from bench.centers.separation import separation
from bench.errors import ConfigError
from bench.evaluation.semantics import pcc

CLASSES, BITS = 24, 32
CONTROLS = ("random-centers", "algebraic-centers", "assigned-random")


def tree() -> np.ndarray:
    branch = np.arange(CLASSES) // 4
    return np.where(branch[:, None] == branch, 0.5, 0.0) + 0.5 * np.eye(CLASSES)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("name", CONTROLS)
def test_they_share_the_loss_of_crh(name: str, multi_label: bool) -> None:
    g = torch.Generator().manual_seed(0)
    v, rows = torch.randn(16, BITS, generator=g), (torch.rand(16, CLASSES, generator=g) < 0.1).float()
    rows[:, 0] = 1
    control, crh = (bench.method(n, CLASSES, BITS, multi_label=multi_label) for n in (name, "crh"))
    crh.centers = control.centers
    assert control.loss(v, rows).item() == crh.loss(v, rows).item()
    assert not control.reads_codes(0)


@pytest.mark.parametrize("similarity", [None, "hierarchy"])
def test_assigned_centers_are_words_of_the_codebook_of_crh(similarity: str | None) -> None:
    crh = bench.method("crh", CLASSES, BITS, seed=5)
    other = bench.hash_centers("assigned-random", CLASSES, BITS, 5)
    if similarity is not None:
        other = bench.hash_centers("assigned-hierarchy", CLASSES, BITS, 5, similarity=tree())
    heads, _, dim = crh.codebook.shape
    for h in range(heads):
        mine = {tuple(word) for word in other[:, h * dim : (h + 1) * dim]}
        assert len(mine) == CLASSES
        assert mine <= {tuple(word) for word in crh.codebook[h]}


def test_without_a_similarity_the_assignment_is_crhs_first() -> None:
    assert np.array_equal(
        bench.hash_centers("assigned-random", CLASSES, BITS), bench.hash_centers("crh", CLASSES, BITS)
    )


def test_an_assignment_by_similarity_follows_it() -> None:
    random = bench.hash_centers("assigned-random", CLASSES, BITS)
    chosen = bench.hash_centers("assigned-hierarchy", CLASSES, BITS, similarity=tree())
    low, high = pcc(random, tree()), pcc(chosen, tree())
    assert low is not None
    assert high is not None
    assert high > low + 0.4
    with pytest.raises(ConfigError, match="needs a class similarity"):
        bench.method("assigned-hierarchy", CLASSES, BITS)


def test_algebraic_centers_keep_what_their_code_guarantees() -> None:
    method = bench.method("algebraic-centers", CLASSES, BITS)
    assert separation(method.centers.numpy()).least >= method.facts["guaranteed_distance"] >= 16
    assert method.facts["code"]
    with pytest.raises(ConfigError, match="16 words"):
        bench.method("algebraic-centers", CLASSES, 4)


def test_two_classes_need_a_scale() -> None:
    with pytest.raises(ConfigError, match="random-centers needs at least 3 classes"):
        bench.method("random-centers", 2, BITS)
    assert bench.method("random-centers", 2, BITS, scale=4.0).scale == 4

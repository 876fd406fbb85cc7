import numpy as np
import pytest
import torch

from bench.codes.labels import class_indices, class_masks
from bench.evaluation import cosine as cosine_module
from bench.evaluation._cosine_kernels import average_precisions
from bench.evaluation.cosine import cosine_map


def sorted_map(distances: np.ndarray, relevant: np.ndarray) -> float:
    """AP by a sort, for rankings without ties."""
    total = 0.0
    for d, r in zip(distances, relevant, strict=True):
        hits = r[np.argsort(d)]
        total += float((hits * np.cumsum(hits) / np.arange(1, len(hits) + 1)).sum() / max(hits.sum(), 1))
    return total / len(distances)


def _normalized(x: np.ndarray) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.from_numpy(x), dim=1)


@pytest.mark.parametrize("multi_label", [False, True])
def test_cosine_map_equals_a_sort(multi_label: bool) -> None:
    rng = np.random.default_rng(0)
    q, d = rng.normal(size=(7, 5)).astype(np.float32), rng.normal(size=(40, 5)).astype(np.float32)
    if multi_label:
        ql, dl = rng.random((7, 4)) < 0.5, rng.random((40, 4)) < 0.5
        relevant = (ql[:, None] & dl[None]).any(2)
    else:
        ql, dl = rng.integers(0, 3, 7), rng.integers(0, 3, 40)
        relevant = ql[:, None] == dl[None]
    cosine = (q @ d.T) / np.linalg.norm(q, axis=1)[:, None] / np.linalg.norm(d, axis=1)
    expected = sorted_map(-cosine, relevant.astype(float))
    assert cosine_map(q, ql, d, dl) == pytest.approx(expected, abs=1e-6)
    on_gpu = cosine_module._on_gpu(*(_normalized(q), ql, _normalized(d), dl))  # runs on any device
    assert on_gpu.mean() == pytest.approx(expected, abs=1e-6)


def test_among_equal_vectors_the_relevant_ones_come_last() -> None:
    same = np.ones((4, 3), np.float32)
    assert cosine_map(same[:1], np.array([1]), same, np.array([1, 0, 0, 1])) == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert cosine_map(same[:1], np.array([7]), same, np.array([1, 0, 0, 1])) == 0


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("kind", ["spread", "near", "few values", "equal"])
def test_precisions_by_bins_are_those_of_a_sort(kind: str, multi_label: bool) -> None:
    rng = np.random.default_rng(1)
    similarities = rng.uniform(-1, 1, (9, 3000)).astype(np.float32)
    if kind == "near":  # all in a handful of bins but for one
        similarities[:, 1:] = 0.5 + 1e-5 * similarities[:, 1:]
    elif kind == "few values":
        similarities = np.round(similarities * 4) / 4
    elif kind == "equal":
        similarities[:] = 0.25
    labels = [rng.random((n, 70)) < 0.02 if multi_label else rng.integers(0, 20, n) for n in (9, 3000)]
    relevant = (labels[0][:, None] & labels[1]).any(2) if multi_label else labels[0][:, None] == labels[1]
    ap = np.empty(9)
    average_precisions(
        similarities, class_indices(labels[0]), class_masks(labels[0]), class_indices(labels[1]),
        np.ascontiguousarray(class_masks(labels[1]).T), ap,
    )  # fmt: skip
    for i in range(9):
        hits = relevant[i][np.lexsort((relevant[i], -similarities[i]))]
        places = np.flatnonzero(hits) + 1
        expected = (np.arange(1, len(places) + 1) / places).mean() if len(places) else 0
        assert ap[i] == pytest.approx(expected, abs=1e-12)

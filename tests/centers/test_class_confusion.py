import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bench.centers.class_confusion import confusion_similarity, masked_softmax_sums
from bench.errors import TrainingError

SUMS = np.array([[0, 3, 1], [2, 0, 2], [0.5, 0.5, 0]])
COUNTS = np.array([4, 4, 1])


def slow_sums(logits: torch.Tensor, labels: torch.Tensor, mask: str) -> np.ndarray:
    """Image by image, class by class."""
    sums = np.zeros((logits.shape[1], logits.shape[1]))
    for row, label in zip(logits.double().numpy(), labels.tolist(), strict=True):
        out = int(np.argmax(row)) if mask == "predicted" else label
        others = [c for c in range(len(row)) if c != out]
        total = sum(np.exp(row[c]) for c in others)
        for c in others:
            sums[label, c] += np.exp(row[c]) / total
    return sums


def test_golden_paper() -> None:
    expected = [[1, 0.75, 0.15], [0.75, 1, 0.5], [0.15, 0.5, 1]]
    assert confusion_similarity(SUMS, COUNTS, "paper") == pytest.approx(np.array(expected), abs=1e-12)


def test_golden_code() -> None:
    expected = [[1, 1, -4 / 17], [1, 1, 0], [0.125, 0.875, 1]]  # -4 / 17 = -.235294
    assert confusion_similarity(SUMS, COUNTS, "code") == pytest.approx(np.array(expected), abs=1e-12)


def test_golden_sums() -> None:
    # exp: (2, 3, 1) of class 0 and (4, 1, 3) of class 1, which is taken for class 0.
    logits = torch.tensor([[2.0, 3, 1], [4, 1, 3]]).log()
    labels = torch.tensor([0, 1])
    sums, counts = masked_softmax_sums(logits, labels, 3, "predicted")
    assert sums.numpy() == pytest.approx(np.array([[2 / 3, 0, 1 / 3], [0, 1 / 4, 3 / 4], [0, 0, 0]]))
    sums, _ = masked_softmax_sums(logits, labels, 3, "truth")
    assert sums.numpy() == pytest.approx(np.array([[0, 3 / 4, 1 / 4], [4 / 7, 0, 3 / 7], [0, 0, 0]]))
    assert (counts.tolist(), sums.dtype) == ([1, 1, 0], torch.float64)


@pytest.mark.parametrize("mask", ["predicted", "truth"])
def test_sums_equal_the_slow_ones_and_add_up_over_batches(mask: str) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, 7, generator=generator) * 4
    labels = torch.randint(0, 7, (50,), generator=generator)
    sums, counts = masked_softmax_sums(logits, labels, 7, mask)
    assert sums.numpy() == pytest.approx(slow_sums(logits, labels, mask), abs=1e-12)
    parts = [masked_softmax_sums(logits[rows], labels[rows], 7, mask) for rows in (slice(0, 13), slice(13, 50))]
    assert sums.numpy() == pytest.approx((parts[0][0] + parts[1][0]).numpy(), abs=1e-12)
    assert counts.tolist() == (parts[0][1] + parts[1][1]).tolist() == np.bincount(labels, minlength=7).tolist()
    assert sums.sum(dim=1).numpy() == pytest.approx(counts.numpy())  # each image gives 1 in all


def test_an_empty_batch_and_large_logits() -> None:
    sums, counts = masked_softmax_sums(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), 3, "truth")
    assert (sums.abs().sum().item(), counts.tolist()) == (0, [0, 0, 0])
    sums, _ = masked_softmax_sums(torch.tensor([[1e4, 0.0, -1e4]]), torch.tensor([0]), 3, "truth")
    assert sums[0].tolist() == [0, 1, 0]


def test_half_precision_logits_are_summed_in_double() -> None:
    logits = torch.randn(20, 4, generator=torch.Generator().manual_seed(1)).bfloat16()
    labels = torch.arange(20) % 4
    sums, _ = masked_softmax_sums(logits, labels, 4, "truth")
    assert sums.numpy() == pytest.approx(slow_sums(logits, labels, "truth"), abs=1e-12)


@given(arrays.arrays(np.float64, (5, 5), elements=st.floats(0, 1)), st.integers(2, 9))
def test_properties(sums: np.ndarray, factor: int) -> None:
    counts = np.ones(5)
    paper, code = confusion_similarity(sums, counts, "paper"), confusion_similarity(sums, counts, "code")
    for similarity in (paper, code):
        assert (np.abs(similarity) <= 1 + 1e-12).all()
        assert (np.diag(similarity) == 1).all()
    assert np.array_equal(paper, paper.T)
    counts[2], sums[2] = factor, factor * sums[2]  # more images of a class, all alike: nothing new about it
    assert confusion_similarity(sums, counts, "paper") == pytest.approx(paper, abs=1e-9)


def test_a_large_class_dominates_the_released_form() -> None:
    counts = np.array([400, 4, 1])
    sums = SUMS * [[100], [1], [1]]
    assert confusion_similarity(sums, counts, "paper") == pytest.approx(confusion_similarity(SUMS, COUNTS, "paper"))
    assert abs(confusion_similarity(sums, counts, "code") - confusion_similarity(SUMS, COUNTS, "code")).max() > 0.1


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3])
@pytest.mark.parametrize("form", ["paper", "code"])
def test_constant_rows_say_nothing(value: float, form: str) -> None:
    assert np.array_equal(confusion_similarity(np.full((7, 7), value), np.ones(7), form), np.eye(7))


def test_arguments_stay_as_they_were() -> None:
    sums = SUMS.copy()
    for form in ("paper", "code"):
        confusion_similarity(sums, COUNTS, form)
    assert np.array_equal(sums, SUMS)


@pytest.mark.parametrize("form", ["paper", "code"])
def test_bad_input(form: str) -> None:
    with pytest.raises(TrainingError, match="do not fit"):
        confusion_similarity(SUMS[:2], COUNTS, form)
    with pytest.raises(TrainingError, match="finite"):
        confusion_similarity(SUMS * np.nan, COUNTS, form)
    with pytest.raises(TrainingError, match="do not fit"):
        masked_softmax_sums(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64), 4, "truth")


def test_a_class_without_an_image_is_refused_by_the_paper_and_known_by_others_to_the_release() -> None:
    sums, counts = SUMS.copy(), np.array([4, 0, 1])
    sums[1] = 0
    with pytest.raises(TrainingError, match="class 1 has none"):
        confusion_similarity(sums, counts, "paper")
    found = confusion_similarity(sums, counts, "code")
    assert np.isfinite(found).all()
    assert found[1, 0] > found[1, 2]  # class 0 is taken for it more often than class 2

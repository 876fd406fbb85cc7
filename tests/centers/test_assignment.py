import itertools
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.centers import assignment as module
from bench.centers.assignment import (
    assign_greedy,
    assign_hungarian,
    assignment_cost,
    class_code_sums,
    least_cost,
    random_orders,
)
from bench.centers.codebook import sample_codebook

# Three classes of two codes each, one head of two bits with all four words.
CODES = torch.tensor([[1, 1], [1, -1], [-1, 1], [-1, 1], [-1, -1], [1, 1]], dtype=torch.int8)
TARGETS = torch.tensor([0, 0, 1, 1, 2, 2])
WORDS = np.array([[[-1, -1], [-1, 1], [1, -1], [1, 1]]], dtype=np.int8)
MULTI_HOT = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]])


def naive_cost(codes: torch.Tensor, rows: torch.Tensor, book: np.ndarray) -> np.ndarray:
    """Eq. 7 as it is written: for every item, class and candidate."""
    heads, _size, dim = book.shape
    weights = (rows.double() / rows.sum(1, keepdim=True).clamp(min=1)).numpy()
    split = codes.double().numpy().reshape(len(codes), heads, dim)
    distance = ((split[:, :, None, :] - book[None].astype(float)) ** 2).sum(-1)  # (N, H, M)
    return np.einsum("nc,nhm->hcm", weights, distance) / weights.sum(0)[None, :, None]


def greedy_by_hand(gains: np.ndarray, order: list[int]) -> list[int]:
    chosen: dict[int, int] = {}
    for c in order:
        free = [m for m in range(gains.shape[1]) if m not in chosen.values()]
        chosen[c] = max(free, key=lambda m: (gains[c, m], -m))
    return [chosen[c] for c in range(len(order))]


def test_golden_cost_single_label() -> None:
    cost = assignment_cost(*class_code_sums(CODES, TARGETS, 3), WORDS)
    assert cost[0].tolist() == [[6, 6, 2, 2], [4, 0, 8, 4], [4, 4, 4, 4]]


def test_golden_cost_multi_label() -> None:
    sums, weights = class_code_sums(CODES, MULTI_HOT, 3)
    assert weights / 6 == pytest.approx([11 / 6, 7 / 3, 11 / 6])
    expected = [
        [5.454545, 5.090909, 2.909091, 2.545455], [3.428571, 2.285714, 5.714286, 4.571429],
        [5.454545, 2.909091, 5.090909, 2.545455],
    ]  # fmt: skip
    assert assignment_cost(sums, weights, WORDS)[0] == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_golden_assignment_whatever_the_order(order: tuple[int, ...]) -> None:
    sums, weights = class_code_sums(CODES, TARGETS, 3)
    assert assign_greedy(sums, WORDS, np.array([order])).tolist() == [[2, 1, 0]]
    cost = assignment_cost(sums, weights, WORDS)
    assert assign_hungarian(sums, weights, WORDS).tolist() == [[2, 1, 0]]
    assert cost[0][range(3), [2, 1, 0]].sum() == 6


def test_greedy_depends_on_the_order_and_hungarian_is_best() -> None:
    cost = np.array([[[0.0, 1, 4, 4], [0, 4, 4, 4], [2, 2, 0, 2]]])
    assert least_cost(cost[0]).tolist() == [1, 0, 2]
    assert greedy_by_hand(-cost[0], [0, 1, 2]) == [0, 1, 2]
    assert greedy_by_hand(-cost[0], [1, 0, 2]) == [1, 0, 2]


@st.composite
def problems(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    heads, dim = draw(st.integers(1, 4)), draw(st.integers(2, 6))
    size = draw(st.integers(2, 2**dim))
    classes = draw(st.integers(2, min(size, 12)))
    count = classes + draw(st.integers(0, 40))
    codes = torch.from_numpy(rng.integers(0, 2, (count, heads * dim)) * 2 - 1)
    rows = torch.from_numpy((rng.random((count, classes)) < 0.3).astype(int))
    rows[range(classes), range(classes)] = 1  # every class has an item
    return codes, rows, sample_codebook(rng, heads, size, dim), rng


@given(problems())
def test_cost_equals_the_naive_one(problem: tuple) -> None:
    codes, rows, book, _ = problem
    cost = assignment_cost(*class_code_sums(codes, rows, rows.shape[1]), book)
    assert cost == pytest.approx(naive_cost(codes, rows, book), abs=1e-9)


@given(problems())
def test_multi_label_on_one_hot_rows_is_single_label(problem: tuple) -> None:
    codes, rows, _book, _ = problem
    targets = rows.argmax(1)
    one_hot = torch.nn.functional.one_hot(targets, rows.shape[1])
    for a, b in zip(
        class_code_sums(codes, targets, rows.shape[1]), class_code_sums(codes, one_hot, rows.shape[1]), strict=True
    ):
        assert np.array_equal(a, b)


@given(problems())
def test_order_of_items_changes_nothing(problem: tuple) -> None:
    codes, rows, _, rng = problem
    order = rng.permutation(len(codes))
    for a, b in zip(
        class_code_sums(codes, rows, rows.shape[1]),
        class_code_sums(codes[order], rows[order], rows.shape[1]),
        strict=True,
    ):
        assert np.array_equal(a, b)


@given(problems())
def test_greedy_equals_the_plain_one_and_is_injective(problem: tuple) -> None:
    codes, rows, book, rng = problem
    heads, _, dim = book.shape
    classes = rows.shape[1]
    sums, weights = class_code_sums(codes, rows, classes)
    orders = random_orders([np.random.default_rng(rng.integers(2**32)) for _ in range(heads)], classes)
    found = assign_greedy(sums, book, orders)
    cost = assignment_cost(sums, weights, book)
    best = assign_hungarian(sums, weights, book)
    for h in range(heads):
        gains = sums[:, h * dim : (h + 1) * dim] @ book[h].T.astype(float)
        assert found[h].tolist() == greedy_by_hand(gains, orders[h].tolist())
        assert len(set(found[h])) == len(set(best[h])) == classes
        assert cost[h][range(classes), found[h]].sum() >= cost[h][range(classes), best[h]].sum() - 1e-9


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    book = sample_codebook(rng, 3, 30, 6)
    sums = rng.integers(-9, 9, (20, 18)).astype(float)
    orders = random_orders([np.random.default_rng(i) for i in range(3)], 20)
    whole = assign_greedy(sums, book, orders)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 8 * 3 * 30 * 7)  # seven classes at a time
    assert np.array_equal(assign_greedy(sums, book, orders), whole)


@given(problems())
def test_sums_are_the_same_in_blocks_of_items(problem: tuple) -> None:
    codes, rows, _, _ = problem
    for targets in (rows, rows.argmax(1)):
        whole = class_code_sums(codes, targets, rows.shape[1])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_BLOCK_ITEMS", 3)
            parts = class_code_sums(codes, targets, rows.shape[1])
        assert all(np.array_equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_hungarian_holds_the_costs_of_one_head_at_a_time() -> None:
    rng = np.random.default_rng(0)
    book, sums = sample_codebook(rng, 3, 400, 10), rng.integers(-9, 9, (200, 30)).astype(float)
    assign_hungarian(sums, np.ones(200), book)
    tracemalloc.start()
    assign_hungarian(sums, np.ones(200), book)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.6 * 200 * 400 * 8


def test_items_without_a_label_count_for_nothing() -> None:
    rows = torch.cat([MULTI_HOT, torch.zeros(2, 3, dtype=torch.long)])
    codes = torch.cat([CODES, torch.ones(2, 2, dtype=torch.int8)])
    for a, b in zip(class_code_sums(CODES, MULTI_HOT, 3), class_code_sums(codes, rows, 3), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.gpu
def test_sums_are_the_same_on_a_gpu() -> None:
    for targets in (TARGETS, MULTI_HOT):
        for a, b in zip(
            class_code_sums(CODES, targets, 3), class_code_sums(CODES.cuda(), targets.cuda(), 3), strict=True
        ):
            assert np.array_equal(a, b)


def test_dozens_of_labels_an_item_are_counted_in_rounded_shares() -> None:
    """The common denominator of 1/1 ... 1/47 is beyond what float64 holds exactly."""
    rows = torch.tril(torch.ones(47, 47, dtype=torch.int64))
    codes = torch.ones(47, 2)
    sums, weights = class_code_sums(codes, rows, 47)
    expected = [sum(1 / size for size in range(c + 1, 48)) for c in range(47)]
    assert weights == pytest.approx(expected)
    assert sums == pytest.approx(np.array(expected)[:, None] * [1, 1])

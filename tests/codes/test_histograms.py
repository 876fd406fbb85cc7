"""Counts against a double loop, on every path: threads, parts, order of the database, matrix products."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.codes import matrix_histograms as matrix_module
from bench.codes.histograms import Histograms, distance_histograms
from bench.codes.matrix_histograms import matrix_histograms
from bench.codes.packing import pack
from bench.errors import DataError

Case = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def naive(q: np.ndarray, ql: np.ndarray, d: np.ndarray, dl: np.ndarray) -> Histograms:
    bits = q.shape[1]
    found = Histograms.zeros(len(q), bits)
    for i in range(len(q)):
        for j in range(len(d)):
            distance = int((q[i] != d[j]).sum())
            found.items[i, distance] += 1
            found.relevant[i, distance] += ql[i] == dl[j] if ql.ndim == 1 else bool((ql[i] & dl[j]).any())
    return found


def counted(case: Case, **options: object) -> Histograms:
    q, ql, d, dl = case
    return distance_histograms(pack(q), ql, pack(d), dl, q.shape[1], **options)  # type: ignore[arg-type]


def same(a: Histograms, b: Histograms) -> bool:
    return np.array_equal(a.items, b.items) and np.array_equal(a.relevant, b.relevant)


def random_case(rng: np.random.Generator, bits: int, classes: int, sizes: tuple[int, int], multi_label: bool) -> Case:
    codes = [(rng.integers(0, 2, (n, bits)) * 2 - 1).astype(np.int8) for n in sizes]
    if multi_label:
        labels = [rng.random((n, classes)) < 2 / classes for n in sizes]
    else:
        labels = [rng.integers(0, classes, n) for n in sizes]
    return codes[0], labels[0], codes[1], labels[1]


@st.composite
def retrievals(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.integers(1, 6)), draw(st.integers(1, 25))
    return random_case(rng, draw(st.integers(1, 150)), draw(st.integers(2, 90)), sizes, draw(st.booleans()))


@given(retrievals())
def test_counts_equal_a_double_loop(case: Case) -> None:
    assert same(counted(case), naive(*case))


@given(retrievals(), st.randoms(use_true_random=False))
def test_threads_order_and_parts_change_nothing(case: Case, random: object) -> None:
    q, ql, d, dl = case
    whole = counted(case)
    assert same(counted(case, threads=3), whole)
    order = np.arange(len(d))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert same(counted((q, ql, d[order], dl[order])), whole)
    if len(d) > 1:
        half = len(d) // 2
        parts = [counted((q, ql, d[part], dl[part])) for part in (slice(half), slice(half, None))]
        assert same(parts[0] + parts[1], whole)


@given(retrievals(), st.integers(1, 60), st.integers(1, 20))
def test_matrix_products_count_the_same(case: Case, pairs: int, rows: int) -> None:
    q, ql, d, dl = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrix_module, "_PAIRS", pairs)
        patch.setattr(matrix_module, "_DATABASE_ROWS", rows)
        found = Histograms(*matrix_histograms(pack(q), ql, pack(d), dl, q.shape[1], "cpu"))
    assert same(found, counted(case))


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("bits", [16, 64, 70])
def test_counts_beyond_one_block_of_items(bits: int, multi_label: bool) -> None:
    q, ql, d, dl = random_case(np.random.default_rng(bits), bits, 80, (300, 5000), multi_label)
    found = counted((q, ql, d, dl))
    distances = (bits - q.astype(int) @ d.T.astype(int)) // 2
    relevant = ql[:, None] == dl if ql.ndim == 1 else ql.astype(int) @ dl.T.astype(int) > 0
    for distance in range(bits + 1):
        assert np.array_equal(found.items[:, distance], (distances == distance).sum(1))
        assert np.array_equal(found.relevant[:, distance], ((distances == distance) & relevant).sum(1))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("bits", [16, 64, 70, 3000])
def test_a_gpu_counts_the_same(bits: int, multi_label: bool) -> None:
    case = random_case(np.random.default_rng(bits), bits, 80, (300, 5000), multi_label)
    assert same(counted(case, device="cuda"), counted(case))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": np.zeros((0, 1), np.uint8), "query_labels": np.zeros(0, int)}, "at least one query"),
        ({"database": np.zeros((0, 1), np.uint8), "database_labels": np.zeros(0, int)}, "one database item"),
        ({"database": np.zeros((2, 2), np.uint8)}, "must both hold 7 bits"),
        ({"database": np.ones((2, 1), np.uint8)}, "bits set beyond their 7 bits"),
        ({"database_labels": np.zeros(3, int)}, "labels do not match"),
        ({"database_labels": np.zeros((2, 3), bool)}, "one form"),
        ({"bits": 0}, "codes of 0 bits"),
        ({"bits": 2**15}, "codes of 32768 bits"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    good = {
        "query": np.zeros((1, 1), np.uint8), "query_labels": np.zeros(1, int), "database": np.zeros((2, 1), np.uint8),
        "database_labels": np.zeros(2, int), "bits": 7,
    }  # fmt: skip
    with pytest.raises(DataError, match=message):
        distance_histograms(**{**good, **change})


def test_a_gpu_counts_by_matrix_products(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = []

    def here(*case: object) -> tuple[np.ndarray, np.ndarray]:
        devices.append(case[-1])
        return matrix_histograms(*case[:-1], "cpu")  # type: ignore[arg-type]

    monkeypatch.setattr(matrix_module, "matrix_histograms", here)
    case = random_case(np.random.default_rng(0), 16, 3, (4, 20), False)
    assert same(counted(case, device="cuda:0"), naive(*case))
    assert devices == ["cuda:0"]


def test_labels_of_different_types() -> None:
    """As files have them: torch compares no uint16 with int64."""
    rng = np.random.default_rng(0)
    query, database = (rng.integers(0, 2, (n, 9), dtype=np.int8) * 2 - 1 for n in (5, 40))
    ql, dl = rng.integers(0, 4, 5), rng.integers(0, 4, 40)
    wanted = matrix_histograms(pack(query), ql, pack(database), dl, 9, "cpu")
    found = matrix_histograms(pack(query), ql.astype(np.uint16), pack(database), dl, 9, "cpu")
    assert all(np.array_equal(one, other) for one, other in zip(found, wanted, strict=True))

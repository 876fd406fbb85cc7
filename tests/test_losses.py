"""Golden values: centers (++++), (+-+-), (--++), v = (0.5, -1, 2, 0.1), C = 3."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench import losses
from bench.losses import (
    angular_margin_softmax,
    bank_pair_loss,
    center_cosines,
    central_bce,
    class_pair_loss,
    class_rows,
    margin_softmax,
    quantization,
    softmax_bce,
)  # fmt: skip

Z = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [-1, -1, 1, 1]], dtype=torch.float64)
V = torch.tensor([[0.5, -1, 2, 0.1]], dtype=torch.float64)
V2 = torch.tensor([[-0.3, 0.8, -0.6, 1.2]], dtype=torch.float64)
S = math.sqrt(2) * math.log(2)


def rows(*values: tuple[int, int, int]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_golden_cosines() -> None:
    assert center_cosines(V, Z)[0].tolist() == pytest.approx([0.348817, 0.741235, 0.566827], abs=1e-6)


@pytest.mark.parametrize(
    ("v", "y", "scale", "expected"),
    [
        (V, rows((0, 1, 0)), S, 1.0485480517),
        (V, rows((0, 1, 1)), S, 1.0679175805),
        (V2, rows((1, 0, 1)), S, 0.8909956),
        (torch.cat([V, V2]), rows((0, 1, 0), (1, 0, 1)), S, 0.9697718430),
        (V, rows((0, 1, 0)), 2.0, 1.0054281865),
    ],
)
def test_golden_margin_softmax(v: torch.Tensor, y: torch.Tensor, scale: float, expected: float) -> None:
    assert margin_softmax(v, Z, y, scale, 0.2).item() == pytest.approx(expected, abs=1e-7)


def test_golden_quantization() -> None:
    assert quantization(V).item() == pytest.approx(0.2895117585, abs=1e-9)
    assert quantization(torch.cat([V, V2])).item() == pytest.approx(0.2518937540, abs=1e-9)


def test_golden_central_bce() -> None:
    assert central_bce(V, Z[1:2]).item() == pytest.approx(0.3141196240, abs=1e-9)


def test_golden_softmax_bce() -> None:
    assert softmax_bce(V, Z, rows((0, 1, 0))).item() == pytest.approx(0.4082413878, abs=1e-9)


def test_golden_bank_pair_loss() -> None:
    u = torch.tensor([[0.5, -0.5, 0.5, 0.5]], dtype=torch.float64)
    bank = torch.tensor([[1, -1, 1, 1], [-1, 1, -1, 1], [1, 1, 1, -1]], dtype=torch.float64)
    y, bank_y = torch.tensor([7]), torch.tensor([7, 3, 7])
    assert bank_pair_loss(u, y, bank, bank_y).item() == pytest.approx(0.8336120824, abs=1e-9)
    rows, bank_rows = torch.eye(8, dtype=torch.float64)[y], torch.eye(8, dtype=torch.float64)[bank_y]
    assert bank_pair_loss(u, rows, bank, bank_rows).item() == pytest.approx(0.8336120824, abs=1e-9)


@st.composite
def batches(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    size, classes, bits = draw(st.integers(1, 5)), draw(st.integers(2, 6)), draw(st.integers(2, 12))
    y = (torch.rand(size, classes, generator=g) < 0.4).double()
    y[range(size), torch.randint(classes, (size,), generator=g)] = 1
    centers = torch.randint(0, 2, (classes, bits), generator=g).double() * 2 - 1
    return torch.randn(size, bits, generator=g, dtype=torch.float64) * 2, centers, y


@given(batches())
def test_margin_softmax_equals_the_formula_term_by_term(batch: tuple) -> None:
    v, z, y = batch
    total = 0.0
    for n in range(len(v)):
        cos = [float(v[n] @ z[j]) / (float(v[n].norm()) * z.shape[1] ** 0.5) for j in range(len(z))]
        e = [math.exp(3.0 * (cos[j] - 0.2 * float(y[n, j]))) for j in range(len(z))]
        total -= sum(float(y[n, j] / y[n].sum()) * math.log(e[j] / sum(e)) for j in range(len(z)))
    assert margin_softmax(v, z, y, 3.0, 0.2).item() == pytest.approx(total / len(v), rel=1e-9)


@given(batches())
def test_softmax_bce_equals_the_definition(batch: tuple) -> None:
    v, z, y = batch
    p = torch.softmax(z.shape[1] ** 0.5 * center_cosines(torch.tanh(v), z), dim=1)
    plain = -(y * p.log() + (1 - y) * (1 - p).log()).mean()
    assert softmax_bce(v, z, y).item() == pytest.approx(plain.item(), rel=1e-7)


@given(batches())
def test_central_bce_equals_the_definition(batch: tuple) -> None:
    v, z, _ = batch
    t, u = (z[:1].expand_as(v) + 1) / 2, (torch.tanh(v) + 1) / 2
    plain = -(t * u.log() + (1 - t) * (1 - u).log()).mean()
    assert central_bce(v, z[:1].expand_as(v)).item() == pytest.approx(plain.item(), rel=1e-6)


def test_softmax_bce_stays_finite_where_a_probability_rounds_to_one() -> None:
    z = torch.tensor([[1.0], [-1.0]]).repeat(1, 512)
    v = (torch.ones(1, 512) * 9).requires_grad_()
    for y in (torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])):
        loss = softmax_bce(v, z, y)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(v.grad).all()


@pytest.mark.parametrize("value", [60.0, -60.0])
def test_central_bce_stays_finite_for_large_outputs(value: float) -> None:
    v = torch.full((2, 4), value, requires_grad=True)
    loss = central_bce(v, torch.ones(2, 4))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(v.grad).all()


@given(batches())
def test_quantization_equals_the_definition(batch: tuple) -> None:
    v = batch[0]
    plain = sum((abs(math.tanh(float(x))) - 1) ** 2 for x in v.flatten()) / v.numel()
    assert quantization(v).item() == pytest.approx(plain, rel=1e-9)


@given(batches())
def test_angular_margin_equals_the_formula_term_by_term(batch: tuple) -> None:
    v, z, y = batch
    total = 0.0
    for n in range(len(v)):
        cos = [float(v[n] @ z[j]) / (float(v[n].norm()) * z.shape[1] ** 0.5) for j in range(len(z))]
        e = [math.exp(3.0 * (math.cos(math.acos(c) + 0.2) if y[n, j] else c)) for j, c in enumerate(cos)]
        total -= sum(float(y[n, j] / y[n].sum()) * math.log(e[j] / sum(e)) for j in range(len(z)))
    assert angular_margin_softmax(v, z, y, 3.0, 0.2).item() == pytest.approx(total / len(v), rel=1e-4)


@given(batches(), st.integers(0, 2**31), st.booleans())
def test_the_pair_loss_equals_a_loop_and_its_blocks(batch: tuple, seed: int, multi_label: bool) -> None:
    v, _, y = batch
    g = torch.Generator().manual_seed(seed)
    bank = torch.randn(7, v.shape[1], generator=g, dtype=torch.float64)
    bank_y = (torch.rand(7, y.shape[1], generator=g) < 0.4).double()
    labels, bank_labels = (y, bank_y) if multi_label else (y.argmax(1), bank_y.argmax(1))
    total, count = 0.0, 0
    for i in range(len(v)):
        for j in range(7):
            shared = bool((y[i] * bank_y[j]).sum()) if multi_label else bool(labels[i] == bank_labels[j])
            if shared:
                cosine = float(v[i] @ bank[j] / v[i].norm() / bank[j].norm())
                total, count = total + math.log1p(math.exp((1 - cosine) / 2)), count + 1
    expected = total / max(count, 1)
    leaf = v.clone().requires_grad_()
    whole = bank_pair_loss(leaf, labels, bank, bank_labels)
    assert whole.item() == pytest.approx(expected, rel=1e-9)
    whole.backward()
    gradient = leaf.grad.clone()
    leaf.grad = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(losses, "_BANK_BLOCK", 3)
        in_blocks = bank_pair_loss(leaf, labels, bank, bank_labels)
        in_blocks.backward()
    assert in_blocks.item() == pytest.approx(expected, rel=1e-9)
    assert torch.allclose(leaf.grad, gradient)
    if multi_label:
        return
    rows, valid = class_rows(bank_labels, y.shape[1])
    for gathered in (1, 2**24):  # a column at a time, all at once
        leaf.grad = None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(losses, "_GATHERED", gathered)
            by_class = class_pair_loss(leaf, labels, bank, rows, valid)
        by_class.backward()
        assert by_class.item() == pytest.approx(expected, rel=1e-9)
        assert torch.allclose(leaf.grad, gradient)


def test_rows_of_each_class() -> None:
    rows, valid = class_rows(torch.tensor([2, 0, 2, 2, 0]), 4)
    assert [r[v].tolist() for r, v in zip(rows, valid, strict=True)] == [[1, 4], [], [0, 2, 3], []]


@given(batches())
def test_single_precision_gives_the_same(batch: tuple) -> None:
    v, z, y = batch
    small = v.float(), z.float(), y.float()
    for loss in (
        lambda v, z, y: margin_softmax(v, z, y, 3.0, 0.2), lambda v, z, y: angular_margin_softmax(v, z, y, 3.0, 0.2),
        softmax_bce, lambda v, z, y: central_bce(v, z[:1].expand_as(v)), lambda v, z, y: quantization(v),
        lambda v, z, y: bank_pair_loss(v, y, v, y),
    ):  # fmt: skip
        assert loss(*small).dtype == torch.float32
        assert loss(*small).item() == pytest.approx(loss(v, z, y).item(), rel=2e-3, abs=1e-5)

"""What must hold of centers, codes, losses and gradients; what does not is said in one sentence."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.centers.separation import separation
from bench.conformance.probes import descend
from bench.plugins.method import Method

_AGREE = 1e-4  # losses of two precisions or devices, relative to max(1, |loss|)


class Unmet(Exception):
    """A sentence on what was expected and found."""


def expect(condition: bool, sentence: str) -> None:
    """Raise Unmet with the sentence unless the condition holds."""
    if not condition:
        raise Unmet(sentence)


def binary(method: Method, what: str) -> None:
    """Centers in force: (C, K) float32 in {-1, +1}."""
    centers, expected = method.centers, (method.task.num_classes, method.task.bits)
    shape = tuple(centers.shape)
    expect(shape == expected, f"expected {what} of shape {expected} (classes x bits); found {shape}")
    expect(centers.dtype == torch.float32, f"expected {what} as float32; found {centers.dtype}")
    wrong = centers[centers.abs() != 1]
    expect(not len(wrong), f"expected {what} to be -1 or +1; found {len(wrong)} other entries, {wrong[:1].tolist()}")


def code_rows(method: Method, outputs: Tensor) -> None:
    """Codes of outputs (n, `outputs`): (n, K) int8 in {-1, +1}."""
    codes, expected = method.codes(outputs), (len(outputs), method.task.bits)
    found = tuple(codes.shape), codes.dtype
    expect(found == (expected, torch.int8), f"expected codes {expected} int8; found {found[0]} {found[1]}")
    expect(bool((codes.abs() == 1).all()), "expected codes of -1 and +1; found others: sgn(0) is +1")


def scalar(loss: Tensor) -> None:
    """One finite number."""
    expect(isinstance(loss, Tensor) and loss.ndim == 0, f"expected a scalar loss; found {kind(loss)}")
    expect(bool(torch.isfinite(loss)), f"expected a finite loss; found {shown(loss)}")


def backward(loss: Tensor, outputs: Tensor) -> None:
    """The gradient of a loss with respect to the outputs: there, finite, not 0 everywhere."""
    expect(loss.requires_grad, "expected a loss that depends on the outputs; found one without a gradient")
    (gradient,) = torch.autograd.grad(loss.sum(), outputs, allow_unused=True)
    if gradient is None:
        raise Unmet("expected a loss that depends on the outputs; found none")
    bad = int((~torch.isfinite(gradient)).sum())
    expect(bad == 0, f"expected a finite gradient; found {bad} of {gradient.numel()} entries NaN or infinite")
    expect(bool(gradient.any()), "expected a gradient that is not 0; found 0 everywhere")


def falls(method: Method) -> None:
    """The loss after 30 steps is less than before."""
    _, losses = descend(method, 30)
    expect(losses[-1] < losses[0], f"expected the loss to fall in 30 steps; found {losses[0]:g}, then {losses[-1]:g}")


def agree(one: Tensor, other: Tensor, where: str) -> None:
    """Two losses are equal to the tolerance, relative to max(1, |loss|)."""
    a, b = float(one), float(other)
    near = abs(a - b) <= _AGREE * max(1, abs(b))
    expect(near, f"expected the same loss {where} to {_AGREE:g}; found {a:.8g} and {b:.8g}")


def shared(method: Method) -> str | None:
    """A remark on classes that share a center: allowed, but nothing can tell them apart."""
    pairs = separation(method.centers.numpy()).duplicates
    return f"{pairs} pairs of classes share a center" if pairs else None


def kind(value: object) -> str:
    """What a value is, for a sentence."""
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def shown(loss: Tensor) -> str:
    """A loss, for a sentence."""
    return f"{loss.item():.8g}" if loss.numel() == 1 else kind(loss)

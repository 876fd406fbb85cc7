"""Losses toward hash centers, shared by the methods.

Notation: relaxed codes v (B, K) float; u = tanh(v); centers Z (C, K) in {-1, +1}; labels y (B, C) multi-hot
with at least one positive per row. Each returns a scalar.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

_BANK_BLOCK = 2**15  # rows of MDS's bank that a batch is compared with at a time
_LEAST_NORM = 1e-12  # as in torch.nn.functional.normalize
_GATHERED = 2**24  # numbers of the bank that are gathered at a time


def center_cosines(v: Tensor, centers: Tensor) -> Tensor:
    """Cosine of each code with each center, (B, C): <v, z> / (|v| sqrt(K))."""
    return F.normalize(v, dim=1) @ (centers / centers.shape[1] ** 0.5).T


def margin_softmax(v: Tensor, centers: Tensor, y: Tensor, scale: float, margin: float) -> Tensor:
    """Cross-entropy over scaled cosines with an additive margin on every positive class.

    CRH Eq. 1-2, OrthoHash's cosine margin. Targets are y / |y|_1; one-hot rows give CosFace.
    """
    return _shared_cross_entropy(scale * (center_cosines(v, centers) - margin * y), y)


def angular_margin_softmax(v: Tensor, centers: Tensor, y: Tensor, scale: float, margin: float) -> Tensor:
    """The same with the margin on the angle: cos(theta + m) for every positive class (OrthoHash's ArcFace variant)."""
    cosines = center_cosines(v, centers)
    angles = torch.acos(cosines.clamp(-1 + 1e-6, 1 - 1e-6))  # at +-1 the gradient of the angle is infinite
    return _shared_cross_entropy(scale * torch.where(y > 0, torch.cos(angles + margin), cosines), y)


def _shared_cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy with targets y / |y|_1."""
    weights = y / y.sum(dim=1, keepdim=True)
    return -(weights * F.log_softmax(logits, dim=1)).sum(dim=1).mean()


def central_bce(v: Tensor, target_codes: Tensor) -> Tensor:
    """Bitwise cross-entropy between u and target codes (B, K) in {-1, +1}: CSQ's central similarity loss.

    (tanh v + 1) / 2 is the sigmoid of 2v, which gives the stable form.
    """
    return F.binary_cross_entropy_with_logits(2 * v, (target_codes + 1) / 2)


def softmax_bce(v: Tensor, centers: Tensor, y: Tensor) -> Tensor:
    """MDS's center loss: binary cross-entropy of p = softmax_j(sqrt(K) cos(u, z_j)) against the multi-hot row.

    Positives compete in the softmax; the mean is over batch and classes. log(1 - p) of the likeliest class is
    the log-sum-exp over the others, since its p may round to 1; every other p is at most 1/2.
    """
    logits = v.shape[1] ** 0.5 * center_cosines(torch.tanh(v), centers)
    log_p = F.log_softmax(logits, dim=1)
    top = logits.argmax(dim=1, keepdim=True)
    log_rest_of_top = log_p.scatter(1, top, -torch.inf).logsumexp(dim=1, keepdim=True)
    log_rest = torch.log1p(-log_p.scatter(1, top, -torch.inf).exp()).scatter(1, top, log_rest_of_top)
    return -(y * log_p + (1 - y) * log_rest).mean()


def bank_pair_loss(u: Tensor, y: Tensor, bank: Tensor, bank_y: Tensor) -> Tensor:
    """MDS's pair loss: mean of log(1 + exp((1 - cos(u_i, U_j)) / 2)) over pairs that share a label.

    A large bank is passed in blocks that are computed again for the gradient: memory is that of one block.

    Args:
        u: (B, K) codes after tanh.
        y: (B,) class indices or (B, C) multi-hot rows.
        bank: (N, K) momentum codes.
        bank_y: (N,) or (N, C), as y.
    """
    if len(bank) <= _BANK_BLOCK:
        total, count = _pair_terms(u, y, bank, bank_y)
        return total / count.clamp(min=1)
    total = count = u.new_zeros(())
    for start in range(0, len(bank), _BANK_BLOCK):
        block = slice(start, start + _BANK_BLOCK)
        added, pairs = checkpoint(_pair_terms, u, y, bank[block], bank_y[block], use_reentrant=False)
        total, count = total + added, count + pairs
    return total / count.clamp(min=1)


def _pair_terms(u: Tensor, y: Tensor, bank: Tensor, bank_y: Tensor) -> tuple[Tensor, Tensor]:
    """Sum over the pairs that share a label, and their number."""
    cosines = F.normalize(u, dim=1) @ F.normalize(bank, dim=1).T
    shares = y[:, None] == bank_y[None, :] if y.ndim == 1 else y @ bank_y.T > 0
    pairs = shares.to(cosines.dtype)
    return (F.softplus((1 - cosines) / 2) * pairs).sum(), pairs.sum()


def class_rows(y: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Rows of each class: (C, n) long, n of the largest class; and (C, n) bool, false where a row only fills up.

    Args:
        y: (N,) class indices.
    """
    counts = torch.bincount(y, minlength=num_classes)
    rank = torch.arange(len(y), device=y.device) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    order = torch.argsort(y, stable=True)
    rows = y.new_zeros(num_classes, int(counts.max()))
    rows[y[order], rank] = order
    return rows, torch.arange(rows.shape[1], device=y.device) < counts[:, None]


def class_pair_loss(u: Tensor, y: Tensor, bank: Tensor, rows: Tensor, valid: Tensor) -> Tensor:
    """`bank_pair_loss` of items with one class each, from the pairs that share it alone: with many classes far fewer.

    Args:
        u, y, bank: as there; y class indices.
        rows, valid: (C, n) of the bank's labels, see `class_rows`.
    """
    u = F.normalize(u, dim=1)
    total = count = u.new_zeros(())
    for columns in range(0, rows.shape[1], step := max(1, _GATHERED // u.numel())):
        some, pairs = rows[:, columns : columns + step][y], valid[:, columns : columns + step][y].to(u.dtype)
        theirs = F.embedding(some, bank)
        products = torch.linalg.vecdot(theirs, u[:, None])  # on a CPU a quarter of a batched product's time
        cosines = products / theirs.norm(dim=2).clamp(min=_LEAST_NORM)
        total, count = total + (F.softplus((1 - cosines) / 2) * pairs).sum(), count + pairs.sum()
    return total / count.clamp(min=1)


def quantization(v: Tensor) -> Tensor:
    """Mean of (|tanh v| - 1)^2: how far the relaxed codes are from binary ones (CRH Eq. 3, CSQ, MDS)."""
    return (torch.tanh(v).abs() - 1).square().mean()

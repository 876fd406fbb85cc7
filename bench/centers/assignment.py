"""Classes to candidates of a codebook, one-to-one and independently per head (CRH, Eqs. 5-8).

The cost E[h, c, m] is the mean squared distance of class c's codes in head h to candidate m. Since all words
of d bits have the same norm it needs only the class sums of the codes, never an N x M matrix:
E = 2 d - 2 <S_c / W_c, Z_m>.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_BLOCK_BYTES = 64 * 2**20  # of gains held at a time by the greedy assignment
_BLOCK_ITEMS = 2**14  # whose codes are in double precision at a time


def class_code_sums(
    codes: Tensor, targets: Tensor, num_classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Label-weighted sums of codes per class, S (C, K), and of weights, W (C,), both up to one common factor.

    The weight of item n for class c is y_nc / |y_n|_1, times the least common multiple L of all |y_n|_1, so
    that every number is an integer that float64 holds exactly (while L N < 2^53): the sums, and so every tie
    between candidates, are the same on any device and in any order of items.

    Args:
        codes: (N, K) in {-1, +1}.
        targets: (N,) class indices, or (N, C) multi-hot rows; a row without positives counts for nothing.
    """
    sums = torch.zeros(num_classes, codes.shape[1], dtype=torch.float64, device=codes.device)
    blocks = list(zip(codes.split(_BLOCK_ITEMS), targets.split(_BLOCK_ITEMS), strict=True))
    if targets.ndim == 1:
        for some, theirs in blocks:
            sums.index_add_(0, theirs, some.to(torch.float64))
        return sums.cpu().numpy(), torch.bincount(targets, minlength=num_classes).double().cpu().numpy()
    sizes = torch.cat([theirs.to(torch.float64).sum(dim=1) for _, theirs in blocks])
    factor = math.lcm(*(int(q) for q in sizes.unique().tolist() if q > 0))
    if factor * len(codes) >= 2**53:  # dozens of labels per item: rounded weights are all float64 can do
        factor = 1
    shares = factor / sizes.clamp(min=1)
    counts = sums.new_zeros(num_classes)
    for (some, theirs), share in zip(blocks, shares.split(_BLOCK_ITEMS), strict=True):
        weights = theirs * share[:, None]
        sums += weights.T @ some.to(torch.float64)
        counts += weights.sum(dim=0)
    return sums.cpu().numpy(), counts.cpu().numpy()


def assignment_cost(
    sums: NDArray[np.float64], weights: NDArray[np.float64], codebook: NDArray[np.int8]
) -> NDArray[np.float64]:
    """E (H, C, M) of Eq. 5 (one-hot) and Eq. 7 (weighted multi-label), in one product per head.

    Args:
        sums, weights: of `class_code_sums`; every weight > 0.
        codebook: (H, M, d).
    """
    dim = codebook.shape[2]
    cost = _gains(_per_head(sums, codebook), codebook)
    cost *= -2  # in place: at 10,000 classes a head's costs are 1.6 GB
    cost += 2 * dim * weights[:, None]
    cost /= weights[:, None]
    return cost


def assign_greedy(
    sums: NDArray[np.float64], codebook: NDArray[np.int8], orders: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Each class in turn takes the cheapest candidate still free, the lowest index on ties: (H, C).

    Within a class the cheapest candidate is the one with the largest <S_c, Z_m>, an integer, so the weights
    are not needed. All heads step together: C steps of a masked (H, M) argmax.

    Args:
        sums: (C, K) of `class_code_sums`.
        codebook: (H, M, d).
        orders: (H, C), the order in which each head's classes choose.
    """
    heads, size, _ = codebook.shape
    per_head = _per_head(sums, codebook)
    assignment = np.empty_like(orders)
    taken = np.zeros((heads, size), dtype=bool)
    rows = np.arange(heads)
    block = max(1, _BLOCK_BYTES // (8 * heads * size))
    for start in range(0, orders.shape[1], block):
        classes = orders[:, start : start + block]  # (H, b)
        gains = _gains(per_head[rows[:, None], classes], codebook)  # (H, b, M)
        for i in range(classes.shape[1]):
            choice = np.where(taken, -np.inf, gains[:, i]).argmax(axis=1)
            assignment[rows, classes[:, i]] = choice
            taken[rows, choice] = True
    return assignment


def assign_hungarian(
    sums: NDArray[np.float64], weights: NDArray[np.float64], codebook: NDArray[np.int8]
) -> NDArray[np.int64]:
    """The assignment of least total cost per head, (H, C); arguments as `assignment_cost`.

    One head's costs at a time, for their size.
    """
    heads, _, dim = codebook.shape
    columns = [slice(h * dim, (h + 1) * dim) for h in range(heads)]
    return np.stack(
        [least_cost(assignment_cost(sums[:, columns[h]], weights, codebook[h : h + 1])[0]) for h in range(heads)]
    )


def least_cost(cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """Column of each row, all different, of least total cost: (C, M) -> (C,)."""
    from scipy.optimize import linear_sum_assignment  # a quarter of a second, which a plan need not wait for

    return linear_sum_assignment(cost)[1].astype(np.int64)


def random_orders(rngs: Sequence[np.random.Generator], num_classes: int) -> NDArray[np.int64]:
    """One random class order per head, each from its own generator: (H, C)."""
    return np.stack([rng.permutation(num_classes) for rng in rngs])


def _per_head(sums: NDArray[np.float64], codebook: NDArray[np.int8]) -> NDArray[np.float64]:
    """(C, K) -> (H, C, d)."""
    heads, _, dim = codebook.shape
    return sums.reshape(-1, heads, dim).transpose(1, 0, 2)


def _gains(per_head: NDArray[np.float64], codebook: NDArray[np.int8]) -> NDArray[np.float64]:
    """<S, Z_m> for sums (H, c, d) and a codebook (H, M, d): (H, c, M)."""
    return per_head @ codebook.astype(np.float64).transpose(0, 2, 1)

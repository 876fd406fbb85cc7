"""Codes as points of a plane: t-SNE of the distinct ones, equal ones beside each other. No chance in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FEW = 3  # distinct codes that two principal components place exactly
_PERPLEXITY = 30
_STEPS = 500  # half of the usual: the divergence ends within two per cent, on codes of 16 to 64 bits
_GOLDEN = np.pi * (3 - np.sqrt(5))  # turns between neighbours of a spiral that fills a disc evenly
_STEP = 0.008  # of the map's size: between equal codes


def embed(codes: NDArray[np.int8]) -> NDArray[np.float64]:
    """Places of codes: near codes are near, far ones anywhere; equal ones fill a disc whose area is their number.

    Args:
        codes: (N, K) in {-1, +1}; between these Euclidean distance squared is four times Hamming distance.

    Returns:
        (N, 2) float64, the same for the same codes on one machine.
    """
    distinct, which = np.unique(codes, axis=0, return_inverse=True)
    places = _principal(distinct) if len(distinct) <= _FEW else _neighbours(distinct)
    size = float(np.ptp(places, axis=0).max()) or 1.0
    return places[which] + _STEP * size * _discs(which)


def _neighbours(distinct: NDArray[np.int8]) -> NDArray[np.float64]:
    """By t-SNE on one thread: sums over several threads come in any order, and their last bits decide."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(_PERPLEXITY, (len(distinct) - 1) / 3)
    with threadpool_limits(1):
        method = TSNE(perplexity=perplexity, init="pca", random_state=0, max_iter=_STEPS)
        places = method.fit_transform(distinct.astype(np.float32))
    return np.asarray(places, dtype=np.float64)


def _principal(distinct: NDArray[np.int8]) -> NDArray[np.float64]:
    """(N, 2): two principal components, zeros where there are fewer."""
    centered = distinct - distinct.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centered, full_matrices=False)
    places = np.zeros((len(distinct), 2))
    found = (left * sizes)[:, :2]
    places[:, : found.shape[1]] = found
    return places


def _discs(which: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N, 2): the n-th of equal items stands at the n-th place of a spiral from 0."""
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], which[order])
    turn = np.empty(len(which))
    turn[order] = np.arange(len(which)) - starts
    return np.sqrt(turn)[:, None] * np.stack([np.cos(turn * _GOLDEN), np.sin(turn * _GOLDEN)], axis=1)

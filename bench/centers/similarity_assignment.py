"""Classes to candidates of a codebook so that similar classes get near centers: "same codebook, other assignment".

A control of ours, no published method: how much semantics a codebook can carry if its words are placed for that alone.
With one head it is a quadratic assignment problem (Koopmans and Beckmann, Econometrica 25, 1957), solved here by local
search; several heads are fitted in turn, each to what the others leave.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.errors import ConfigError

Matrix = NDArray[np.float64]

STARTS = 4  # random permutations per head from which the local search begins
SWEEPS = 3  # times that each head is fitted to what the others leave


def assign_by_similarity(
    codebook: NDArray[np.int8], similarity: NDArray[np.floating], rng: np.random.Generator
) -> NDArray[np.int64]:
    """A distinct candidate per head and class, (H, C), for a large correlation of Z Z^T with the similarity.

    Each head alone first maximises sum_ij S_ij <w_i, w_j> (S standardised over i != j), from random permutations of
    its own. Then each in turn is fitted to what the others leave of the similarity; a step is kept if the correlation
    over i < j grows. A local optimum, not the best there is. Every draw is from `rng`.

    Args:
        codebook: (H, M, d) in {-1, +1}, M >= C.
        similarity: (C, C); its upper triangle is read.

    Raises:
        ConfigError: M < C, a similarity that is not square, not finite, or the same for all pairs.
    """
    target = _standardised(similarity)
    heads, size, _ = codebook.shape
    if size < len(target):
        raise ConfigError(
            f"{size} candidates are too few for {len(target)} classes, which need one each: use a larger codebook."
        )
    words = codebook.astype(np.float64)
    assignment = np.stack([_best_of_starts(target, head, rng) for head in words])
    if heads > 1:
        _fit_in_turn(target, words, assignment, rng)
    return assignment


def alignment(target: Matrix, words: Matrix, assignment: NDArray[np.int64]) -> float:
    """sum_ij T_ij <w_a(i), w_a(j)> of one head: words (M, d), assignment (C,), T (C, C) with a zero diagonal."""
    chosen = words[assignment]
    return float((chosen * (target @ chosen)).sum())


def improve(target: Matrix, words: Matrix, assignment: NDArray[np.int64], rng: np.random.Generator) -> None:
    """Local search, in place: each class in turn moves to the word that raises `alignment` most, until none does.

    The word may be free, or another class's, which then gets this one's. With F = T V, V (C, d) the words held, a
    move of class c to w gains 2 <F_c, w - v_c>, and a swap with class e
    2 <F_c, v_e - v_c> + 2 <F_e, v_c - v_e> - 4 T_ce (d - <v_c, v_e>).
    """
    dim = words.shape[1]
    held = words[assignment]
    field = target @ held
    owner = np.full(len(words), -1)
    owner[assignment] = np.arange(len(assignment))
    tolerance = 1e-9 * (1 + abs(field).sum())  # a gain that is rounding must not be made again and again
    moved = True
    while moved:
        moved = False
        for c in rng.permutation(len(assignment)):
            old = assignment[c]
            gains = words @ field[c]
            gains -= gains[old]
            others = field @ words[old] - (field * held).sum(axis=1)
            gains[assignment] += others - 2 * target[c] * (dim - held @ words[old])
            gains[old] = 0
            new = int(gains.argmax())
            if gains[new] > tolerance:
                e, step = owner[new], words[new] - words[old]
                field += np.outer(target[:, c], step)
                if e >= 0:
                    field -= np.outer(target[:, e], step)
                    assignment[e], held[e] = old, words[old]
                assignment[c], held[c] = new, words[new]
                owner[old], owner[new] = e, c
                moved = True


def _best_of_starts(target: Matrix, words: Matrix, rng: np.random.Generator) -> NDArray[np.int64]:
    found = []
    for _ in range(STARTS):
        assignment = rng.permutation(len(words))[: len(target)]
        improve(target, words, assignment, rng)
        found.append(assignment)
    return max(found, key=lambda assignment: alignment(target, words, assignment))


def _fit_in_turn(target: Matrix, words: Matrix, assignment: NDArray[np.int64], rng: np.random.Generator) -> None:
    """Align each head with s T minus the products of the others, in place.

    With s = |P|^2 / <T, P>, P the products of all heads, that is the gradient of the correlation up to a factor, plus
    the head's own products, whose norm differs little between assignments.
    """
    products = [_products(head, chosen) for head, chosen in zip(words, assignment, strict=True)]
    for _ in range(SWEEPS):
        for h in range(len(words)):
            total = _centered(sum(products, np.zeros_like(target)))
            common = float((target * total).sum())
            if common <= 0:  # nothing of the similarity in the products yet: there is no scale
                return
            rest = (total**2).sum() / common * target - (total - _centered(products[h]))
            proposed = assignment[h].copy()
            improve(rest, words[h], proposed, rng)
            new = _products(words[h], proposed)
            if _correlation(target, total - _centered(products[h]) + _centered(new)) > _correlation(target, total):
                assignment[h], products[h] = proposed, new


def _products(words: Matrix, assignment: NDArray[np.int64]) -> Matrix:
    return words[assignment] @ words[assignment].T


def _centered(matrix: Matrix) -> Matrix:
    """Minus the mean over i != j there, and 0 on the diagonal."""
    off = ~np.eye(len(matrix), dtype=bool)
    return np.where(off, matrix - matrix[off].mean(), 0)


def _correlation(target: Matrix, total: Matrix) -> float:
    """Pearson's, of two centered matrices."""
    return float((target * total).sum() / np.sqrt((target**2).sum() * (total**2).sum()))


def _standardised(similarity: NDArray[np.floating]) -> Matrix:
    """Symmetric, of mean 0 and variance 1 over i != j, 0 on the diagonal."""
    if similarity.ndim != 2 or similarity.shape[0] != similarity.shape[1] or len(similarity) < 2:
        raise ConfigError(f"a class similarity must be (C, C) with C >= 2, not {similarity.shape}.")
    upper = np.triu(np.asarray(similarity, dtype=np.float64), k=1)
    if not np.isfinite(upper).all():
        raise ConfigError("the class similarity has entries that are NaN or infinite: give a number for each pair.")
    centered = _centered(upper + upper.T)
    if not np.ptp(upper[np.triu_indices(len(upper), 1)]) > 0:
        raise ConfigError("the class similarity is the same for all pairs: there is nothing to assign by.")
    off = ~np.eye(len(centered), dtype=bool)
    return np.asarray(centered / centered[off].std())

"""Do near classes have near centers? The Pearson correlation of two class similarities (PCC)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import DataError
from bench.plugins.dataset import Hierarchy


def pcc(centers: ArrayLike, reference: ArrayLike) -> float | None:
    """Pearson correlation between center similarity `<z_i, z_j> / K` and a reference, over pairs i < j.

    The diagonal is left out (it would inflate the value), and so is the lower triangle.

    Args:
        centers: (C, K) in {-1, +1}.
        reference: (C, C) symmetric similarity of the classes, in the same order.

    Returns:
        The correlation in [-1, 1], or None where it is undefined: either side is the same for all pairs (CSQ with
        C <= K: all products are 0).
    """
    z, r = np.asarray(centers, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if z.ndim != 2 or r.shape != (len(z), len(z)):
        raise DataError(f"centers {z.shape} and reference {r.shape} do not fit: expected (C, K) and (C, C).")
    upper = np.triu_indices(len(z), k=1)
    x, y = (z @ z.T)[upper], r[upper]  # integers: equal products compare as equal
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def hierarchy_similarity(hierarchy: Hierarchy) -> NDArray[np.float64]:
    """(C, C): shared ancestors of two classes as a share of the longer path; 1 on the diagonal."""
    depth = max(len(path) for path in hierarchy.paths)
    names = np.array([[*path, *[""] * (depth - len(path))] for path in hierarchy.paths])
    lengths = np.array([len(path) for path in hierarchy.paths])
    same = names[:, None, :] == names[None, :, :]
    inside = np.arange(depth) < np.minimum(lengths[:, None], lengths[None, :])[..., None]
    shared = np.logical_and.accumulate(same & inside, axis=2).sum(axis=2)
    return np.asarray(shared / np.maximum(lengths[:, None], lengths[None, :]))

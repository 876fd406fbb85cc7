"""The search for centers of MDS (CVPR 2023) as its authors released it, with and without its main defect.

Centers are improved one at a time, each by an ADMM on a binary program (`_mds_kernels`), in at most 50 sweeps over all.
It is slow and often ends below its target: `separated.separated_centers` is this project's solver for the same task.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.centers.separation import separation
from bench.errors import ConfigError


class MdsSearch(NamedTuple):
    """Centers and how the search went.

    Attributes:
        centers: (C, K) int8 in {-1, +1}.
        sweeps: over all centers, the last one included if the time ran out in it.
        changed_rows: updates of single centers that changed one; 0 means that the search did nothing.
        discarded: updates that converged before anything was scored, whose solution is lost. 0 in the mended form.
        reached: whether `centers` are at the target distance.
        timed_out: whether `seconds` ended it.
    """

    centers: NDArray[np.int8]
    sweeps: int
    changed_rows: int
    discarded: int
    reached: bool
    timed_out: bool


def search(
    start: NDArray[np.int8], target: int, rng: np.random.Generator, *,
    score_on_convergence: bool = False, sweeps: int = 50, seconds: float | None = None,
) -> MdsSearch:  # fmt: skip
    """Search for centers at distance `target` from `start`; stops after the first sweep that ends there.

    As released, solutions of a center's ADMM that converge before its penalty is at the cap are thrown away, a center
    is replaced when its score or its least distance improves, and of the states after each sweep the one of largest
    mean + least - variance of distances comes back; `start` where that is never positive. So the result can be nearer
    than the target although a sweep reached it, and than the start. A bit that the released sign leaves at 0 stays 0
    while searching, and is +1 in what is scored over all pairs and returned.

    The search is chaotic: rounding decides, and machines may differ.

    Args:
        start: (C, K), entries -1 and +1, C >= 2; MDS starts from `hadamard_rows` that never accept.
        target: delta, the least distance; `bounds.target_distance` is MDS's choice.
        rng: for the first duals, uniform in [0, 1).
        score_on_convergence: the mended form: converged solutions are scored too, and both centers and sweeps are
            compared by (least, mean + least - variance), the start included. The least distance never falls.
        sweeps: at most.
        seconds: of wall-clock time, after which the search ends with the current center; None for no limit. The
            unfinished sweep is a candidate like the others.

    Raises:
        ConfigError: a start or limits that do not fit.
    """
    from bench.centers._mds_kernels import search_row  # numba takes a second to import

    if start.ndim != 2 or len(start) < 2 or not (abs(start) == 1).all():
        raise ConfigError("MDS's search starts from centers (C, K) of -1 and +1 for at least two classes.")
    if sweeps < 1 or not 0 <= target <= start.shape[1] or (seconds is not None and not seconds > 0):
        raise ConfigError(
            f"MDS's search needs sweeps >= 1, a target of 0 ... {start.shape[1]} and seconds > 0 or None, not "
            f"{sweeps}, {target} and {seconds}."
        )
    size, bits = start.shape
    deadline = None if seconds is None else time.monotonic() + seconds
    centers = start.astype(np.float64)
    gram = centers.T @ centers  # of integers, so that updates are exact
    best = start.astype(np.int8)
    record = _rank(best, True) if score_on_convergence else (0.0,)
    changed = discarded = 0
    done, timed_out = 0, False
    while done < sweeps and not timed_out:
        done += 1
        for i in range(size):
            others = np.delete(centers, i, axis=0)
            y1, y2, y3 = (rng.random((n,)) for n in (bits, bits, size - 1))
            own = np.outer(centers[i], centers[i])
            inverse = np.linalg.inv(2 * np.eye(bits) + gram - own).astype(np.float64)
            row, _, scorings, converged = search_row(
                centers[i], others, inverse, target, y1, y2, y3, score_on_convergence
            )
            discarded += int(converged and scorings == 0)
            if (row != centers[i]).any():
                changed += 1
                centers[i] = row
                gram += np.outer(row, row) - own
            timed_out = deadline is not None and time.monotonic() >= deadline
            if timed_out:
                break
        signs = np.where(centers >= 0, 1, -1).astype(np.int8)
        rank = _rank(signs, score_on_convergence)
        if rank > record:
            best, record = signs, rank
        if separation(signs).least >= target:
            break
    return MdsSearch(best, done, changed, discarded, separation(best).least >= target, timed_out)


def _rank(centers: NDArray[np.int8], least_first: bool) -> tuple[float, ...]:
    """What sweeps are compared by: MDS's score, after the least distance or alone."""
    found = separation(centers)
    return (found.least, found.mds_score) if least_first else (found.mds_score,)

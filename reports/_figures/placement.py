"""Where the names of points go: none on another or on a point, near their own; the same points give the same places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEADER = 7.0  # from here on a line leads from a point to its name
_FAR = 40.0  # a name so far away costs twice its distance

_DIRECTIONS = np.array(
    [
        (1, 0), (1, 1), (1, -1), (-1, 0), (-1, 1), (-1, -1), (0, 1), (0, -1),
        (1, 0.5), (1, -0.5), (-1, 0.5), (-1, -0.5), (0.5, 1), (-0.5, 1), (0.5, -1), (-0.5, -1),
    ],
    dtype=np.float64,
)  # fmt: skip
_REACH = (3.0, 7.0, 12.0, 18.0, 26.0, 36.0, 48.0, 62.0, 78.0)  # from a point to its name
_ROUNDS = 12  # of moving each name to where it is best now
_SAMPLES = np.linspace(0.0, 1.0, 12)[1:-1]  # along a leader line
_GAP = 1.0  # kept free around a name
_POINT = 2.5  # half the width of a marker
_ON_NAME, _ON_POINT, _OUTSIDE = 6.0, 4.0, 200.0  # costs of an area, an area, and a length
_LINE_ON_NAME, _LINES_CROSS, _LINE_ON_POINT = 60.0, 60.0, 6.0  # costs of each


def place(points: Floats, sizes: Floats, bounds: tuple[float, float, float, float], taken: Floats) -> Floats:
    """Centers of the names of points; y grows upwards, any unit of which a line of text has about seven.

    Each name in turn goes where it costs least, the most crowded first; then each again, until none moves.

    Args:
        points: (N, 2).
        sizes: (N, 2) width and height of each name.
        bounds: left, bottom, right and top of the area; a name leaves it only where it must.
        taken: (T, 4) left, bottom, right and top of what names shall not hide: markers, error bars.

    Returns:
        (N, 2) float64.
    """
    options = [_options(point, size) for point, size in zip(points, sizes, strict=True)]
    fixed = [
        _fixed_cost(options[i], points[i], sizes[i], bounds, taken)
        + _LINE_ON_POINT * _over_points(options[i], points[i], sizes[i], np.delete(points, i, axis=0))
        for i in range(len(points))
    ]
    centers = np.full(points.shape, np.nan)
    for _ in range(_ROUNDS):
        before = centers.copy()
        for i in _crowded_first(points):
            others = np.flatnonzero(~np.isnan(centers[:, 0]) & (np.arange(len(points)) != i))
            cost = fixed[i] + _cost_beside(
                options[i], points[i], sizes[i], centers[others], points[others], sizes[others]
            )
            centers[i] = options[i][int(cost.argmin())]
        if np.array_equal(before, centers):
            break
    return centers


def leader_end(point: Floats, center: Floats, size: Floats) -> Floats:
    """The place on the border of a name's box that is nearest to the point."""
    return np.clip(point, center - size / 2, center + size / 2)


def _options(point: Floats, size: Floats) -> Floats:
    """(9 * 16, 2): centers of the name in each direction, nearest first."""
    return np.concatenate([point + _DIRECTIONS * (size / 2 + reach) for reach in _REACH])


def _crowded_first(points: Floats) -> list[int]:
    """By the distance to the nearest other point; equal ones in their order."""
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    return [int(i) for i in np.argsort(apart.min(axis=1), kind="stable")]


def _fixed_cost(
    options: Floats, point: Floats, size: Floats, bounds: tuple[float, float, float, float], taken: Floats
) -> Floats:
    """Of each option, whatever the other names do."""
    low, high = options - size / 2 - _GAP, options + size / 2 + _GAP
    outside = np.maximum(bounds[:2] - low, 0).sum(axis=1) + np.maximum(high - bounds[2:], 0).sum(axis=1)
    hidden = _overlap(low, high, taken[:, :2], taken[:, 2:]).sum(axis=1)
    away = np.hypot(*(np.clip(point, low, high) - point).T)
    preference = np.tile(np.arange(len(_DIRECTIONS)) * 0.05, len(_REACH))
    return _OUTSIDE * outside + _ON_POINT * hidden + away + away**2 / _FAR + preference


def _over_points(options: Floats, point: Floats, size: Floats, others: Floats) -> NDArray[np.int64]:
    """Of each option, how many other points its leader line hides."""
    ends = leader_end(point, options, size)
    drawn = np.hypot(*(ends - point).T) > LEADER
    return drawn * _through(point[None], ends, others - _POINT, others + _POINT).sum(axis=1)


def _cost_beside(
    options: Floats, point: Floats, size: Floats, centers: Floats, points: Floats, sizes: Floats
) -> Floats:
    """Of each option, beside the names that have a place: on them, or their leader lines and its own in the way."""
    low, high = options - size / 2 - _GAP, options + size / 2 + _GAP
    other_low, other_high = centers - sizes / 2 - _GAP, centers + sizes / 2 + _GAP
    cost = _ON_NAME * _overlap(low, high, other_low, other_high).sum(axis=1)
    ends = np.clip(point, low, high)
    other_ends = np.clip(points, other_low, other_high)
    cost += _LINE_ON_NAME * _through(point[None], ends, other_low, other_high).sum(axis=1)
    cost += _LINE_ON_NAME * _through(points, other_ends, low, high).sum(axis=0)
    cost += _LINES_CROSS * _cross(point, ends, points, other_ends).sum(axis=1)
    return cost


def _overlap(low: Floats, high: Floats, other_low: Floats, other_high: Floats) -> Floats:
    """(A, B) areas that boxes have in common."""
    sides = np.minimum(high[:, None], other_high[None]) - np.maximum(low[:, None], other_low[None])
    return np.maximum(sides, 0).prod(axis=2)


def _through(starts: Floats, ends: Floats, low: Floats, high: Floats) -> NDArray[np.bool_]:
    """(lines, boxes): which lines run through which boxes, seen at ten places of each."""
    starts = np.broadcast_to(starts, ends.shape)
    on_line = starts[:, None] + (ends - starts)[:, None] * _SAMPLES[:, None]  # (lines, samples, 2)
    inside = (on_line[:, :, None] > low) & (on_line[:, :, None] < high)  # (lines, samples, boxes, 2)
    return np.any(np.all(inside, axis=3), axis=1)


def _cross(start: Floats, ends: Floats, starts: Floats, other_ends: Floats) -> NDArray[np.bool_]:
    """(lines from `start`, others): which cross."""

    def side(a: Floats, b: Floats, c: Floats) -> Floats:
        return (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])

    a, b, c, d = start[None, None], ends[:, None], starts[None], other_ends[None]
    return np.asarray((side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0))

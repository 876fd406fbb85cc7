"""Where a quantity may lie: prediction intervals from the seeds that a baseline was learned with.

Values of n seeds have a mean m and a standard deviation s. The mean of k further seeds of the same program lies within

    m +- t(1 - q / 2; n - 1) s sqrt(1 / k + 1 / n)

but for a share q of cases, where values are normal (Hahn & Meeker, Statistical Intervals, on prediction intervals for
the mean of a future sample). A check judges many quantities, so q is its rate of false alarms over their number
(Bonferroni): all of them together are inside but for that rate, however they hang together. Some quantities have longer
tails than a normal one, so what a seed has given is always inside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench.regression.quantities import Quantity


class Band(NamedTuple):
    """What 'as before' is for the mean of a check's seeds.

    Attributes:
        mean, sd: over the seeds learned from; `sd` with n - 1.
        least, most: of one seed.
        low, high: the band.
        unit: what deviations are counted in: `sd`, or that of the quantity's rounding where it is more.
    """

    mean: float
    sd: float
    least: float
    most: float
    low: float
    high: float
    unit: float

    def holds(self, value: float) -> bool:
        """Whether a mean is inside, its ends included."""
        return self.low <= value <= self.high

    def deviations(self, value: float) -> float:
        """How many standard deviations of one seed the value is above the mean."""
        return (value - self.mean) / self.unit


def band(values: Sequence[float], quantity: Quantity, again: int, rate: float) -> Band:
    """The band for the mean of `again` seeds.

    Args:
        values: of the seeds learned from, at least two.
        again: how many seeds a check runs.
        rate: share of false alarms of this one quantity.
    """
    from scipy.stats import t

    count = len(values)
    mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
    unit = max(sd, quantity.step / math.sqrt(12))  # the standard deviation that rounding to steps has
    half = float(t.ppf(1 - rate / 2, count - 1)) * unit * math.sqrt(1 / again + 1 / count)
    least, most = min(values), max(values)
    low, high = min(mean - half, least), max(mean + half, most)
    return Band(mean, sd, least, most, max(low, quantity.least), min(high, quantity.most), unit)

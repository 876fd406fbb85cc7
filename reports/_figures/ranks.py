"""Which methods rank apart over many blocks: mean ranks, Friedman's test, Nemenyi's critical difference.

Source: Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006, section 3.2; the F form of
Friedman's test is Iman and Davenport's, Communications in Statistics A 9, 1980, which that paper recommends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL = 0.05
_DIGITS = 9  # values that agree in so many places are tied


@dataclass(frozen=True)
class Ranking:
    """Methods by mean rank, best first.

    Attributes:
        methods: M names.
        ranks: (M,) mean ranks, 1 the best that can be.
        blocks: how many blocks they are means of.
        p_value: Friedman's: that the methods are all alike; 1 where all are tied everywhere.
        critical: difference of two mean ranks from which on two methods differ, at `LEVEL`.
    """

    methods: tuple[str, ...]
    ranks: Floats
    blocks: int
    p_value: float
    critical: float

    @property
    def alike(self) -> list[tuple[int, int]]:
        """First and last place of each longest run of methods that do not differ; all, where Friedman's test sees no
        difference at all.
        """
        if self.p_value >= LEVEL:
            return [(0, len(self.methods) - 1)]
        lasts = [int(np.flatnonzero(self.ranks - rank < self.critical).max()) for rank in self.ranks]
        return [(i, j) for i, j in enumerate(lasts) if j > i and (i == 0 or lasts[i - 1] < j)]


def ranking(methods: Sequence[str], values: Floats) -> Ranking:
    """Of methods by what is better when larger.

    Args:
        methods: M names, at least three.
        values: (N, M) a row for each block, at least two, none missing.
    """
    from scipy.stats import rankdata

    ranks = rankdata(-values.round(_DIGITS), axis=1)
    means = ranks.mean(axis=0)
    order = np.argsort(means, kind="stable")
    names = tuple(methods[i] for i in order)
    return Ranking(names, means[order], len(values), _friedman(ranks), critical_difference(*values.shape))


def critical_difference(blocks: int, methods: int) -> float:
    """Nemenyi's, at `LEVEL`: the studentised range over the root of two, times the standard error of a mean rank."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - LEVEL, methods, np.inf)) / np.sqrt(2)
    return float(quantile * np.sqrt(methods * (methods + 1) / (6 * blocks)))


def complete(table: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns to keep so that none of their values is NaN.

    Again and again the row or column of which the largest share is missing goes; of equal ones a row, the first.

    Args:
        table: (N, M).
    """
    rows, columns = np.arange(table.shape[0]), np.arange(table.shape[1])
    while len(rows) and len(columns) and (missing := np.isnan(table[np.ix_(rows, columns)])).any():
        of_rows, of_columns = missing.mean(axis=1), missing.mean(axis=0)
        if of_rows.max() >= of_columns.max():
            rows = np.delete(rows, of_rows.argmax())
        else:
            columns = np.delete(columns, of_columns.argmax())
    return rows, columns


def _friedman(ranks: Floats) -> float:
    """The p-value of the F form."""
    from scipy.stats import f, friedmanchisquare

    if (ranks == ranks[:, :1]).all():
        return 1.0
    blocks, methods = ranks.shape
    chi_square = float(friedmanchisquare(*ranks.T).statistic)
    rest = blocks * (methods - 1) - chi_square
    if rest <= 1e-9:  # every block has the same order
        return 0.0
    return float(f.sf((blocks - 1) * chi_square / rest, methods - 1, (methods - 1) * (blocks - 1)))

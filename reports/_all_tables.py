"""Every table of a report, in the order it is read."""

from __future__ import annotations

from bench.grid.results import Results

from ._centers_table import centers_table
from ._codes_table import codes_tables
from ._cost_table import cost_table
from ._cutoffs_table import cutoffs_table
from ._facts import finished
from ._map_table import map_table
from ._matrix_table import matrix_tables
from ._model import panels
from ._semantic_table import semantic_tables
from ._study_tables import study_cost_tables, study_tables
from ._table import Table
from ._ties_table import ties_table


def all_tables(results: Results) -> list[Table]:
    """What was measured, then what it cost; names are unique."""
    return result_tables(results) + cost_tables(results)


def result_tables(results: Results) -> list[Table]:
    """What a run that is repeated gives again: those of each protocol, then of combinations and studies."""
    found = []
    for panel in panels(results):
        found.append(map_table(panel))
        if any(finished(panel)):
            found += [
                *semantic_tables(panel), centers_table(panel), ties_table(panel), *codes_tables(panel),
                cutoffs_table(panel),
            ]  # fmt: skip
    return [*found, *matrix_tables(results), *study_tables(results)]


def cost_tables(results: Results) -> list[Table]:
    """Time and memory of each protocol: no two runs have the same."""
    found = [cost_table(panel) for panel in panels(results) if any(finished(panel))]
    return [*found, *study_cost_tables(results)]

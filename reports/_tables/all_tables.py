"""Every table of a report, in the order it is read."""

from __future__ import annotations

from bench.storage.results import Results

from .._model import panels
from .centers_table import centers_table
from .codes_table import codes_tables
from .cost_table import cost_table
from .cutoffs_table import cutoffs_table
from .facts import finished
from .map_table import map_table
from .matrix_table import matrix_tables
from .semantic_table import semantic_tables
from .study_tables import study_cost_tables, study_tables
from .table import Table
from .ties_table import ties_table


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

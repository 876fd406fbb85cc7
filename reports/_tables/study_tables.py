"""Tables of studies, where the results hold one: ablation, robustness, one setting varied, controls."""

from __future__ import annotations

from bench.storage.results import Results

from .._model import Panel, panels
from .._studies.arms import ablation_arms, cells_by_label, control_arms, robustness_arms
from .._studies.parameters import parameter_studies
from .ablation_tables import ablation_tables
from .controls_table import controls_table
from .parameter_table import parameter_cost_table, parameter_table
from .robustness_tables import robustness_tables
from .table import Table


def study_tables(results: Results) -> list[Table]:
    """Of each protocol those of the studies that its results hold; none where they hold none."""
    return [table for panel in panels(results) for table in _of_panel(results, panel)]


def study_cost_tables(results: Results) -> list[Table]:
    """Of each protocol what the values of a varied setting cost: no two runs have the same."""
    return [
        parameter_cost_table(panel, study)
        for panel in panels(results)
        for study in parameter_studies(panel, cells_by_label(results, panel))
    ]


def _of_panel(results: Results, panel: Panel) -> list[Table]:
    cells = cells_by_label(results, panel)
    found: list[Table] = []
    if arms := ablation_arms(panel, cells):
        found += ablation_tables(panel, arms)
    if arms := robustness_arms(panel, cells):
        found += robustness_tables(panel, arms)
    found += [parameter_table(panel, study) for study in parameter_studies(panel, cells)]
    if arms := control_arms(panel, cells):
        found.append(controls_table(panel, arms))
    return found

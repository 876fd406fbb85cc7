"""PCC in tables: what centers are compared with, and how that is said."""

from __future__ import annotations

from collections.abc import Sequence

REFERENCES = {"pcc": "the class tree", "pcc_backbone": "class means of frozen features"}  # by metric
COLUMNS = {"pcc": "PCC tree", "pcc_backbone": "PCC features"}  # of tables with other measures


def pcc_meaning(metrics: Sequence[str]) -> str:
    """A sentence on the columns of these metrics."""
    compared = " and ".join(f"{REFERENCES[m]} ({COLUMNS[m]})" for m in metrics)
    return (
        f"PCC: correlation, over all pairs of classes, of the centers' similarity with {compared}; a dash where it is "
        "undefined."
    )

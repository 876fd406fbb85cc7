"""Whether two runs of a grid came to the same, wherever their cells were run."""

from __future__ import annotations

from bench.storage.results import Results


def same(one: Results, other: Results) -> bool:
    """Whether all tables and all codes are the same."""
    arrays = [{s.cell.id: [a.tobytes() for a in s.arrays().values()] for s in r.cells} for r in (one, other)]
    frames = [r.frame.drop(columns="seconds") for r in (one, other)]
    return arrays[0] == arrays[1] and frames[0].equals(frames[1])

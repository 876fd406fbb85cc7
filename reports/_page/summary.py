"""The page's first section: what was compared, on what, which method is best, what is missing and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from bench.evaluation.uncertainty import bootstrap_interval
from bench.storage.results import Results

from .._model import Entry, Panel
from .._tables.facts import condensed
from .._tables.text import listed, plus_minus
from .figure_data import stored_arrays


def summary(results: Results, found: Sequence[Panel]) -> dict[str, Any]:
    """One sentence on all; then for each protocol its title, facts, best methods and what is missing."""
    cells = results.cells
    methods = list(dict.fromkeys(s.cell.method_label for s in cells))
    failed = sum(not s.ok for s in cells)
    datasets = list(dict.fromkeys(s.cell.dataset_label for s in cells))
    ended = f"{failed} of them failed" if failed else "all finished"
    lead = (
        f"{counted(len(methods), 'method')} at {lengths({s.cell.bits for s in cells})} on {listed(datasets)}: "
        f"{counted(len(cells), 'cell')}, {ended}."
    )
    return {"lead": lead, "datasets": listed(datasets), "methods": methods, "panels": [
        {
            "title": panel.title, "facts": panel.facts(), "best": best(panel), "missing": missing(panel),
            "notes": condensed(panel.notes),
        }
        for panel in found
    ]}  # fmt: skip


def counted(number: int, word: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def lengths(bits: Iterable[int]) -> str:
    """`16, 32, 64 bits`."""
    return f"{listed([str(k) for k in sorted(bits)], 12)} bits"


def best(panel: Panel) -> list[dict[str, Any]]:
    """For each code length the method of largest mean mAP, its 95 % interval, and the one that follows."""
    rows = []
    for bits in panel.bits:
        entries = [(m, row[bits]) for m, row in panel.entries.items() if row[bits].mean() is not None]
        order = sorted(entries, key=lambda item: -(item[1].mean() or 0.0))
        if order:
            method, entry = order[0]
            second = order[1] if len(order) > 1 else None
            rows.append({
                "bits": bits, "method": method, "map": plus_minus(entry), "interval": interval(entry),
                "second": second[0] if second else None, "second_map": plus_minus(second[1]) if second else "",
            })  # fmt: skip
    return rows


def interval(entry: Entry) -> str:
    """`0.7001–0.7311`: 95 % by resampling queries, and seeds where there are several; – where AP is not stored."""
    ap = [stored_arrays(stored, "ap").get("ap") for stored in entry.cells]
    stored = [values for values in ap if values is not None and values.size]
    if not stored or len({len(values) for values in stored}) > 1:
        return "–"
    found = bootstrap_interval(np.stack(stored))
    return f"{found.low:.4f}–{found.high:.4f}"


def missing(panel: Panel) -> list[str]:
    """Sentences: cells that failed and why, cells that others have, measures that are not there and why."""
    return [*_failed(panel), *_not_run(panel), *_not_measured(panel)]


def _failed(panel: Panel) -> list[str]:
    return [
        f"{method} failed at {bits} bits, {reason.rstrip('.')}."
        for method, row in panel.entries.items() for bits, entry in row.items() for reason in entry.failures
    ]  # fmt: skip


def _not_run(panel: Panel) -> list[str]:
    """By method: code lengths without a cell, then seeds that it lacks and others have."""
    sentences = []
    for method, row in panel.entries.items():
        none = [bits for bits, entry in row.items() if not entry.cells and not entry.failures]
        if none:
            sentences.append(f"{method} has no cell at {lengths(none)}: it was not run, or has not finished.")
        for bits, entry in row.items():
            lacking = len(panel.seeds) - len(entry.cells) - len(entry.failures)
            if bits not in none and lacking > 0:
                sentences.append(f"{method} lacks {counted(lacking, 'seed')} of {len(panel.seeds)} at {bits} bits.")
    return sentences


def _not_measured(panel: Panel) -> list[str]:
    entries = [e for row in panel.entries.values() for e in row.values() if e.cells]
    sentences = []
    if entries and not any(e.values("pcc") for e in entries):
        stored = [s.result.get("classes") or {} for e in entries for s in e.cells]
        why = "the centers of all methods are equally far from each other" if any(c.get("paths") for c in stored) else (
            "the dataset has no class tree"
        )  # fmt: skip
        sentences.append(f"No PCC with a class tree: {why}.")
    if entries and not any(e.values("pcc_backbone") for e in entries):
        sentences.append(
            "No PCC with class means of features: it is measured in the regime frozen, whose features all cells share."
            if panel.cell.regime != "frozen"
            else "No PCC with class means of features: no cell has it."
        )
    return sentences

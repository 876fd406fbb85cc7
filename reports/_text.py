"""Numbers as text, the same in every table."""

from __future__ import annotations

from ._model import Entry, Panel

DETAILS = (
    "Tie band: mAP in the worst and in the best order of ties. Relaxed: mAP of the network's real-valued outputs by "
    "cosine, before they are made codes. Features: that of the features under the hash layer. PCC: correlation of the "
    "centers' similarity over all pairs of classes with the dataset's class tree, and with the class means of frozen "
    "features; – where it is undefined or there is nothing to compare with. Least distance of any two centers, and "
    "number of equal pairs."
)


def plus_minus(entry: Entry) -> str:
    """`0.7312 ± 0.0101`."""
    mean, spread = entry.mean(), entry.spread
    if mean is None:
        return "failed" if entry.failures else "–"
    return f"{mean:.4f}" if spread is None else f"{mean:.4f} ± {spread:.4f}"


def band(entry: Entry) -> str:
    """`0.7001–0.7504`: mAP if in every tie the relevant items came last, and first."""
    worst, best = entry.mean("map_worst"), entry.mean("map_best")
    return "–" if worst is None or best is None else f"{worst:.4f}–{best:.4f}"


def details_header() -> list[str]:
    """Columns of the second table."""
    return ["method", "bits", "tie band", "relaxed", "features", "PCC tree", "PCC features", "distance", "equal"]


def details_rows(panel: Panel) -> list[list[str]]:
    """A row for each method and code length; means over seeds, but the least of all seeds for the distance."""
    rows = []
    for method, row in panel.entries.items():
        for bits, entry in row.items():
            if not entry.cells:
                continue
            rows.append([
                method, str(bits), band(entry), _number(entry.mean("map_relaxed"), 4),
                _number(entry.mean("map_features"), 4), _number(entry.mean("pcc"), 3),
                _number(entry.mean("pcc_backbone"), 3), f"{min(entry.values('d_min')):.0f}",
                _number(entry.mean("duplicates"), 0 if len(entry.cells) == 1 else 1),
            ])  # fmt: skip
    return rows


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"

"""Numbers beside a paper's as text, the same in the terminal and in reports."""

from __future__ import annotations

from collections.abc import Sequence

from bench.papers.beside import Beside, Row
from bench.papers.paper import Number, Paper, PaperTable

COLUMNS = ("method", "here", "bits", "theirs", "ours", "tie band", "diff.", "verdict")
LEGEND = (
    "Method: the paper's name; here: ours. Ours: mean ± standard deviation over seeds, or with one seed mAP ± its "
    "standard error over queries. Tie band: our mAP in the worst and in the best order of ties. Diff.: ours minus "
    "theirs; * theirs lies in our tie band, so the order of ties alone could explain it."
)


def texts(row: Row, reasons: Sequence[str]) -> tuple[str, ...]:
    """A row of `COLUMNS`; the verdict is `comparable`, or `no: ` and the numbers of its reasons in the list given."""
    verdict = "comparable" if row.verdict.comparable else f"no: {references(row, reasons)}"
    return (
        row.number.method, row.label, str(row.number.bits), their_value(row.number), our_value(row), tie_band(row),
        difference(row), verdict,
    )  # fmt: skip


def their_value(number: Number) -> str:
    """As printed: with all its decimals."""
    return f"{number.value:.{number.table.decimals}f}"


def our_value(row: Row) -> str:
    """`0.1942 ± 0.0044`; `failed`, or – where there is none."""
    if row.ours is None:
        return "failed" if row.failed else "–"
    table, spread = row.number.table, row.ours.spread
    mean = _shown(row.ours.mean, table)
    return mean if spread is None else f"{mean} ± {_shown(spread, table)}"


def tie_band(row: Row) -> str:
    """`.171–.228`; – where there is none."""
    band = None if row.ours is None else row.ours.band
    return "–" if band is None else f"{_short(band[0])}–{_short(band[1])}"


def difference(row: Row) -> str:
    """`-0.3244*`; – where there is none."""
    if row.difference is None:
        return "–"
    return f"{_shown(row.difference, row.number.table, '+')}{'*' if row.ties_explain else ''}"


def references(row: Row, reasons: Sequence[str]) -> str:
    """Places of the verdict's reasons in a list of them: `1-4, 6`; nothing where the two are comparable."""
    places = sorted(reasons.index(reason) + 1 for reason in row.verdict.reasons)
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def title(found: Beside) -> str:
    """`cifar100@shc, frozen, matched settings, beside CIFAR-100 of shc-tois25`."""
    cell = found.cell
    here = f"{cell.dataset_at_split}, {cell.regime}, {cell.settings} settings"
    return f"{here}, beside {found.dataset} of {found.paper.name}"


def remarks(found: Beside) -> list[str]:
    """Sentences under the table: who ran theirs, what is missing here, the paper's notes."""
    rerun = [name for name, method in found.paper.methods.items() if method.ran_by == "re-run" and _has(found, name)]
    said = [f"Not by the method's own authors: {', '.join(rerun)}."] if rerun else []
    said += [f"Nothing of ours for: {', '.join(found.missing)}."] if found.missing else []
    return [*said, *found.notes]


def setup_sentence(paper: Paper) -> str:
    """What is known of all its numbers."""
    setup = paper.setup
    known = {
        "backbone": setup.backbone, "regime": setup.regime,
        "weights at the start": None if setup.pretrained is None else "pretrained" if setup.pretrained else "random",
        "checkpoint": setup.checkpoint, "order of ties": setup.ties, **setup.train,
    }  # fmt: skip
    return "; ".join(f"{name}: {value}" for name, value in known.items() if value is not None)


def _has(found: Beside, method: str) -> bool:
    return any(row.number.method == method for row in found.rows)


def _shown(value: float, table: PaperTable, sign: str = "") -> str:
    """Four decimals of a mAP; a distance with one only where it is not whole."""
    decimals = 4 if table.metric == "map" else 0 if value == round(value) else 1
    return f"{value:{sign}.{decimals}f}"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")

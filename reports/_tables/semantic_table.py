"""Semantic alignment of centers: PCC by code length, with the rows of CRH's Table 4."""

from __future__ import annotations

from dataclasses import replace

from .._model import Entry, Panel
from .facts import facts, finished, mixtures, seeds
from .pcc import REFERENCES
from .table import Table, Value
from .text import listed
from .values import NOTHING, Row, marked, mean, stored, table_name

_KINDS = {"pcc": "pcc-tree", "pcc_backbone": "pcc-features"}  # of tables, by metric
_ORDER = ("random-centers", "csq", "orthohash", "mds", "shc")  # the paper's, of methods whose centers are fixed


def semantic_tables(panel: Panel) -> list[Table]:
    """One for each reference that the centers were compared with."""
    return [_table(panel, metric) for metric in _KINDS if _compared(panel, metric)]


def unaligned(panel: Panel) -> str:
    """Why there is no such table; empty where there is one."""
    if any(_compared(panel, metric) for metric in _KINDS):
        return ""
    return (
        "Semantic alignment (PCC) has no table: the dataset has no class tree, and class means of features are there "
        "in the frozen regime alone."
    )


def _compared(panel: Panel, metric: str) -> bool:
    cells = [cell.result["metrics"] for cell in finished(panel)]
    tree = metric == "pcc" and any(metrics.get("pcc_reference") for metrics in cells)
    return tree or any(metrics.get(metric) is not None for metrics in cells)


def _table(panel: Panel, metric: str) -> Table:
    reference = REFERENCES[metric]
    methods = {m: row for m, row in panel.entries.items() if any(entry.cells for entry in row.values())}
    moving = [m for m, row in methods.items() if any(map(_moves, row.values()))]
    fixed = sorted((m for m in methods if m not in moving), key=lambda m: _place(methods[m]))
    first: list[tuple[str, list[Value]]] = []
    for m in moving:
        first.append((f"{m}: Init", [_value(entry, f"{metric}_initial") for entry in methods[m].values()]))
        learned = "learned-m" if _single_head(methods[m]) else "learned"
        first.append((f"{m}: {learned}", [_value(entry, metric) for entry in methods[m].values()]))
    second = [(m, [_value(entry, metric) for entry in methods[m].values()]) for m in fixed]
    rows = _ranked(first + second)
    rule: list[Row | None] = [None] if first and second else []
    said = [
        (
            f"PCC: Pearson's correlation of the centers' inner product over K with {reference}, over all pairs of "
            f"classes; {seeds(panel)}."
        ),
        f"PCC of random centers scatters by about {_noise(panel):.3f} around 0.",
        "Best in bold, second underlined.",
    ]
    if moving:
        said.insert(1, "Init: centers before training; learned: after the last update; learned-m: of a single head.")
    return Table(
        table_name(_KINDS[metric], panel), f"Semantic alignment of centers: PCC with {reference}",
        ("centers", *(f"{k} bits" for k in panel.bits)),
        (*rows[: len(first)], *rule, *rows[len(first) :]),
        facts(panel, *said), (*mixtures(panel), *_moved_at_last(methods, moving)), panel.title,
    )  # fmt: skip


def _value(entry: Entry, metric: str) -> Value:
    """`undefined` where all pairs of centers are equally similar; never 0."""
    values = stored(entry, "metrics", metric)
    lacking = [cell.cell.seed for cell in entry.cells if cell.result["metrics"].get(metric) is None]
    why = "no PCC is defined where all pairs of centers, or of classes, are equally similar"
    if not values:
        return Value("undefined", note=why) if entry.cells else NOTHING
    found = mean(values, 3)
    return replace(found, note=f"without seed {', '.join(map(str, lacking))}: {why}") if lacking else found


def _ranked(rows: list[tuple[str, list[Value]]]) -> list[Row]:
    columns = [marked(column) for column in zip(*(values for _, values in rows), strict=True)]
    return [(Value(name), *values) for (name, _), values in zip(rows, zip(*columns, strict=True), strict=True)]


def _moves(entry: Entry) -> bool:
    return any(epoch.get("centers_moved") for cell in entry.cells for epoch in cell.result.get("history") or [])


def _single_head(row: dict[int, Entry]) -> bool:
    heads = {cell.cell.method_config.get("heads") for entry in row.values() for cell in entry.cells}
    return heads == {1}


def _place(row: dict[int, Entry]) -> int:
    name = next(cell.cell.method for entry in row.values() for cell in entry.cells)
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _noise(panel: Panel) -> float:
    classes = panel.cell.num_classes
    return float((classes * (classes - 1) / 2) ** -0.5) if classes > 1 else 0.0


def _moved_at_last(methods: dict[str, dict[int, Entry]], moving: list[str]) -> list[str]:
    """That codes were trained toward the centers before the last update."""
    most = {
        m: max((v for entry in methods[m].values() for v in stored(entry, "metrics", "centers_moved_last")), default=0)
        for m in moving
    }
    told = [f"{m} {count:.0f}" for m, count in most.items() if count]
    if not told:
        return []
    return [
        f"The last update still moved centers (at most: {listed(told, 20)}): codes were trained toward those before."
    ]

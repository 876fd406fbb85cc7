"""What variants have over others: differences of mAP with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

from .._model import Panel
from .._studies.pairs import Difference, Paired
from .facts import facts, mixtures
from .study_values import percent, signed
from .table import Table, Value
from .values import NOTHING, Row, table_name


def difference_tables(panel: Panel, kind: str, title: str, pairs: Sequence[tuple[Paired, str]]) -> list[Table]:
    """One table with a row for each code length of each pair, then its average; none where AP of no pair is stored.

    Args:
        pairs: each with what it shows, which may be empty.
    """
    pairs = [(paired, text) for paired, text in pairs if paired.bits]
    if not pairs:
        return []
    rows: list[Row | None] = []
    for paired, _ in pairs:
        rows += [None] if rows else []
        rows += [_row(paired, Value(str(k), number=k), paired.difference([k])) for k in panel.bits]
        if len(panel.bits) > 1:
            rows.append(_row(paired, Value("average"), paired.difference(panel.bits)))
    shown = "; ".join(f"{_name(paired)}: {text}" for paired, text in pairs if text)
    said = (
        *([f"{shown}."] if shown else []),
        (
            "mAP of the first minus that of the second on the same seeds and queries, with its 95% interval: "
            "percentiles of a bootstrap over queries, and over seeds where there are several. *: 0 is not in it."
        ),
        "Relative: difference over the second's mAP, as in CRH's Table 2.",
    )
    header = ("difference", "bits", "mAP", "95% interval", "relative")
    name = table_name(kind, panel)
    return [Table(name, title, header, tuple(rows), facts(panel, *said), mixtures(panel), panel.title)]


def _name(paired: Paired) -> str:
    return f"{paired.first.label} against {paired.second.label}"


def _row(paired: Paired, bits: Value, found: Difference | None) -> Row:
    if found is None:
        return (Value(_name(paired)), bits, NOTHING, NOTHING, NOTHING)
    star = "*" if found.low > 0 or found.high < 0 else ""
    return (
        Value(_name(paired)), bits, Value(signed(found.mean, 4), letters=star, number=found.mean),
        Value(f"[{signed(found.low, 4)}, {signed(found.high, 4)}]"),
        NOTHING if found.relative is None else percent(found.relative),
    )  # fmt: skip

"""A panel as Markdown."""

from __future__ import annotations

from ._model import Entry, Panel
from ._text import details_header, details_rows, plus_minus

_MARK = {0: "{}", 1: "**{}**", 2: "<u>{}</u>"}


def markdown(panel: Panel) -> str:
    """A section: how the numbers were made, mAP by bits, then ties and centers, then footnotes."""
    footnotes: list[str] = []
    lines = [f"## {escape(panel.title)}", "", " ".join(panel.facts()), ""]
    lines += table(["method", *(f"{k} bits" for k in panel.bits)], _rows(panel, footnotes))
    lines += ["", "Best in bold, second underlined; the two may differ by less than their errors.", ""]
    lines += table(details_header(), details_rows(panel))
    lines += [""] if footnotes or panel.notes else []
    lines += [f"[{i}] {escape(text)}  " for i, text in enumerate(footnotes, 1)]
    lines += [f"Note: {escape(text)}  " for text in panel.notes]
    return "\n".join(lines).rstrip() + "\n"


def _rows(panel: Panel, footnotes: list[str]) -> list[list[str]]:
    rows = [[method, *(_value(entry, footnotes) for entry in row.values())] for method, row in panel.entries.items()]
    for name, metric in (("real-valued features", "map_features"), ("chance", "map_chance")):
        shared = panel.shared(metric)
        if shared is not None:
            rows.append([f"*{name}*", *[f"{shared:.4f}"] * len(panel.bits)])
    return rows


def _value(entry: Entry, footnotes: list[str]) -> str:
    text = _MARK[entry.rank].format(plus_minus(entry)) if entry.cells else ""
    for reason in entry.failures:
        if reason not in footnotes:
            footnotes.append(reason)
        text += f" failed [{footnotes.index(reason) + 1}]"
    return text.strip() or "–"


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of a table: the first column to the left, the others to the right."""
    cells = [[escape(c) for c in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    padded = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    rule = "|" + "|".join(":" + "-" * (w + 1) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return [padded[0], rule, *padded[1:]]


def escape(text: str) -> str:
    """Text that breaks no table."""
    return text.replace("|", "\\|").replace("\n", " ")

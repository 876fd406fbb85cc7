"""A panel as LaTeX with booktabs."""

from __future__ import annotations

from ._model import Entry, Panel
from ._text import DETAILS, details_header, details_rows

_MARK = {0: "{}", 1: "\\mathbf{{{}}}", 2: "\\underline{{{}}}"}
_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "–": "--", "<": r"$<$", ">": r"$>$",
}  # fmt: skip


def latex(panel: Panel) -> str:
    """Two table environments: mAP by bits; ties and centers. Needs \\usepackage{booktabs}."""
    header = ["Method", *(f"{k} bits" for k in panel.bits)]
    rows = [[escape(method), *map(_value, row.values())] for method, row in panel.entries.items()]
    references = [
        [name, *[f"${shared:.4f}$"] * len(panel.bits)]
        for name, metric in (("real-valued features", "map_features"), ("chance", "map_chance"))
        if (shared := panel.shared(metric)) is not None
    ]
    caption = f"{panel.title}. {' '.join(panel.facts())} Best in bold, second underlined."
    body = [*rows, *([None] if references else []), *references]
    main = _environment(caption, f"tab:{panel.slug}", header, body)
    details = [[_number(c) for c in row] for row in details_rows(panel)]
    caption = f"{panel.title}: ties and centers. {DETAILS}"
    return main + "\n" + _environment(caption, f"tab:{panel.slug}-details", details_header(), details)


def escape(text: str) -> str:
    """Text with LaTeX's special characters made harmless."""
    return "".join(_SPECIAL.get(c, c) for c in text)


def _value(entry: Entry) -> str:
    mean, spread = entry.mean(), entry.spread
    if mean is None:
        return "failed" if entry.failures else "--"
    number = _MARK[entry.rank].format(f"{mean:.4f}")
    return f"${number}$" if spread is None else f"${number}_{{\\pm {spread:.4f}}}$"


def _number(text: str) -> str:
    """Escaped, with a minus sign instead of a hyphen before a digit."""
    return f"$-${text[1:]}" if text.startswith("-") else escape(text)


def _environment(caption: str, label: str, header: list[str], rows: list[list[str] | None] | list[list[str]]) -> str:
    lines = [
        r"\begin{table}", r"  \centering", rf"  \caption{{{escape(caption)}}}", rf"  \label{{{label}}}",
        rf"  \begin{{tabular}}{{l{'r' * (len(header) - 1)}}}", r"    \toprule",
        f"    {' & '.join(escape(h) for h in header)} \\\\", r"    \midrule",
        *(r"    \midrule" if row is None else f"    {' & '.join(row)} \\\\" for row in rows),
        r"    \bottomrule", r"  \end{tabular}", r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"

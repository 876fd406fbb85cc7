"""Tables as LaTeX with booktabs and no other package."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .latex_layout import Part, parts
from .latex_text import breakable, escape, folded, shortened
from .table import Table, Value

HEAD = """\
% Needs \\usepackage{booktabs}. Laid out for a text as wide as that of the article class (345 pt).
% Characters that pdflatex cannot set are written by their numbers, as [U+05D0]; very long names without their middle.
"""
_MARK = {0: "{}", 1: "\\mathbf{{{}}}", 2: "\\underline{{{}}}"}
_NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?")
_LETTERS = {"†": "\\dagger"}
_FLOATS = 10  # tables after which LaTeX has to place those that wait: it holds no more than 18


def document(tables: Sequence[Table]) -> str:
    """Every table; the waiting ones are placed before a new protocol's, and before they are too many."""
    texts, waiting, panel = [HEAD], 0, None
    for table in tables:
        floats = latex(table)
        if waiting and (table.panel != panel or waiting + len(floats) > _FLOATS):
            texts.append("\\clearpage\n")
            waiting = 0
        texts += floats
        panel, waiting = table.panel, waiting + len(floats)
    return "\n".join(texts)


def latex(table: Table) -> list[str]:
    """One `table` environment, or several where the table does not fit a page."""
    footnotes = list(dict.fromkeys(v.note for row in table.rows for v in row or () if v.note is not None))
    notes = [f"[{i}] {text}." for i, text in enumerate(footnotes, 1)]
    notes += [" ".join(table.facts)] if table.facts else []
    notes += [f"Note: {text}" for text in table.notes]
    found = parts(table, notes)
    return [
        _environment(table, part, number, len(found), footnotes, notes if number == len(found) else [])
        for number, part in enumerate(found, 1)
    ]


def _environment(table: Table, part: Part, number: int, count: int, footnotes: list[str], notes: list[str]) -> str:
    caption = escape(f"{table.title}. {table.panel}." if table.panel else f"{table.title}.")
    caption += f" Part {number} of {count}." if count > 1 else ""
    label = f"tab:{table.name}" + (f"-{number}" if number > 1 else "")
    first = "l" if part.names is None else f"p{{{part.names:g}pt}}"
    lines = [
        "\\begin{table}", "  \\centering", f"  \\caption{{{caption}}}", f"  \\label{{{label}}}",
        "  \\vspace{4pt}",
        *([f"  {part.size}"] if part.size else []), f"  \\setlength{{\\tabcolsep}}{{{part.gap:g}pt}}",
        f"  \\begin{{tabular}}{{{first}{'r' * (len(part.columns) - 1)}}}", "    \\toprule",
        f"    {' & '.join(map(_head, part.heads))} \\\\", "    \\midrule",
        *("    \\midrule" if row is None else _row(row, part, footnotes) for row in part.rows),
        "    \\bottomrule", "  \\end{tabular}", *_under(notes), "\\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _head(lines: tuple[str, ...]) -> str:
    if len(lines) == 1:
        return escape(lines[0])
    return "\\shortstack[r]{" + " \\\\ ".join(map(escape, lines)) + "}"


def _row(row: tuple[Value, ...], part: Part, footnotes: list[str]) -> str:
    name = shortened(row[0].text)
    fits = len(folded(name, part.room)) == 1
    first = escape(name) if fits else f"\\raggedright {breakable(name)}"
    others = [_cell(row[i], footnotes) for i in part.columns[1:]]
    return f"    {' & '.join([first + _superscript(row[0], footnotes), *others])} \\\\"


def _cell(value: Value, footnotes: list[str]) -> str:
    """A number in math mode with its spread below and its letters above; words as they are."""
    if not _NUMBER.fullmatch(value.text):
        spread = "" if value.spread is None else f" $\\pm$ {escape(value.spread)}"
        return _words(value) + spread + _superscript(value, footnotes)
    number = _MARK[value.mark].format(value.text.replace(",", "{,}"))
    spread = "" if value.spread is None else f"_{{\\pm {value.spread}}}"
    above = [_LETTERS.get(value.letters, f"\\mathrm{{{escape(value.letters)}}}")] if value.letters else []
    above += [f"[{footnotes.index(value.note) + 1}]"] if value.note is not None else []
    return f"${number}{spread}{'^{' + ' '.join(above) + '}' if above else ''}$"


def _words(value: Value) -> str:
    words = re.sub(r"-(?=\d)", "$-$", escape(value.text))
    return {0: "{}", 1: "\\textbf{{{}}}", 2: "\\underline{{{}}}"}[value.mark].format(words)


def _superscript(value: Value, footnotes: list[str]) -> str:
    above = escape(value.letters)
    above += f"[{footnotes.index(value.note) + 1}]" if value.note is not None else ""
    return f"\\textsuperscript{{{above}}}" if above else ""


def _under(notes: list[str]) -> list[str]:
    """The notes in small type, as wide as the text."""
    if not notes:
        return []
    return [
        "  \\par\\medskip", "  \\begin{minipage}{\\linewidth}\\footnotesize\\raggedright",
        *(f"    {escape(note)}\\par" for note in notes), "  \\end{minipage}",
    ]  # fmt: skip

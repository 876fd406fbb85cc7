"""What papers print, beside ours, with a verdict on each pair of numbers."""

from __future__ import annotations

from pathlib import Path

from bench.papers.beside import Beside, beside
from bench.papers.files import read_papers
from bench.papers.text import COLUMNS, LEGEND, remarks, texts, title
from bench.plugins import PluginInfo
from bench.plugins.report import Report
from bench.storage.results import Results

from ._tables.markdown import escape, markdown
from ._tables.table import Table, Value

INFO = PluginInfo(
    name="published",
    summary="published.md: the numbers of papers beside ours, and whether they may be compared",
    licence="MIT",
)
_HEADER = ("method", "here", "metric", *COLUMNS[2:])


class Published(Report):
    """A section for each protocol of ours and each paper that has its dataset."""

    def render(self, results: Results, out: Path) -> list[Path]:
        """Write published.md, unless no paper has anything to set beside the results."""
        found = [each for paper in read_papers() for each in beside(results, paper)]
        if not found:
            return []
        file = out / "published.md"
        file.write_text(published_markdown(found), encoding="utf-8")
        return [file]


def published_markdown(found: list[Beside]) -> str:
    """The whole document."""
    return "\n".join(["# Published numbers beside ours\n", f"{escape(LEGEND)}\n", *map(_section, found)])


def published_table(found: Beside) -> Table:
    """One table, a rule between metrics."""
    reasons = found.reasons
    rows: list[tuple[Value, ...] | None] = []
    for table, section in found.sections:
        rows += [None] if rows else []
        for row in section:
            method, here, *others = texts(row, reasons)
            rows.append(tuple(Value(text) for text in (method, here, table.name, *others)))
    name = f"published-{found.paper.name}-{found.cell.protocol}-{list(found.paper.datasets).index(found.dataset) + 1}"
    return Table(name=name, title=title(found), header=_HEADER, rows=tuple(rows))


def _section(found: Beside) -> str:
    """The table, the reasons against comparisons, what else a reader must know."""
    paper = found.paper
    lines = [markdown(published_table(found), level=2)]
    if found.reasons:
        lines += ["Not comparable (no), because of:\n", *_numbered(found.reasons)]
    lines += [f"- {escape(text)}" for text in (f"Theirs: {paper.reference} ({paper.source}).", *remarks(found))]
    return "\n".join(lines) + "\n"


def _numbered(reasons: list[str]) -> list[str]:
    return [*(f"{i}. {escape(reason)}" for i, reason in enumerate(reasons, 1)), ""]

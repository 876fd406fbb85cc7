"""What `bench compare --paper` and `bench list` show of a paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from bench.papers.beside import Beside, Row
    from bench.papers.paper import Paper, PaperTable
    from bench.storage.results import Results


def show_beside(folder: Path, given: str, console: Console) -> None:
    """Ours beside a paper's numbers, a table for each protocol and metric.

    Raises:
        ConfigError: no such paper, a broken file, or nothing that could stand beside each other.
    """
    from rich.text import Text

    from bench.papers.beside import beside
    from bench.papers.files import read_paper
    from bench.papers.text import LEGEND
    from bench.storage.results import Results

    paper = read_paper(given)
    results = Results.read(folder)
    found = beside(results, paper)
    if not found:
        raise ConfigError(_nothing(folder, results, paper, given))
    console.print(Text(f"Theirs: {paper.reference} ({paper.source})."))
    for each in found:
        _show(each, console)
    console.print()
    console.print(Text(LEGEND, style="dim"))


def _show(found: Beside, console: Console) -> None:
    from rich.text import Text

    from bench.papers.text import remarks, title

    console.print()
    console.print(Text(title(found), style="bold"))
    reasons = found.reasons
    for table, rows in found.sections:
        console.print(_table(table, rows, reasons))
        console.print()
    if reasons:
        console.print(Text("no: not comparable, because of"))
        console.print(_listed([(f"{i}", reason) for i, reason in enumerate(reasons, 1)]))
    console.print(_listed([("-", text) for text in remarks(found)]))


def _table(table: PaperTable, rows: tuple[Row, ...], reasons: list[str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from bench.papers.text import COLUMNS, texts

    lines = [texts(row, reasons) for row in rows]
    kept = [i for i in range(len(COLUMNS)) if any(line[i] != "–" for line in lines)]  # the tie band is mAP's alone
    shown = Table(title=Text(table.name, style="underline"), title_justify="left", box=None, padding=(0, 1, 0, 0))
    for name in (COLUMNS[i] for i in kept):
        wordy = name in ("method", "here", "verdict")
        shown.add_column(name, justify="left" if wordy else "right", no_wrap=not wordy, overflow="fold")
    for line in lines:
        shown.add_row(*(Text(line[i]) for i in kept))
    return shown


def _listed(lines: list[tuple[str, str]]) -> Table:
    """Sentences with what stands before them, wrapped beside it."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    shown.add_column(justify="right", no_wrap=True)
    shown.add_column(overflow="fold")
    for mark, text in lines:
        shown.add_row(mark, Text(text))
    return shown


def _nothing(folder: Path, results: Results, paper: Paper, given: str) -> str:
    """Why nothing stands beside each other, and what would."""
    from bench.papers.beside import matched_datasets

    if not results.cells:
        return f"{folder} holds no results: run a grid first, or name the output folder of one."
    if not paper.numbers:
        return f"{paper.name} has no absolute number to compare with, only claims: bench list {given} shows them."
    theirs = ", ".join(dict.fromkeys(f"{d.dataset}@{'|'.join(d.splits) or '?'}" for d in paper.datasets.values()))
    if not any(matched_datasets(stored.cell, paper) for stored in results.cells):
        ours = ", ".join(dict.fromkeys(s.cell.dataset_at_split for s in results.cells))
        return f"{folder} and {paper.name} have no dataset in common: it has {ours}, the paper {theirs}."
    methods = ", ".join(dict.fromkeys(label for m in paper.methods.values() for label in m.ours))
    return (
        f"{folder} has no method and code length of {paper.name}, whose rows stand beside "
        f"{methods or 'none of ours'}; name others in a file of your own (docs/papers.md)."
    )


def describe_paper(name: str, console: Any) -> None:
    """All that the file of a paper holds."""
    from rich.text import Text

    from bench.papers.files import read_paper
    from bench.papers.text import setup_sentence

    paper = read_paper(name)
    console.print(Text(f"{paper.name}: {paper.reference}\nSource: {paper.source}. {setup_sentence(paper)}."))
    for table in paper.tables:
        for dataset in table.values:
            console.print(_numbers(paper, table, dataset))
    for heading, texts in (("Claims without absolute numbers", paper.claims), ("Notes", _all_notes(paper))):
        if texts:
            console.print(Text(f"\n{heading}", style="bold"))
            console.print(_listed([("-", text) for text in texts]))


def _numbers(paper: Paper, table: PaperTable, dataset: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    from bench.papers.text import their_value

    shown = Table(title=Text(f"\n{dataset}, {table.name} ({table.where})"), title_justify="left", box=None,
                  padding=(0, 2, 0, 0))  # fmt: skip
    shown.add_column("method")
    for bits in table.bits:
        shown.add_column(f"{bits} bits", justify="right", no_wrap=True)
    for method in table.values[dataset]:
        values = [n for n in paper.numbers if n.table is table and (n.dataset, n.method) == (dataset, method)]
        shown.add_row(Text(method), *map(their_value, values))
    return shown


def _all_notes(paper: Paper) -> list[str]:
    return [
        *(f"{name}: {text}" for name, method in paper.methods.items() if (text := method.caution)),
        *(f"{name}: {text}" for name, d in paper.datasets.items() for text in (d.problem, *d.notes) if text),
        *paper.notes,
    ]  # fmt: skip

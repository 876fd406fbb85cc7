"""`bench list`: what there is to choose from, with citation and licence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.errors import UnknownNameError
from bench.plugins.registry import Registry, registry

if TYPE_CHECKING:
    from rich.table import Table

KINDS = ("methods", "datasets", "backbones", "regimes", "reports", "executors", "trackers", "papers")
What = Annotated[
    str | None,
    typer.Argument(help="One of these lists, or a name whose settings to show.", autocompletion=lambda: list(KINDS)),
]
PlugIns = Annotated[
    list[str] | None, typer.Option("--methods", help="A .py file with a method to list too.", metavar="FILE.py")
]


def list_command(what: What = None, methods: PlugIns = None) -> None:
    """Show the lists, one of them, or the settings of one method, dataset or regime."""
    from bench.cli.format import output_console

    console = output_console()
    for path in methods or []:
        registry("method").entry(path)
    if what is not None and what not in KINDS:
        from bench.cli.papers import describe_paper
        from bench.papers.files import paper_names

        is_paper = what.endswith(".toml") or what in paper_names()
        describe_paper(what, console) if is_paper else _describe(what, console)
        return
    for kind in KINDS if what is None else [what]:
        console.print(_table(kind, console.is_terminal))
    for kind in ("method", "dataset", "report", "executor", "tracker"):
        for name, reason in registry(kind).broken.items():
            console.print(f"[yellow]{kind} '{name}' cannot be used: {reason}[/yellow]")


def _table(kind: str, fits: bool) -> Table:
    """One of the lists; where it has to fit a terminal, names stay whole and the rest is cut."""
    from rich.table import Table

    table = Table(title=kind, title_justify="left", box=None, pad_edge=False, expand=fits)
    table.add_column("name", no_wrap=True, min_width=20)
    for column, share in (("what", 4), ("citation", 2), ("licence", 1)):
        table.add_column(column, no_wrap=True, overflow="ellipsis", ratio=share)
    for row in _rows(kind):
        table.add_row(*row)
    return table


def _rows(kind: str) -> list[tuple[str, str, str, str]]:
    if kind == "backbones":
        from bench.backbones.build import BACKBONES, FAMILIES

        return [(n, b.summary, b.citation, b.licence) for n, b in (BACKBONES | FAMILIES).items()]
    if kind == "regimes":
        from bench.training.regimes import REGIMES

        return [(name, regime.summary, "", "") for name, regime in REGIMES.items()]
    if kind == "papers":
        from bench.papers.files import paper_titles

        return [(name, title, where, "") for name, title, where in paper_titles()]
    rows = _plugin_rows(registry(kind.removesuffix("s")))
    if kind == "methods":
        rows.append(("CENTERS+LOSS-loss", "one method's centers with another's loss, for example crh+csq-loss", "", ""))
    return rows


def _plugin_rows(known: Registry) -> list[tuple[str, str, str, str]]:
    rows = []
    for entry in known.entries().values():
        info, origin = entry.info, "" if entry.origin == "built in" else f" ({entry.origin})"
        rows.append((info.name, info.summary + origin, info.citation, info.licence))
        rows += [(f"  {n}", text, "", "") for n, (text, _) in info.variants.items() if n != info.name]
        rows += [(f"  @{n}", text, "", "") for n, text in info.splits.items() if len(info.splits) > 1]
    return rows


def _describe(name: str, console: Any) -> None:
    """All settings of one method, dataset, or of the trainer under one regime: default, meaning, source."""
    from rich.table import Table

    title, values, described = _settings(name)
    console.print(title)
    table = Table(box=None, pad_edge=False)
    for column in ("setting", "default", "meaning", "source of the default"):
        table.add_column(column, overflow="fold")
    for field, default, text, source in described:
        table.add_row(field, str(values.get(field, default)), text, source)
    console.print(table)


def _settings(name: str) -> tuple[str, dict[str, Any], list[tuple[str, Any, str, str]]]:
    from bench.papers.files import paper_names
    from bench.training.regimes import REGIMES, TrainConfig

    if name in REGIMES:
        return f"{name}: {REGIMES[name].summary}\n", REGIMES[name].values, TrainConfig.describe()
    for kind in ("method", "dataset", "executor"):
        if name in registry(kind).names() or name.endswith(".py"):
            info = registry(kind).entry(name).info
            summary, own = info.variants.get(name, (info.summary, {}))
            title = f"{name}: {summary}\n{info.citation}\n{info.licence} {info.homepage}\n"
            return title, own, registry(kind).load(name).Config.describe()
    plugins = [known for kind in ("method", "dataset", "executor") for known in registry(kind).names()]
    known = [*KINDS, *REGIMES, *plugins, *paper_names()]
    raise UnknownNameError("list, method, dataset, executor, regime or paper", name, known)

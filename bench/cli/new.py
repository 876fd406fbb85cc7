"""`bench new`: the files of a new plug-in, to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name: small letters, digits and hyphens.")]
Out = Annotated[Path, typer.Option(help="Folder to write into.")]


@app.callback()
def _new() -> None:
    """Keep `method` a word of its own: a typer app of one command has no subcommands."""


@app.command("method")
def method_command(
    name: Name, out: Out = Path(),
    moves_centers: Annotated[
        bool, typer.Option("--moves-centers", help="It changes its centers while it trains, as CRH does.")
    ] = False,
    needs_similarity: Annotated[
        bool, typer.Option("--needs-similarity", help="Its centers follow a similarity of the classes, as SHC's do.")
    ] = False,
) -> None:  # fmt: skip
    """Write NAME.py, test_NAME.py and NAME.md: a method that works, its test and its page."""
    from bench.scaffold import checked_name, new_plugin

    new = checked_name("method", name)
    files = new_plugin("method", new, out, moves_centers=moves_centers, needs_similarity=needs_similarity)
    plugin, test, page = files
    text = str(plugin) if plugin.is_absolute() else f"./{plugin.as_posix()}"
    print(f"wrote {plugin}: a method that works; make it yours")
    print(f"wrote {test}: the contract's checks and golden values")
    print(f"wrote {page}: its equations, settings and ledger")
    print(f"now: bench check {text}")
    print(f"     bench run --methods csq,{text} --bits 16,32")
    print(f"     pytest {test}")

"""`bench serve`: a study in the browser, while it runs and after."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import DataRoot, Folder

Port = Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 for one that is free.", min=0, max=65535)]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser too.")]


def serve_command(
    folder: Folder = Path("results"), port: Port = 8765, data_root: DataRoot = None, show: Open = False
) -> None:
    """Serve a live page, the HTML report and the files of a folder to browsers on this machine; Ctrl-C ends it."""
    from bench.serving.server import Server

    with suppress(KeyboardInterrupt), Server(folder, port, data_root) as server:
        print(f"{folder} is served at {server.url} (Ctrl-C ends it)", flush=True)
        if show:
            import webbrowser

            webbrowser.open(server.url)
        server.serve_forever()

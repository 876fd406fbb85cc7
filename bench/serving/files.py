"""Tables and figures of an output folder that are served: a list made by looking into it, not of what is asked."""

from __future__ import annotations

import os
import stat
from pathlib import Path

TABLES = ("results.md", "results.csv", "results.tex")
FIGURES = "figures"
TYPES = {
    ".md": "text/plain; charset=utf-8", ".tex": "text/plain; charset=utf-8", ".csv": "text/csv; charset=utf-8",
    ".svg": "image/svg+xml", ".png": "image/png", ".pdf": "application/pdf",
}  # fmt: skip
_DRAWN = (".svg", ".png", ".pdf")


def served_files(out: Path) -> dict[str, Path]:
    """By the path they are asked for under, as it reads unquoted: tables, then figures by name. Links are none."""
    tables = [path for path in _plain_files(out) if path.name in TABLES]
    found = {f"/{path.name}": path for path in sorted(tables, key=lambda path: TABLES.index(path.name))}
    if not (out / FIGURES).is_symlink():
        drawn = [path for path in _plain_files(out / FIGURES) if path.suffix in _DRAWN]
        found |= {f"/{FIGURES}/{path.name}": path for path in sorted(drawn)}
    return found


def read_plain(path: Path) -> bytes | None:
    """The content of such a file; None where it has gone, or has become a link or anything else since."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read()


def _plain_files(folder: Path) -> list[Path]:
    """Those with names that can be shown and asked for."""
    try:
        with os.scandir(folder) as entries:
            return [Path(e.path) for e in entries if e.is_file(follow_symlinks=False) and e.name.isprintable()]
    except OSError:
        return []

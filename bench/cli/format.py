"""Numbers for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 320  # characters


def output_console() -> Console:
    """The terminal, or where that is a pipe or a file, lines wide enough that nothing is cut."""
    from rich.console import Console

    found = Console()
    return found if found.is_terminal else Console(width=_WIDE)


def duration(seconds: float) -> str:
    """`4.2 s`, `42 s`, `4 min 02 s`, `3 h 20 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"

"""Numbers and lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 320  # characters
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def output_console() -> Console:
    """The terminal, or where that is a pipe or a file, lines wide enough that nothing is cut."""
    from rich.console import Console

    found = Console()
    return found if found.is_terminal else Console(width=_WIDE)


def print_line(console: Console, text: str) -> None:
    """The text as it is: names of a user's are no markup, and a line stays one, to be searched for and copied."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def cell_count(count: int) -> str:
    """`1 cell`, `6 cells`."""
    return f"{count} cell" if count == 1 else f"{count} cells"


def size_in_bytes(count: int) -> str:
    """`512 bytes`, `1.2 GB`."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{count} bytes" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


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

"""Errors are part of the interface: one sentence that says what is wrong, where, and what to do.

The command line prints the sentence without a traceback and ends with the error's `exit_code`:
2 for a user's mistake, 1 when cells of a grid failed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_TEXT = 2000  # characters of a sentence; what is quoted in it can be of any length
_MOST_VALUE = 200  # characters of a value


class BenchError(Exception):
    """Base of every error that is the project's own; its text is shown to the user as it is.

    Files of other people are quoted in it, so that it is kept to what a terminal can print on one line.
    """

    exit_code = 2

    def __str__(self) -> str:
        text = super().__str__()
        if not text.isprintable():
            text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
        return _cut(text, _MOST_TEXT)


def shown(value: object) -> str:
    """A value in a sentence, as Python writes it; cut in the middle where it is long."""
    try:
        return _cut(repr(value), _MOST_VALUE)
    except (ValueError, RecursionError):  # a number of thousands of digits; nested too deeply
        return f"a value of type {type(value).__name__}"


def first_line(error: BaseException, empty: str | None = None) -> str:
    """Of an error's text; where it has none `empty`, or what kind of error it is."""
    return (str(error).strip().splitlines() or [empty or type(error).__name__])[0]


def _cut(text: str, most: int) -> str:
    half = most // 2
    return text if len(text) <= most else f"{text[: most - half]} ... {text[-half:]}"


class ConfigError(BenchError):
    """A choice that cannot be: an unknown key, a value out of range, two choices that contradict."""


class UnknownNameError(ConfigError):
    """A name that nothing is registered under; suggests the nearest known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(known)}."
        super().__init__(f"there is no {kind} '{name}': {hint}")


class DataError(BenchError):
    """Files of a dataset that are missing, unreadable or contradict each other."""


class StoreError(BenchError):
    """An output folder that cannot be written, or a stored cell that cannot be read."""


class TrainingError(BenchError):
    """A cell that failed while it ran (a loss that is not finite, for example)."""

    exit_code = 1


class DeviceLostError(TrainingError):
    """A GPU that this process cannot use any more: what is left is for another process."""


class NotFiniteError(TrainingError):
    """A loss that became infinite or no number."""


class BenchWarning(UserWarning):
    """Something a reader of the results must know (two classes share a center); kept as a note with the cell."""

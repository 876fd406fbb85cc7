"""Numbers and names as text, the same in every table."""

from __future__ import annotations

import re
import unicodedata

from .._model import Entry

DASH = "–"
_JOINERS = "\u200c\u200d"  # shape letters of some scripts; they reorder nothing


def plus_minus(entry: Entry) -> str:
    """`0.7312 ± 0.0101`."""
    mean, spread = entry.mean(), entry.spread
    if mean is None:
        return "failed" if entry.failures else DASH
    return decimal(mean, 4) if spread is None else f"{decimal(mean, 4)} ± {spread:.4f}"


def decimal(value: float, digits: int) -> str:
    """With so many digits after the point; what rounds to nothing has no minus sign."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def visible(text: str) -> str:
    """One line that shows what it holds: control and formatting characters, which could turn or hide what stands
    beside them, by their numbers.
    """
    return "".join(_shown(c) for c in text)


def slug(text: str, longest: int = 40) -> str:
    """Lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:longest].strip("-")


def listed(items: list[str], most: int = 5) -> str:
    """`a, b, c`; of more than `most` the first, and how many there are besides."""
    if len(items) <= most:
        return ", ".join(items)
    return f"{', '.join(items[: most - 1])} and {len(items) - most + 1} more"


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    return f"[U+{ord(character):04X}]" if category in ("Cc", "Cf", "Cs") and character not in _JOINERS else character

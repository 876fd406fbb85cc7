"""Any text as LaTeX that pdflatex sets, in OT1 or T1, with no package: what it cannot set is written as its number."""

from __future__ import annotations

import re
import unicodedata

from .text import visible

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "|": r"$|$", '"': "''",
    "`": r"{\textquoteleft}", "±": r"$\pm$", "–": "--", "—": "---", "−": r"$-$", "×": r"$\times$", "·": r"$\cdot$",
    "°": r"$^\circ$", "µ": r"$\mu$", "≤": r"$\leq$", "≥": r"$\geq$", "≈": r"$\approx$", "→": r"$\rightarrow$",
    "∞": r"$\infty$", "√": r"$\surd$", "†": r"$\dagger$", "…": r"\ldots{}", "‘": "`", "’": "'", "“": "``", "”": "''",
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}",
    "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "§": r"\S{}", "¶": r"\P{}", "²": "$^2$", "³": "$^3$", "¹": "$^1$",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u ", "\u0307": ".",
    "\u0308": '"', "\u030a": "r ", "\u030b": "H ", "\u030c": "v ", "\u0327": "c ", "\u0323": "d ", "\u0331": "b ",
}  # fmt: skip
_GREEK = {  # the end of a character's name, and LaTeX's command
    **{name.upper(): name for name in (
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "mu", "nu", "xi", "pi",
        "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    )},
    "LAMDA": "lambda", "FINAL SIGMA": "varsigma",
}  # fmt: skip
_CAPITALS = {"GAMMA", "DELTA", "THETA", "LAMDA", "XI", "PI", "SIGMA", "UPSILON", "PHI", "PSI", "OMEGA"}
_LIGATURES = "-,'"  # twice in a row they become another character
_LEADS = "[*"  # right after the end of a row these would be its argument or its star
_WIDTHS = dict.fromkeys("mwMW@%_<>—", 1.7) | dict.fromkeys("ijlftr.,:;|[]()'! I/", 0.65)  # of a digit's width
_PIECE = 20  # digits: the width of what of a name without a natural break that stay together
_LONGEST = 120  # digits: the width of a name; of a longer one the beginning and the end


def escape(text: str) -> str:
    """Text that LaTeX shows: special characters made harmless, accents and Greek as commands, others as `[U+05D0]`."""
    parts: list[str] = []
    unknown: list[str] = []
    last = ""
    for character in unicodedata.normalize("NFC", visible(text)):
        known = _command(character)
        if known is None:
            unknown.append(f"{ord(character):04X}")
        else:
            parts += [_numbers(unknown), "{}" if character == last and character in _LIGATURES else "", known]
            unknown.clear()
        last = character
    shown = "".join([*parts, _numbers(unknown)])
    return f"{{{shown[0]}}}{shown[1:]}" if shown[:1] and shown[0] in _LEADS else shown


def breakable(text: str) -> str:
    """A name as `escape` writes it, with places where a line may end."""
    parts = [escape(piece) for piece in pieces(text)]
    marks = ["" if part.endswith((" ", "-")) else r"\allowbreak{}" for part in parts[:-1]]
    return "".join(part + mark for part, mark in zip(parts, [*marks, ""], strict=True))


def folded(text: str, room: float) -> list[str]:
    """A name on lines no wider than `room` digits, as far as its pieces allow."""
    lines = [""]
    for piece in pieces(text):
        if lines[-1] and width(lines[-1] + piece.rstrip()) > room:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def shortened(text: str) -> str:
    """A very long name without its middle."""
    shown = unicodedata.normalize("NFC", visible(text))
    if width(shown) <= _LONGEST:
        return shown
    return f"{_beginning(shown, 0.6 * _LONGEST)}…{_beginning(shown[::-1], 0.3 * _LONGEST)[::-1]}"


def pieces(text: str) -> list[str]:
    """The parts of a name that stay together: up to a bracket, comma, sign or space, and not too long."""
    found = re.findall(r"[^\[,+/ -]*[\[,+/ -]? *", unicodedata.normalize("NFC", visible(text)))
    parts = []
    for part in found:
        rest = part
        while rest:
            parts.append(_beginning(rest, _PIECE))
            rest = rest[len(parts[-1]) :]
    return parts or [""]


def width(text: str) -> float:
    """About how many digits wide it is set."""
    return sum(_WIDTHS.get(c, 1.4 if c.isupper() else 1.0) if _command(c) is not None else 5.0 for c in text)


def _beginning(text: str, room: float) -> str:
    """As much as fits, and at least one character."""
    end = 1
    while end < len(text) and width(text[: end + 1]) <= room:
        end += 1
    return text[:end]


def _numbers(unknown: list[str]) -> str:
    return f"[U+{' '.join(unknown)}]" if unknown else ""


def _command(character: str) -> str | None:
    """None for what pdflatex cannot set."""
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii():
        return character
    base, *marks = list(unicodedata.normalize("NFD", character))
    shown = base if base.isascii() and base.isalpha() else _greek(base)
    if shown is None or any(mark not in _ACCENTS for mark in marks):
        return None
    if shown.startswith("$"):
        return shown  # Greek: without its accent
    for mark in marks:
        shown = f"\\{_ACCENTS[mark]}{{{shown}}}"
    return shown


def _greek(character: str) -> str | None:
    found = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (.+)", unicodedata.name(character, ""))
    if found is None or found[2] not in _GREEK:
        return None
    name = _GREEK[found[2]]
    if found[1] == "CAPITAL":
        return f"$\\{name.capitalize()}$" if found[2] in _CAPITALS else None
    return f"$\\{name}$"

"""A method as a grid names it: `crh`, `crh[margin=0.3]`, `crh[heads=1]+csq-loss`, `./mine.py`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from bench.errors import ConfigError
from bench.plugins.info import split_name
from bench.plugins.registry import registry
from bench.tomlfiles import parse_toml

Sets = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class MethodChoice:
    """A method or variant (or a combination of two) and the settings given with its name.

    Attributes:
        name: registered name; of a combination, `crh+csq-loss`.
        settings: for each part of the name, in order.
    """

    name: str
    settings: tuple[dict[str, Any], ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the methods it is made of: one, or that of the centers and that of the loss."""
        return split_name(self.name) or (self.name,)

    def changed(self, sets: Sets) -> dict[str, Any]:
        """Settings over the variant's own, as `Method.resolve` takes them: those of `sets`, then those of the name."""
        parts = [{**sets.get(part, {}), **own} for part, own in zip(self.parts, self.settings, strict=True)]
        return parts[0] if len(parts) == 1 else {k: v for k, v in zip(("centers", "loss"), parts, strict=True) if v}

    def label(self, sets: Sets) -> str:
        """`crh`, or `crh[margin=0.3]` where settings were changed."""
        texts = []
        for part, own in zip(self.parts, self.settings, strict=True):
            changed = {**sets.get(part, {}), **own}
            shown = ",".join(f"{key}={value}" for key, value in sorted(changed.items()))
            texts.append(f"{part}[{shown}]" if changed else part)
        return texts[0] if len(texts) == 1 else f"{texts[0]}+{texts[1]}-loss"


def method_choice(text: str) -> MethodChoice:
    """Read a name with settings in brackets; a .py file is registered.

    Raises:
        ConfigError, UnknownNameError: brackets that cannot be read; no such method.
    """
    pieces = split_outside_brackets(text, "+")
    if len(pieces) == 1:
        name, settings = _piece(text)
        known = registry("method").entry(name).info
        return MethodChoice(known.name if name.endswith(".py") else name, (settings,))
    named = [_piece(piece) for piece in (pieces[0], pieces[1].removesuffix("-loss"))]
    tail = "-loss" if pieces[1].endswith("-loss") else ""
    combined = MethodChoice(f"{named[0][0]}+{named[1][0]}{tail}", tuple(own for _, own in named))
    registry("method").entry(combined.name)
    if len(pieces) > 2:
        raise ConfigError(f"{text} is not a method: write CENTERS+LOSS-loss, for example crh+csq-loss.")
    return combined


def split_outside_brackets(text: str, mark: str) -> list[str]:
    """Split at a mark that stands in no [...]: settings have commas of their own."""
    pieces, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if character == mark and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += character
    return pieces


def parse_value(text: str) -> Any:
    """A setting's value as TOML reads it, or plain text where it is none; `none` is None."""
    text = text.strip()
    if text.lower() in ("none", "null"):
        return None
    try:
        return parse_toml(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _piece(text: str) -> tuple[str, dict[str, Any]]:
    """`crh[margin=0.3]` -> ("crh", {"margin": 0.3})."""
    name, bracket, rest = text.strip().partition("[")
    if not bracket:
        return name, {}
    inside, closing, after = rest.rpartition("]")
    pairs = [piece.partition("=") for piece in split_outside_brackets(inside, ",") if piece.strip()]
    if not closing or after or not name or not all(key.strip() and equals for key, equals, _ in pairs):
        raise ConfigError(f"{text} cannot be read: write METHOD[setting=value,...], for example crh[margin=0.3].")
    return name.strip(), {key.strip(): parse_value(value) for key, _, value in pairs}

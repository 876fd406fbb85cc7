"""Files of papers' numbers: those that come with this package, and the user's own.

What they hold is imported where one is read: names for `bench list` and for completion are there at once.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError, UnknownNameError
from bench.tomlfiles import parse_toml

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from bench.papers.paper import Paper

_SHOWN = (str, int, float, bool)  # a whole table in an error would bury its sentence


def paper_names() -> list[str]:
    """Names of the papers that come with this package, sorted."""
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))


def paper_titles() -> list[tuple[str, str, str]]:
    """Name, title, and venue with year of each of them."""
    found = [_parsed(_folder() / f"{name}.toml", name) for name in paper_names()]
    return [(values["name"], _title(values), f"{values['venue']} {values.get('year', '')}".strip()) for values in found]


def read_papers() -> list[Paper]:
    """All of them."""
    return [read_paper(name) for name in paper_names()]


def read_paper(given: str) -> Paper:
    """A paper by its name, or from a TOML file of the user's: a path that ends in .toml.

    Raises:
        UnknownNameError: no such name; with the nearest.
        ConfigError: a file that is not there, is not TOML or does not hold what it must.
    """
    if given.endswith(".toml"):
        return _validated(_parsed(Path(given).expanduser(), given), given)
    if given not in paper_names():
        raise UnknownNameError("paper", given, paper_names())
    return _validated(_parsed(_folder() / f"{given}.toml", given), given)


def _folder() -> Traversable:
    return files("bench.reports") / "papers"


def _title(values: dict[str, Any]) -> str:
    return f"{values['title']}{'' if 'tables' in values else ' (claims alone, no number)'}"


def _parsed(file: Path | Traversable, shown: str) -> dict[str, Any]:
    try:
        return parse_toml(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(paper_names())
        raise ConfigError(
            f"there is no file {shown}: give a TOML file with a paper's numbers, or one of: {known}."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{shown} is not a readable TOML file: {error}.") from None


def _validated(values: dict[str, Any], shown: str) -> Paper:
    from pydantic import ValidationError

    from bench.papers.paper import Paper

    try:
        return Paper.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{shown} is no file of a paper's numbers: {_sentence(error.errors()[0])}") from None


def _sentence(error: ErrorDetails) -> str:
    place = re.sub(r"\.(\d+)", r"[\1]", ".".join(str(part) for part in error["loc"]))
    if error["type"] == "missing":
        return f"{place} is missing; docs/papers.md shows a whole file."
    if error["type"] == "extra_forbidden":
        return f"it cannot have {place}: {_hint(str(error['loc'][-1]))}"
    reason = error["msg"].removeprefix("Value error, ")
    value = f" = {error['input']!r}" if isinstance(error["input"], _SHOWN) else ""
    sentence = f"{place}{value}: {reason}" if place else reason
    return sentence if sentence[-1] in ".?" else f"{sentence}."


def _hint(key: str) -> str:
    from bench.papers.paper import PARTS

    near = difflib.get_close_matches(key, {name for part in PARTS for name in part.model_fields}, n=1)
    return f"did you mean {near[0]}?" if near else "leave it out."

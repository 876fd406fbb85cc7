"""Which names a new plug-in may have: each becomes a name in tables, a file, a module and a class."""

from __future__ import annotations

import importlib.machinery
import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.errors import ConfigError
from bench.plugins.registry import registry

_RULE = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_LONGEST = 40
_CONTRACT = {"config", "dataset", "method", "report"}  # a class of this name would hide the one it derives from
_PYTEST = {"conftest"}  # pytest imports it by itself
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}  # of Windows


@dataclass(frozen=True)
class Name:
    """A name in its three forms: `coin-flips` in tables, `coin_flips` for files, `CoinFlips` for classes."""

    plugin: str

    @property
    def module(self) -> str:
        """`coin_flips`."""
        return self.plugin.replace("-", "_")

    @property
    def cls(self) -> str:
        """`CoinFlips`."""
        return "".join(word.capitalize() for word in self.plugin.split("-"))


def checked_name(kind: str, text: str) -> Name:
    """The name, if a new plug-in of this kind can have it; underscores are taken for hyphens.

    Raises:
        ConfigError: it is no name, or one that something else has.
    """
    if not _RULE.fullmatch(text) or len(text) > _LONGEST:
        raise ConfigError(
            f"{text!r} is no name for a {kind}: use small letters a to z, digits and single hyphens, a letter first, "
            f"at most {_LONGEST} characters, for example coin-flips."
        )
    name = Name(text.replace("_", "-"))
    if why := _taken(kind, name):
        raise ConfigError(f"a {kind} cannot be called {text!r}: {why}; choose another name.")
    return name


def _taken(kind: str, name: Name) -> str | None:
    """Why it cannot be had, or None."""
    known = registry(kind)
    if name.plugin in known.names():
        return f"there is one already ({known.entry(name.plugin).origin})"
    if keyword.iskeyword(name.module) or name.module in _CONTRACT | _PYTEST:
        return "the word has a meaning of its own in Python, pytest or the contract"
    if name.module in _DEVICES:
        return "Windows takes no file of that name"
    if _hides_a_module(name.module):
        return f"its file {name.module}.py would hide the Python module of that name"
    return None


def _hides_a_module(module: str) -> bool:
    """Whether Python would find it elsewhere: a file of that name beside a program is found first."""
    here = Path.cwd().resolve()
    elsewhere = [place for place in sys.path if place and Path(place).resolve() != here]
    return module in sys.stdlib_module_names or importlib.machinery.PathFinder.find_spec(module, elsewhere) is not None

"""The table of mutants: one wrong line each, which the named tests must catch."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TABLES = Path(__file__).parent / "tables"


class MutantError(Exception):
    """A table, or a choice from it, that cannot be used."""


@dataclass(frozen=True)
class Mutant:
    """A bug that somebody could make.

    Attributes:
        area: what it belongs to: the name of its table.
        file: the file it is made in, relative to the project's root.
        old: text that occurs once in the file.
        new: what stands there instead.
        wrong: a sentence that says what is wrong then.
        tests: files whose tests are to catch it.
    """

    name: str
    area: str
    file: str
    old: str
    new: str
    wrong: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """The file's text with the bug in it.

        Raises:
            MutantError: the old text does not occur exactly once, or is the new one.
        """
        if (count := text.count(self.old)) != 1 or self.old == self.new:
            raise MutantError(f"{self.name}: its old text occurs {count} times in {self.file}, where once is needed.")
        return text.replace(self.old, self.new)


def read_mutants(folder: Path = TABLES) -> list[Mutant]:
    """All mutants, by table in alphabetical order.

    Raises:
        MutantError: two of one name.
    """
    mutants = [
        Mutant(**{**entry, "area": path.stem, "tests": tuple(entry["tests"])})
        for path in sorted(folder.glob("*.toml"))
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    ]
    names = [mutant.name for mutant in mutants]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise MutantError(f"there are two mutants {twice[0]}: give each a name of its own.")
    return mutants


def chosen(mutants: Sequence[Mutant], names: Sequence[str]) -> list[Mutant]:
    """Those of the names or areas given, or all where none is.

    Raises:
        MutantError: a name that is neither.
    """
    known = {mutant.name for mutant in mutants} | {mutant.area for mutant in mutants}
    if unknown := sorted(set(names) - known):
        raise MutantError(f"there is no mutant and no area {unknown[0]}; areas: {', '.join(areas(mutants))}.")
    return [mutant for mutant in mutants if not names or {mutant.name, mutant.area} & {*names}]


def areas(mutants: Sequence[Mutant]) -> list[str]:
    """Names of the tables, in order."""
    return list(dict.fromkeys(mutant.area for mutant in mutants))

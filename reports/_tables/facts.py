"""What stands under a table: how its numbers were made, by which seeds and versions, and what is mixed in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import bench
from bench.storage.store import StoredCell

from .._model import Entry, Panel
from .text import listed


def facts(panel: Panel, *convention: str) -> tuple[str, ...]:
    """The setting, how this table's numbers are defined, the seeds, the versions."""
    return (*panel.setting(), *convention, versions(panel))


def seeds(panel: Panel, what: str = "mean ± standard deviation over") -> str:
    """`mean ± standard deviation over 3 seeds (0, 1, 2)`, or `seed 0`."""
    names = [str(seed) for seed in panel.seeds]
    return f"{what} {len(names)} seeds ({listed(names, 12)})" if len(names) > 1 else f"seed {names[0]}"


def versions(panel: Panel) -> str:
    """`Made by bench 0.1.0, commit 0123456789ab; table by bench 0.1.0.`"""
    return f"Made by {'; '.join(_makers(panel)) or 'a version that is not stored'}; table by bench {bench.__version__}."


def mixtures(panel: Panel) -> tuple[str, ...]:
    """Warnings where cells of several versions, commits or versions of a method stand in one table."""
    makers = _makers(panel)
    found = []
    if len(makers) > 1:
        counted = "; ".join(f"{name}: {count} cell{'s' if count > 1 else ''}" for name, count in makers.items())
        found.append(f"Cells of several versions or commits are in this table ({counted}).")
    for method, row in panel.entries.items():
        numbers = sorted({cell.cell.method_version for entry in row.values() for cell in entry.cells})
        if len(numbers) > 1:
            found.append(f"{method}: cells of versions {', '.join(map(str, numbers))} of the method are in this table.")
        elif any(_same_seed_twice(entry) for entry in row.values()):
            found.append(
                f"{method}: cells of one seed that differ in settings which its name does not say are averaged."
            )
    return tuple(found)


def condensed(notes: Sequence[str]) -> tuple[str, ...]:
    """Notes of which several differ in numbers alone, as those of several seeds do: the first, and how many more."""
    kinds: dict[str, list[str]] = {}
    for note in notes:
        kinds.setdefault(re.sub(r"\d+(\.\d+)?", "#", note), []).append(note)
    return tuple(
        first if not others else f"{first} ({len(others)} more with other numbers.)"
        for first, *others in kinds.values()
    )


def finished(panel: Panel) -> Iterator[StoredCell]:
    """Every finished cell of a protocol."""
    for row in panel.entries.values():
        for entry in row.values():
            yield from entry.cells


def _makers(panel: Panel) -> Counter[str]:
    """Cells by the version and the commit that made them, in the order of the names."""
    found = Counter(_maker(cell) for cell in finished(panel) if cell.result.get("provenance"))
    return Counter({name: found[name] for name in sorted(found)})


def _maker(cell: StoredCell) -> str:
    made = cell.result["provenance"]
    commit = f", commit {made['commit'][:12]}" if made.get("commit") else ""
    changed = " with uncommitted changes" if commit and made.get("clean") is False else ""
    return f"bench {made.get('bench', 'of unknown version')}{commit}{changed}"


def _same_seed_twice(entry: Entry) -> bool:
    return len({cell.cell.seed for cell in entry.cells}) < len(entry.cells)

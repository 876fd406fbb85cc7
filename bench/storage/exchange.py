"""Results given to others and taken from them: all of an archive comes into a folder, or nothing of it does."""

from __future__ import annotations

import itertools
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.errors import ConfigError, StoreError
from bench.storage.archive import Archive, write_archive
from bench.storage.checked import can_be_shared
from bench.storage.claims import claimed_ids
from bench.storage.store import Store, StoredCell

Conflict = Literal["refuse", "keep", "replace"]


@dataclass
class Merged:
    """What became of an archive's cells.

    Attributes:
        added: were not there.
        replaced: took the place of another result, or of a failure.
        kept: stay as they were: the same result was there, or theirs failed, or `conflict` says so.
    """

    added: list[StoredCell] = field(default_factory=list)
    replaced: list[StoredCell] = field(default_factory=list)
    kept: list[StoredCell] = field(default_factory=list)


def export_results(out: Path, file: Path, protocols: Sequence[str] = ()) -> dict[str, Any]:
    """Write the whole cells of an output folder, failed ones too, into an archive; returns its manifest.

    Args:
        protocols: ids of those to share; none: all, which must not be mixed.

    Raises:
        ConfigError: no such cells, cells that must not be mixed, or a name that cannot be shared.
        StoreError: as `write_archive`.
    """
    every = Store(out).read_all()
    if unknown := sorted(set(protocols) - {stored.cell.protocol for stored in every}):
        raise ConfigError(f"{out} has no cell of protocol {unknown[0]}: see the column protocol of its results.csv.")
    cells = [stored for stored in every if not protocols or stored.cell.protocol in protocols]
    if not cells:
        raise ConfigError(f"there are no results in {out} to share: make some with bench run --out {out}.")
    for name, found in _protocols(cells).items():
        if len(found) > 1:
            raise ConfigError(
                f"{out} has results of {name} under {len(found)} protocols ({', '.join(sorted(found))}), which must "
                "not be mixed: choose with --protocol; they are in the column protocol of results.csv."
            )
    for method, versions in _versions(cells).items():
        if len(versions) > 1:
            raise ConfigError(f"{out} has results of {_told(method, versions)}: remove the cells of the older one.")
    for first, second in itertools.pairwise(sorted(cells, key=lambda stored: stored.cell.folder)):
        if first.cell.folder == second.cell.folder:
            raise ConfigError(f"{first.path} and {second.path} are the same cell: remove one of them.")
    for stored in cells:
        if not can_be_shared(stored.cell.folder):
            raise ConfigError(f"{stored.path} has a name that not every system can take: rename the dataset's folder.")
    return write_archive(cells, file)


def import_results(file: Path, out: Path, conflict: Conflict = "refuse") -> Merged:
    """Bring an archive's cells into an output folder; everything is checked before the first one is.

    Args:
        conflict: what to do where another result is there: refuse all, keep it, or replace it by theirs.

    Raises:
        StoreError: the archive is damaged or not what it says, or the folder cannot be written.
        ConfigError: the two must not be mixed, or disagree.
    """
    archive, store, made = Archive(file), Store(out), not out.exists()
    store.prepare()
    try:
        with tempfile.TemporaryDirectory(prefix=".importing-", dir=out) as name:
            new, old = Path(name, "new"), Path(name, "old")
            new.mkdir()
            old.mkdir()
            theirs, mine = list(archive.extract(new)), store.read_all()
            _check_mixture(file, out, mine, theirs)
            merged = _merged(file, out, mine, theirs, conflict)
            _check_idle(out, store, theirs)
            for stored in (*merged.added, *merged.replaced):
                there = {each.path for each in mine if each.cell.id == stored.cell.id}
                _place(stored, store.cells / stored.cell.folder, there, old)
            return merged
    except OSError as error:
        raise StoreError(f"{out} cannot be written ({error.strerror}): free some space or use another --out.") from None
    finally:
        if made:
            with suppress(OSError):  # it holds something
                store.cells.rmdir()
                out.rmdir()


def _place(stored: StoredCell, final: Path, there: set[Path], old: Path) -> None:
    """Move a cell to its place, and what was there into `old`; back again if it cannot be done."""
    moved: list[tuple[Path, Path]] = []
    try:
        for path in sorted({final, *there}):
            if path.exists():
                moved.append((path, path.rename(old / path.name)))  # noqa: PERF401 - known if the next fails
        stored.path.rename(final)
    except BaseException:
        for path, aside in moved:
            aside.rename(path)
        raise


def same_result(one: StoredCell, two: StoredCell) -> bool:
    """Whether two runs of a cell came to the same metrics and arrays, whatever time and machine they took."""
    if one.ok != two.ok or one.result["metrics"] != two.result["metrics"]:
        return False
    first, second = one.arrays(), two.arrays()
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def _merged(
    file: Path, out: Path, mine: Sequence[StoredCell], theirs: Sequence[StoredCell], conflict: Conflict
) -> Merged:
    merged = Merged()
    disagree: list[tuple[StoredCell, StoredCell]] = []
    here: dict[str, list[StoredCell]] = defaultdict(list)
    for stored in mine:
        here[stored.cell.id].append(stored)
    for stored in theirs:
        known = here[stored.cell.id]
        if not known:
            merged.added.append(stored)
        elif not stored.ok or any(same_result(each, stored) for each in known):
            merged.kept.append(stored)
        elif not any(each.ok for each in known) or conflict == "replace":
            merged.replaced.append(stored)
        else:
            merged.kept.append(stored)
            disagree.append((known[0], stored))
    if disagree and conflict == "refuse":
        own, other = disagree[0]
        raise ConfigError(
            f"{len(disagree)} of the {len(theirs)} cells in {file} are in {out} with another result "
            f"({own.cell.title}: mAP {_map(other)} there, {_map(own)} here); nothing was imported: take theirs with "
            "--replace, or keep yours with --keep."
        )
    return merged


def _map(stored: StoredCell) -> str:
    return f"{stored.result['metrics']['map']:.6f}"


def _check_mixture(file: Path, out: Path, mine: Sequence[StoredCell], theirs: Sequence[StoredCell]) -> None:
    """Refuse what would stand in one table though it was not made in one way."""
    here, advice = _protocols(mine), "nothing was imported: give it a folder of its own with --out"
    for name, found in _protocols(theirs).items():
        if len(found) > 1:
            raise ConfigError(f"{file} mixes {len(found)} protocols of {name}; nothing was imported.")
        if not found <= here.get(name, found):
            raise ConfigError(
                f"{file} has results of {name} under the protocol {', '.join(found)}, {out} under "
                f"{', '.join(sorted(here[name]))}: they must not be mixed; {advice}."
            )
    used = {stored.cell.method for stored in theirs}
    for method, versions in _versions((*mine, *theirs)).items():
        if method in used and len(versions) > 1:
            raise ConfigError(f"{file} and {out} have results of {_told(method, versions)}; {advice}.")


def _protocols(cells: Iterable[StoredCell]) -> dict[str, set[str]]:
    """Ids of protocols of what a reader takes for one: dataset, split, regime, settings, network, what is queried."""
    found: dict[str, set[str]] = defaultdict(set)
    for cell in (stored.cell for stored in cells):
        network = "" if cell.settings == "paper" else f", {cell.backbone}"  # of the papers' settings: each its own
        part = "" if cell.part == "test" else f", {cell.part} part"
        name = f"{cell.dataset_at_split}, {cell.regime}, {cell.settings} settings{network}{part}"
        found[name].add(cell.protocol)
    return found


def _versions(cells: Iterable[StoredCell]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for stored in cells:
        found[stored.cell.method].add(stored.cell.method_version)
    return found


def _told(method: str, versions: set[int]) -> str:
    return f"{method} of the versions {' and '.join(map(str, sorted(versions)))}, which differ on purpose"


def _check_idle(out: Path, store: Store, theirs: Sequence[StoredCell]) -> None:
    running = claimed_ids(store.cells) & {stored.cell.id for stored in theirs}
    if running:
        raise ConfigError(
            f"{len(running)} of these cells are being run in {out} now; nothing was imported: wait until that run ends."
        )

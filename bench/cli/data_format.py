"""How `bench data` shows what it found to people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.data.verify import Finding
    from bench.plugins.info import PluginInfo

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def catalogue(infos: Sequence[PluginInfo]) -> None:
    """A paragraph for each dataset."""
    for info in infos:
        print(f"{info.name}: {info.summary}")
        rows = [*((f"@{split}", text) for split, text in info.splits.items()),
                ("licence", info.licence), ("citation", info.citation), ("homepage", info.homepage)]  # fmt: skip
        for name, text in rows:
            if text:
                print(f"    {name:<13} {text}")


def places(found: dict[str, dict[str, Any]]) -> None:
    """Where data, cache and config file are, who says so, and what they hold."""
    for name, place in found.items():
        if place["path"] is None:
            config = found["config"]["path"]
            print(f"{name:<6} not set: say where it is with --data-root DIR, $BENCH_DATA or data_root in {config}")
        else:
            held = "not there yet" if place["bytes"] is None else size(place["bytes"])
            print(f"{name:<6} {place['path']} ({held}), by {place['said_by']}")


def facts(found: dict[str, Any]) -> None:
    """Items, classes and parts."""
    tree = "none" if found["tree_depth"] is None else "-".join(map(str, sorted(set(found["tree_depth"]))))
    side = f"{found['native_size']} px" if found["native_size"] else "all sizes"
    labels = ", several for an item" if found["multi_label"] else ""
    mirrored = "" if found["flip_safe"] else ", not to be mirrored"
    print(f"{found['dataset']}: {found['items']:,} items, {found['classes']} classes{labels}")
    print(f"  images       {side}{mirrored}")
    print(f"  class tree   {tree}" + ("" if tree == "none" else " levels"))
    for name, part in found["parts"].items():
        spread = f"{part['least']} to {part['most']} of a class, median {part['median']:g}"
        print(f"  {name:<12} {part['items']:,} items of {part['classes']} classes; {spread}")
    if found["train_in_database"]:
        print(f"  of the training items {found['train_in_database']:,} are in the database, too")


def verified(found: dict[str, Any], findings: Sequence[Finding]) -> None:
    """The facts, what was found, and a last line that says whether it is fine."""
    if "parts" in found:
        facts(found)
        print(f"  checksums    {_checksums(**found['checksums'])}")
        if found["without_look"]:
            print(f"  {found['without_look']:,} items are flat, or no images, and were not compared by look")
    for finding in findings:
        print(f"{'wrong' if finding.wrong else 'note'}: {finding.text}")
        for item in finding.items:
            print(f"    {item}")
    wrong = sum(finding.wrong for finding in findings)
    print(f"{found['dataset']}: {'fine' if not wrong else f'{wrong} of these must be repaired'}")


def _checksums(published: int, here: int, matching: int) -> str:
    if not published:
        return "none is published"
    if not here:
        return f"published for {published} {'file' if published == 1 else 'files'} of which none is here"
    return f"{matching} of {here} {'file' if here == 1 else 'files'} as published"


def size(count: int) -> str:
    """`512 bytes`, `1.2 GB`."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{count} bytes" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def size_of(path: Path | None) -> int | None:
    """Bytes of a file or of all files below a folder; None where there is nothing."""
    if path is None or not path.exists():
        return None
    files = [path] if path.is_file() else (p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
    return sum(file.stat().st_size for file in files)

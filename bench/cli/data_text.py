"""How `bench data` shows what it found to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.cli.format import size_in_bytes

if TYPE_CHECKING:
    from bench.data.verify import Finding
    from bench.plugins.info import PluginInfo


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
            held = "not there yet" if place["bytes"] is None else size_in_bytes(place["bytes"])
            print(f"{name:<6} {place['path']} ({held}), by {place['said_by']}")


def facts(found: dict[str, Any]) -> None:
    """Items, classes and parts."""
    tree = "none" if found["tree_depth"] is None else "-".join(map(str, sorted(set(found["tree_depth"]))))
    labels = ", several for an item" if found["multi_label"] else ""
    print(f"{found['dataset']}: {found['items']:,} items, {found['classes']} classes{labels}")
    print(f"  images       {_images(**found)}")
    print(f"  class tree   {tree}" + ("" if tree == "none" else " levels"))
    for name, part in found["parts"].items():
        spread = f"{part['least']} to {part['most']} of a class, median {part['median']:g}"
        print(f"  {name:<12} {part['items']:,} items of {part['classes']} classes; {spread}")
    if found["train_in_database"]:
        print(f"  of the training items {found['train_in_database']:,} are in the database, too")


def _images(has_images: bool, native_size: int | None, flip_safe: bool, **_: Any) -> str:
    if not has_images:
        return "none, but a feature vector for each"
    return (f"{native_size} px" if native_size else "all sizes") + ("" if flip_safe else ", not to be mirrored")


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

"""Whether a dataset's files are whole, and no query can be found among what it is searched in or was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.signatures import Signatures, equal_pairs, near_pairs, signatures
from bench.data.summary import PARTS, class_counts, item_files, summary
from bench.plugins.dataset import Dataset


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        check: "checksums", "unreadable", "duplicates" or "near-duplicates".
        wrong: whether it must be repaired; else it is to be known of.
        text: one sentence, with the count first.
        items: the first of them: a path with its reason, or a pair of items.
    """

    check: str
    wrong: bool
    text: str
    items: list[str] = field(default_factory=list)


def verify(
    dataset: Dataset, distance: int = 2, shown: int = 10, watch: Callable[[int], object] = lambda done: None
) -> tuple[dict[str, Any], list[Finding]]:
    """Counts of a dataset that has been opened (so its parts are disjoint and its files there), and what was found.

    The counts of `checksums` are of files: with a published checksum, here of these, and the same of these.

    Args:
        distance: of two perceptual hashes of 64 bits, at which images are near-duplicates.
        shown: how many of each finding's items to name.
        watch: called with the number of items read so far.
    """
    found = signatures(dataset, watch)
    counts = {
        part: dict(zip(dataset.class_names, n.tolist(), strict=True)) for part, n in class_counts(dataset).items()
    }
    checksums, differing = _checksums(dataset.published_checksums(), shown)
    facts = {
        **summary(dataset), "class_counts": counts, "without_look": int((~found.has_look).sum()),
        "checksums": checksums,
    }  # fmt: skip
    return facts, [*differing, *_unreadable(dataset, found, shown), *_duplicates(dataset, found, distance, shown)]


def _checksums(published: Mapping[Path, str], shown: int) -> tuple[dict[str, int], list[Finding]]:
    """Files counted, and a finding where some are not the published ones."""
    here = {file: wanted for file, wanted in published.items() if file.is_file()}
    found = {file: _checksum(file, wanted.partition(":")[0]) for file, wanted in here.items()}
    other = [f"{file} ({found[file]}, published {wanted})" for file, wanted in here.items() if found[file] != wanted]
    counts = {"published": len(published), "here": len(here), "matching": len(here) - len(other)}
    if not other:
        return counts, []
    what = "file is not the published one: download it" if len(other) == 1 else (
        "files are not the published ones: download them")  # fmt: skip
    return counts, [Finding("checksums", True, f"{len(other)} {what} again.", other[:shown])]


def _checksum(file: Path, kind: str) -> str:
    """`md5:0123...`"""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, lambda: hashlib.new(kind, usedforsecurity=False))
    return f"{kind}:{digest.hexdigest()}"


def _unreadable(dataset: Dataset, found: Signatures, shown: int) -> list[Finding]:
    if not found.unreadable:
        return []
    named = [f"{_name(dataset, row)} ({reason})" for row, reason in list(found.unreadable.items())[:shown]]
    noun = "image" if len(found.unreadable) == 1 else "images"
    text = f"{len(found.unreadable)} {noun} of {len(dataset.labels)} cannot be read: replace or remove them."
    return [Finding("unreadable", True, text, named)]


def _duplicates(dataset: Dataset, found: Signatures, distance: int, shown: int) -> list[Finding]:
    """Between queries and all else, which is a leak, and between training items and the rest of the database."""
    split = dataset.split
    others = np.union1d(split.train, split.database)
    rest = np.setdiff1d(split.database, split.train)
    findings = []
    for left, right, names, leak in (
        (split.query, others, "of a query and a train or database item", True),
        (split.train, rest, "of a train and a database item", False),
    ):
        for check, (count, pairs), what in (
            ("duplicates", equal_pairs(found.content, left, right, shown), "the same content"),
            ("near-duplicates", near_pairs(found, left, right, distance, shown),
             f"looks at distance {distance} or less (of 64 bits)"),
        ):  # fmt: skip
            if count:
                wrong = leak and check == "duplicates"
                do = "remove one of each." if wrong else "look whether they matter."
                noun = "pair" if count == 1 else "pairs"
                text = f"{count:,} {noun} {names} with {what}: {do}"
                findings.append(Finding(check, wrong, text, [_pair(dataset, *pair) for pair in pairs]))
    return findings


def _pair(dataset: Dataset, left: int, right: int) -> str:
    return f"{_item(dataset, left)} = {_item(dataset, right)}"


def _item(dataset: Dataset, row: int) -> str:
    """`query cat/1.png [cat]`."""
    parts = "+".join(part for part in PARTS if np.isin(row, getattr(dataset.split, part)))
    return f"{parts} {_name(dataset, row)} [{', '.join(_classes(dataset, row))}]"


def _classes(dataset: Dataset, row: int) -> list[str]:
    label: NDArray[Any] = dataset.labels[row]
    numbers = np.flatnonzero(label) if dataset.multi_label else [int(label)]
    return [dataset.class_names[c] for c in numbers]


def _name(dataset: Dataset, row: int) -> str:
    files = item_files(dataset)
    return f"item {row}" if files is None else str(files[row])

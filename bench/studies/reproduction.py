"""Whether a stored cell comes out again: it is run once more with the same settings and compared bit by bit."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.backbones.build import resolve_weights
from bench.errors import ConfigError, DataError, UnknownNameError
from bench.experiment import run_unit
from bench.grid.job import Job, open_dataset
from bench.plugins.info import read_file_info
from bench.plugins.registry import registry
from bench.storage.cell import Cell
from bench.storage.store import Store, StoredCell
from bench.training.devices import torch_threads
from bench.training.progress import Observer
from bench.training.regimes import Compile
from bench.workshop import Workshop

# Where sums of floats are rounded otherwise, training makes of the last digit about what another seed would make.
# Measured on six cells of glyphs (small CNN from scratch, 32 bits) with other kernels for their convolutions: 60 to 84%
# of the bits stay, and the mAP differs by 0.002 to 0.034, 3.2 standard errors at most.
_LEAST_TOLERANCE = 0.02
_ERRORS = 5  # standard errors of the stored mAP over its queries
_KIND = {  # what makes two machines of one kind: whatever else differs changes no sum of floats
    "torch": ("packages", "torch"), "torchvision": ("packages", "torchvision"), "timm": ("packages", "timm"),
    "numpy": ("packages", "numpy"), "scipy": ("packages", "scipy"), "numba": ("packages", "numba"),
    "pillow": ("packages", "pillow"), "processor": ("processor",), "threads": ("threads",), "GPU": ("gpu", "name"),
    "CUDA": ("gpu", "cuda"), "cuDNN": ("gpu", "cudnn"),
}  # fmt: skip
_CODE = {"bench": ("bench",), "commit": ("commit",)}


@dataclasses.dataclass(frozen=True)
class Reproduction:
    """What came of running a cell again.

    Attributes:
        cell: id.
        verdict: one sentence: why it passed or not.
        expected: "identical" bits and mAP, or mAP "within" the tolerance.
        why: why that is expected.
        tolerance: of the difference of mAP; None where identical bits are expected.
        query_bits, database_bits: share of equal bits of the codes; None where the second run failed.
        map_stored, map_again: mAP then and now.
        changes: what differs between the two machines: "torch was 2.12.0, is 2.13.0".
        seconds: what the second run cost.
    """

    cell: str
    title: str
    passed: bool
    verdict: str
    expected: str
    why: str
    tolerance: float | None
    query_bits: float | None
    database_bits: float | None
    map_stored: float
    map_again: float | None
    changes: tuple[str, ...]
    seconds: float


def find_cell(text: str, out: Path) -> StoredCell:
    """A finished cell by its id, the first digits of it, or its folder.

    Raises:
        ConfigError: none or several are meant, it is not whole, or it failed.
    """
    path = Path(text)
    if path.parent.name == "cells":
        out, text = path.parent.parent, path.name
    found = [s for s in Store(out).read_all() if text and (s.cell.id.startswith(text) or s.path.name == text)]
    if not found:
        why = "is not whole: run it again" if (out / "cells" / text).is_dir() and text else "is not there"
        raise ConfigError(
            f"cell '{text}' in {out} {why}: give an id, the first digits of one (column cell of results.csv) or a "
            "folder, and the output folder with --out."
        )
    if len(found) > 1:
        ids = ", ".join(stored.cell.id for stored in found[:3])
        raise ConfigError(f"{len(found)} cells of {out} are meant by '{text}' ({ids}, ...): give more digits.")
    (stored,) = found
    if not stored.ok:
        raise ConfigError(
            f"{stored.cell.title} failed when it was run ({stored.result['reason']}): run it again first."
        )
    return stored


def job_again(
    stored: StoredCell, root: Path | None = None, weights: str | None = None, device: str | None = None,
    plugins: Sequence[Path] = (), allow_missing: bool = False,
) -> Job:  # fmt: skip
    """The job that runs a stored cell again; its `out` is still to be chosen.

    Args:
        root: the dataset's folder or file, where it needs one.
        weights: file of pretrained weights, for a cell that began from a file.
        device: None: the kind of device the cell was run on, where there is one here.
        plugins: files of a method or dataset that no package brings.
        allow_missing: whether images that are missing are left out, as `bench run --allow-missing` did.

    Raises:
        ConfigError, DataError: a plug-in, data or weights that are not there or not those the cell was run with.
    """
    cell = stored.cell
    if not stored.path.name.endswith(f".{cell.id}"):
        raise ConfigError(
            f"what is in {stored.path} has the id {cell.id}, not that of its folder: it was changed by hand, or stored "
            "by a version that counts ids in another way; run it again with bench run."
        )
    files = tuple((_add(path, cell), path) for path in plugins)
    _check_plugins(stored)
    chosen = _weights(cell, weights)
    dataset = registry("dataset").load(cell.dataset)
    root = root if dataset.needs_root else None
    if dataset.needs_root and (root is None or not root.exists()):
        where = "" if root is None else f"; there is nothing at {root}"
        raise ConfigError(f"{cell.title} needs its data: say where it is with --data-root or $BENCH_DATA{where}.")
    opened = open_dataset(cell.dataset, cell.dataset_config, cell.split, root, allow_missing)
    if opened.fingerprint() != cell.fingerprint:
        raise DataError(
            f"the data of {cell.dataset_at_split} here is not what the cell was run on (its fingerprint differs): use "
            "the same files and, where images are drawn, the same versions of what draws them."
        )
    out = stored.path.parent.parent
    then = stored.result["provenance"]
    compiled: Compile = then["compiled"] if then.get("compiled") in ("kernels", "graphs") else "no"
    return Job(
        cell, out, root, chosen, files, device or _device(stored), allow_missing=allow_missing,
        deterministic=then.get("deterministic") is True, compile=compiled,
    )  # fmt: skip


def reproduce(
    job: Job, stored: StoredCell, tolerance: float | None = None, observer: Observer | None = None
) -> Reproduction:
    """Run the job in a temporary folder, with as many threads as then, and compare.

    Args:
        tolerance: of the difference of mAP, whatever the bits; None: identical bits on a CPU of the same kind for
            a cell that was trained alone, else the larger of 0.02 and five standard errors of the stored mAP.

    Raises:
        DataError: an image cannot be read.
        StoreError: there is no room for a temporary folder.
    """
    observer = observer or Observer()
    threads = int(stored.result["provenance"].get("threads") or 0)
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder, torch_threads(threads):
        there = dataclasses.replace(job, out=Path(folder))
        (again,) = run_unit((there,), Workshop(observer), observer)
        return _compared(stored, again, tolerance)


def _compared(stored: StoredCell, again: StoredCell, tolerance: float | None) -> Reproduction:
    then, now = stored.result["provenance"], again.result["provenance"]
    changes = _changes(then, now, _KIND)
    before = stored.result["metrics"]
    expected, why, tolerance = _expectation(then, changes, before["map_stderr"], tolerance)
    shared: dict[str, Any] = {
        "cell": stored.cell.id, "title": stored.cell.title, "expected": expected, "why": why, "tolerance": tolerance,
        "map_stored": before["map"], "changes": changes + _changes(then, now, _CODE),
        "seconds": again.result["seconds"]["total"],
    }  # fmt: skip
    if not again.ok:
        return Reproduction(
            passed=False, verdict=f"run again, it failed: {again.result['reason']}", query_bits=None,
            database_bits=None, map_again=None, **shared,
        )  # fmt: skip
    one, two, bits = stored.arrays(), again.arrays(), stored.cell.bits
    query, database = (equal_bits(one[f"{part}_codes"], two[f"{part}_codes"], bits) for part in ("query", "database"))
    difference = abs(again.result["metrics"]["map"] - before["map"])
    if tolerance is None:
        passed = query == database == 1 and difference == 0
        verdict = "all bits and the mAP are the same" if passed else "bits or mAP differ where none should"
    else:
        passed = difference <= tolerance
        verdict = f"the mAP differs by {difference:.2g}, {'within' if passed else 'more than'} {tolerance:.2g}"
    return Reproduction(
        passed=passed, verdict=verdict, query_bits=query, database_bits=database,
        map_again=again.result["metrics"]["map"], **shared,
    )  # fmt: skip


def _expectation(
    then: Mapping[str, Any], changes: Sequence[str], stderr: float, tolerance: float | None
) -> tuple[str, str, float | None]:
    """What is expected, why, and the tolerance of mAP."""
    if tolerance is not None:
        return "within", "as asked for", tolerance
    usual = max(_LEAST_TOLERANCE, _ERRORS * stderr)
    if changes:
        return "within", f"another kind of machine ({changes[0]}) rounds otherwise", usual
    if then.get("trained_together", 1) > 1:
        return "within", "it was trained in one pass with other cells, which rounds otherwise", usual
    if then.get("gpu"):
        return "within", "a GPU adds in no fixed order", usual
    return "identical", "the same kind of machine, the same number of threads", None


def equal_bits(first: NDArray[np.uint8], second: NDArray[np.uint8], bits: int) -> float:
    """Share of equal bits of packed codes (N, ceil(K/8)); 0 where there are not as many codes."""
    if first.shape != second.shape:
        return 0.0
    return 1 - int(np.bitwise_count(first ^ second).sum(dtype=np.int64)) / (len(first) * bits)


def _changes(then: Mapping[str, Any], now: Mapping[str, Any], facts: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    found = {name: (_fact(then, path), _fact(now, path)) for name, path in facts.items()}
    return tuple(f"{name} was {a or 'not told'}, is {b or 'not told'}" for name, (a, b) in found.items() if a != b)


def _fact(facts: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        facts = facts.get(name) if isinstance(facts, dict) else None
    return facts


def _add(path: Path, cell: Cell) -> str:
    """Register a file's plug-in; its kind."""
    info = read_file_info(path)
    kind = "dataset" if info is not None and info.name == cell.dataset else "method"
    registry(kind).add_file(path)
    return kind


def _check_plugins(stored: StoredCell) -> None:
    cell, where = stored.cell, stored.result["provenance"]
    for kind, name in (("dataset", cell.dataset), ("method", cell.method)):
        try:
            version = registry(kind).entry(name).info.version
        except UnknownNameError:
            raise ConfigError(
                f"{cell.title} was run with the {kind} '{name}', which is not here: install the package that brings "
                "it, or give its file with --plugin FILE."
            ) from None
        if kind == "method" and version != cell.method_version:
            raise ConfigError(
                f"{name} is version {version} here, and {cell.title} was run with version {cell.method_version}: their "
                f"results differ on purpose; install what ran it, bench {where.get('bench')} of commit "
                f"{where.get('commit') or 'unknown'}."
            )


def _weights(cell: Cell, file: str | None) -> str | None:
    """The choice that means the cell's weights."""
    if cell.weights == "dataset":
        return None
    if cell.weights.startswith("sha256:") and file is None:
        raise ConfigError(f"{cell.title} began from a file of weights ({cell.weights}): give it with --weights FILE.")
    choice = file or ("scratch" if cell.weights == "scratch" else "imagenet")
    found = resolve_weights(cell.backbone, choice).id
    if found != cell.weights:
        raise ConfigError(f"{cell.title} began from the weights {cell.weights}; {choice} is {found} here.")
    return choice


def _device(stored: StoredCell) -> str:
    then = str(stored.result["provenance"].get("device", "cpu"))
    return "cuda" if then.startswith("cuda") and torch.cuda.is_available() else "cpu"

"""`bench centers`: a method's centers by themselves, audited and kept in a file."""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bench.cli import options as o
from bench.errors import BenchWarning, ConfigError, DataError, StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.grid.choice import MethodChoice
    from bench.grid.spec import GridSpec
    from bench.plugins.dataset import Dataset
    from bench.plugins.method import Method

Name = Annotated[
    str,
    typer.Argument(metavar="METHOD", help="Method or variant, 'crh\\[heads=1]', or a .py file.",
                   autocompletion=o.complete_list("method")),
]  # fmt: skip
Bits = Annotated[int, typer.Option(help="Code length K.")]
Classes = Annotated[int | None, typer.Option(help="Number of classes C. [default: the dataset's, or the similarity's]")]
Set = Annotated[list[str] | None, typer.Option("--set", help="A setting of the method, heads=1; or owner.field=value.")]
SimilarityFile = Annotated[Path | None, typer.Option(help="npz file with `similarity` (C, C) of the classes.")]
DatasetName = Annotated[
    str | None, typer.Option(help="Dataset of the classes: name, name@split, ./folder, ./labels.csv or ./file.npz.")
]
Reference = Annotated[
    str | None,
    typer.Option(help="Similarity of the dataset's classes, as in bench pcc. "
                      "[default: the method's own, or the class tree]"),
]  # fmt: skip
Out = Annotated[Path | None, typer.Option(help="File to write. [default: METHOD-C-K.npz]")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")]


@dataclass(frozen=True)
class _Similarity:
    """A class similarity (C, C), if there is one, and where it is from."""

    matrix: NDArray[np.float64] | None = None
    facts: dict[str, Any] | None = None


def centers_command(
    method: Name, bits: Bits, classes: Classes = None, seed: Annotated[int, typer.Option(help="Root seed.")] = 0,
    set_: Set = None, similarity: SimilarityFile = None, dataset: DatasetName = None, reference: Reference = None,
    weighting: o.Weighting = "each", data_root: o.DataRoot = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N: of the reference.")] = "auto",
    out: Out = None, force: Force = False, as_json: o.Json = False,
) -> None:  # fmt: skip
    """Make, audit, compare with the similarity if there is one, write, print."""
    from bench.grid.choice import method_choice

    choice = method_choice(method)
    spec = _spec(choice, dataset, data_root, set_)
    cls, config = _resolved(choice, spec)
    source = cls.similarity_source(config)
    _check_options(similarity, dataset, reference)
    given = _from_file(similarity) if similarity else _Similarity()
    data = _opened(dataset, spec)
    count = _class_count(classes, given, data)
    path = out or Path(f"{choice.name}-{count}-{bits}.npz")
    _check_place(path, force)  # this and the next before minutes are spent

    from bench.plugins.method import Task

    cls.check(config, Task(count, bits, seed))
    if data is not None:
        given = _of_dataset(data, reference or source, weighting, device)
    if source is not None and given.matrix is None:
        raise ConfigError(_missing(choice.name, source))
    task = Task(count, bits, seed, similarity=given.matrix if source is not None else None)
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BenchWarning)
        made = cls(config, task)
    seconds = time.perf_counter() - start
    centers = made.centers.cpu().numpy().astype("int8")
    _write(path, centers, choice, spec, seed, given)
    found = {
        "method": choice.label(spec.set), "classes": count, "bits": bits, "seed": seed, "seconds": seconds,
        **_audit(centers), "facts": made.facts, "reference": given.facts, "alignment": _alignment(centers, given),
        "notes": sorted({str(w.message) for w in caught if issubclass(w.category, BenchWarning)}), "file": str(path),
    }  # fmt: skip
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _print(found)


def _spec(choice: MethodChoice, dataset: str | None, data_root: Path | None, set_: list[str] | None) -> GridSpec:
    """Settings by owner; `heads=1` is the method's (the one the centers are of)."""
    from bench.grid.spec import grid_spec

    texts = [text if "." in text.partition("=")[0] else f"{choice.parts[0]}.{text}" for text in set_ or []]
    options = {"datasets": None if dataset is None else [dataset], "data_root": data_root}
    spec = grid_spec(options=options, sets=texts)
    o.check_owners(spec, [*choice.parts, *([] if dataset is None else [dataset.partition("@")[0]])])
    return spec


def _resolved(choice: MethodChoice, spec: GridSpec) -> tuple[type[Method], Any]:
    """The method's class and its settings."""
    from bench.plugins.registry import registry

    cls: type[Method] = registry("method").load(choice.name)
    return cls, cls.resolve(choice.name, choice.changed(spec.set))


def _check_options(similarity: Path | None, dataset: str | None, reference: str | None) -> None:
    if similarity is not None and (dataset is not None or reference is not None):
        raise ConfigError("--similarity is a similarity of its own: leave out --dataset and --reference.")
    if reference is not None and dataset is None:
        raise ConfigError(f"--reference {reference} is of a dataset's classes: say which with --dataset.")


def _check_place(path: Path, force: bool) -> None:
    """Refuse a file that cannot be written, or that is there and not to be overwritten."""
    if path.exists() and not force:
        raise StoreError(f"{path} is there already: choose another --out, or --force to overwrite it.")
    if not path.parent.is_dir():
        raise StoreError(f"there is no folder {path.parent} to write {path.name} in: make it, or choose another --out.")


def _missing(name: str, source: str) -> str:
    if source.startswith("classifier"):
        return (
            f"{name} takes its class similarity from a classifier, which only bench run trains: give one with "
            "--similarity FILE.npz or with --dataset and --reference, or use bench run."
        )
    return f"{name} needs a class similarity ({source}): give --dataset, or --similarity FILE.npz."


def _from_file(path: Path) -> _Similarity:
    import numpy as np

    from bench.evaluation.files import CodeFile

    file = CodeFile(path)
    if "similarity" not in file.names:
        raise DataError(f"{path} has no array `similarity` (C, C).")
    found = file.array("similarity").astype(np.float64)
    if found.ndim != 2 or found.shape[0] != found.shape[1] or not np.isfinite(found).all():
        raise DataError(f"similarity in {path} must be a square array of finite numbers, not {found.shape}.")
    return _Similarity(found, {"reference": "file", "file": path.name})


def _opened(name: str | None, spec: GridSpec) -> Dataset | None:
    from bench.grid.plan import open_source

    return None if name is None else open_source(name, spec).dataset


def _class_count(wanted: int | None, given: _Similarity, data: Dataset | None) -> int:
    known = data.num_classes if data is not None else None if given.matrix is None else len(given.matrix)
    if wanted is not None and known not in (None, wanted):
        raise ConfigError(f"--classes {wanted} contradicts the {known} classes of the dataset or similarity.")
    count = wanted if wanted is not None else known
    if count is None:
        raise ConfigError("say for how many classes: --classes C, or a --dataset or --similarity that has them.")
    return count


def _of_dataset(
    data: Dataset, reference: str | None, weighting: Literal["each", "shared"], device: str
) -> _Similarity:  # fmt: skip
    """A reference of the dataset's classes; without one the class tree, if it has one."""
    from bench.evaluation.references import reference as make_reference
    from bench.training.devices import choose_device

    reference = reference or (None if data.hierarchy is None else "hierarchy")
    if reference is None or reference.startswith("classifier-"):
        return _Similarity()
    made = make_reference(reference, data, weighting, choose_device(device))
    return _Similarity(made.similarity, made.facts)


def _audit(centers: NDArray[np.int8]) -> dict[str, Any]:
    from bench.centers.bounds import target_distance
    from bench.evaluation.audit import audit_centers

    classes, bits = centers.shape
    return {"target_distance": target_distance(bits, classes), **audit_centers(centers)}


def _alignment(centers: NDArray[np.int8], given: _Similarity) -> dict[str, float | None] | None:
    from bench.evaluation.semantics import align

    return None if given.matrix is None else align(centers, given.matrix)._asdict()


def _write(
    path: Path, centers: NDArray[np.int8], choice: MethodChoice, spec: GridSpec, seed: int, given: _Similarity
) -> None:  # fmt: skip
    """`centers` (C, K) int8 and what they are."""
    import numpy as np

    from bench import __version__
    from bench.plugins.registry import registry
    from bench.wholefiles import whole_file

    facts = {
        "method": choice.label(spec.set), "method_version": registry("method").entry(choice.name).info.version,
        "seed": seed, "similarity": json.dumps(given.facts, sort_keys=True), "version": __version__,
    }  # fmt: skip
    try:
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez(
                file, allow_pickle=False, centers=centers, **{name: np.array(fact) for name, fact in facts.items()}
            )
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}): choose another place with --out.") from None


def _print(found: dict[str, Any]) -> None:
    print(f"{found['method']}, {found['classes']} classes, {found['bits']} bits, seed {found['seed']}: "
          f"{found['seconds']:.2f} s")  # fmt: skip
    for name, value in (
        ("least distance", f"{found['d_min']} (target {found['target_distance']})"),
        ("mean distance", f"{found['d_mean']:.2f}, variance {found['d_variance']:.2f}"),
        ("pairs of equal centers", found["duplicates"]),
        ("constant bits", found["constant_bits"]),
        ("Gilbert-Varshamov", f"{found['gilbert_varshamov']} certainly exists"),
        ("Plotkin, sphere packing", f"{found['plotkin']}, {found['sphere_packing']} at most"),
        *((key.replace("_", " "), value) for key, value in found["facts"].items()),
    ):
        print(f"  {name:<26} {value}")
    alignment = found["alignment"]
    if alignment is not None:
        interval = "" if alignment["pcc"] is None else (
            f" {alignment['pcc']:.4f}, 95% interval {alignment['low']:.4f} to {alignment['high']:.4f}, "
            f"Mantel p {alignment['p_value']:.3g}"
        )  # fmt: skip
        print(f"  {'PCC':<26}{interval or ' undefined: all similarities are equal'}")
    for note in found["notes"]:
        print(f"note: {note}")
    print(f"wrote {found['file']}")

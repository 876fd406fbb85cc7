"""`bench pcc`: correlation of centers with a similarity of the classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options as o
from bench.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.evaluation.semantics import Alignment

Centers = Annotated[
    list[Path],
    typer.Argument(metavar="CENTERS.npz...", help="npz files with `centers` (C, K) of -1 and +1, or folders of cells."),
]
Reference = Annotated[
    str,
    typer.Option(help="hierarchy, backbone:NAME[@WEIGHTS], clip[:MODEL[@PRETRAINED]], "
                      "clip-text[:MODEL[@PRETRAINED]] (a tag of open_clip or a checkpoint), or FILE.npz with "
                      "`similarity` (C, C)."),
]  # fmt: skip
Dataset = Annotated[
    str, typer.Option(help="Dataset of the classes: name, name@split, ./folder, ./labels.csv or ./file.npz.")
]
Seed = Annotated[int, typer.Option(help="Of the permutations and resamples.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]


def pcc_command(
    centers: Centers, reference: Reference = "hierarchy", dataset: Dataset = "glyphs", weighting: o.Weighting = "each",
    seed: Seed = 0, data_root: o.DataRoot = None, set_: o.Sets = None, device: Device = "auto", as_json: o.Json = False,
) -> None:  # fmt: skip
    """Make the reference, or read it from the cache; compare; print."""
    found = {str(path): _centers(path) for path in centers}
    from bench.evaluation.references import reference as make_reference
    from bench.evaluation.semantics import align
    from bench.grid.plan import open_source
    from bench.grid.spec import grid_spec
    from bench.training.devices import choose_device

    spec = grid_spec(options={"datasets": [dataset], "data_root": data_root}, sets=set_)
    classes = open_source(dataset, spec).dataset
    target = make_reference(reference, classes, weighting, choose_device(device))
    alignments = {name: align(array, target.similarity, seed=seed) for name, array in found.items()}
    if as_json:
        table = {name: alignment._asdict() for name, alignment in alignments.items()}
        print(json.dumps({"reference": target.facts, "centers": table}, indent=2))
        return
    named = [str(target.facts[key]) for key in ("reference", "model", "weights", "weighting") if key in target.facts]
    print(f"{classes.name}, {classes.num_classes} classes; reference: {', '.join(named)}")
    for name, alignment in alignments.items():
        print(f"{name}: {_sentence(alignment)}")


def _centers(path: Path) -> NDArray[np.int8]:
    from bench.evaluation.files import CodeFile

    file = CodeFile(path / "arrays.npz" if path.is_dir() else path)
    for name in ("centers", "centers_final"):
        if name in file.names:
            return file.array(name)
    raise DataError(f"{file.path} has no array `centers` (C, K).")


def _sentence(alignment: Alignment) -> str:
    if alignment.pcc is None:
        return "PCC undefined: the similarity of the centers, or of the classes, is the same for all pairs"
    return (
        f"PCC {alignment.pcc:.4f}, 95% interval {alignment.low:.4f} to {alignment.high:.4f} (classes resampled), "
        f"Mantel p {alignment.p_value:.3g}, Spearman {alignment.spearman:.4f}"
    )

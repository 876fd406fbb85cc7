"""`bench evaluate`: metrics of codes in files, made by any program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bench.cli.options import Json
from bench.errors import ConfigError

if TYPE_CHECKING:
    from bench.evaluation.files import Retrieval
    from bench.evaluation.ranking import Evaluation

Files = Annotated[
    list[Path],
    typer.Argument(metavar="CODES.npz...", help="Queries and database in one file, or the queries in one and parts of "
                                                "the database in others; or histograms of parts; or a stored cell's "
                                                "folder."),
]  # fmt: skip
At = Annotated[str, typer.Option("--at", help="Cutoffs k of mAP@k, P@k and R@k, comma-separated.")]
Radius = Annotated[int, typer.Option(help="Hamming radius of lookups.")]
Ties = Annotated[
    Literal["expected", "stable", "shuffled"],
    typer.Option(help="Order of items at equal distance: the mean over all, the database's, or a random one."),
]
Seed = Annotated[int, typer.Option(help="Of the shuffle and of the interval.")]
Empty = Annotated[Literal["zero", "skip"], typer.Option(help="What a query without a relevant item counts.")]
As = Annotated[str, typer.Option("--as", help="mAP as other programs compute it, comma-separated, or all.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
HistogramsFile = Annotated[
    Path | None, typer.Option("--histograms", help="Write the histograms here, to be added to those of other parts.")
]


def evaluate_command(
    files: Files, at: At = "", radius: Radius = 2, ties: Ties = "expected", seed: Seed = 0, empty: Empty = "zero",
    as_: As = "", device: Device = "auto", histograms: HistogramsFile = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Read, count, print."""
    cuts = [_cut(text) for text in at.split(",") if text.strip()]
    if radius < 0:
        raise ConfigError(f"--radius {radius}: a radius is 0 or more.")
    from bench.evaluation.files import CodeFile, Retrieval, read_histograms, write_histograms
    from bench.evaluation.ranking import Evaluation
    from bench.evaluation.summary import measures
    from bench.studies.stored_codes import StoredCodes

    opened = [StoredCodes(path) if path.is_dir() else CodeFile(path) for path in files]
    counted = [file for file in opened if "items" in file.names]
    if counted and len(counted) < len(opened):
        raise ConfigError("codes and histograms cannot be mixed: make histograms of the codes with --histograms first.")
    if counted:
        if ties != "expected" or as_ or histograms:
            raise ConfigError("histograms do not know the order of items: leave out --ties, --as and --histograms.")
        ranking = Evaluation(read_histograms(counted), empty)
        others = {}
    else:
        retrieval = Retrieval(opened)
        ranking = _ranking(retrieval, ties, seed, empty, device)
        if histograms is not None:
            write_histograms(histograms, ranking.histograms, retrieval)
        others = _as_others(retrieval, as_, cuts)
    _print(ranking, measures(ranking, cuts, radius, seed), others, ties, as_json)


def _cut(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise ConfigError(f"--at {text.strip()}: a cutoff is a whole number from 1 on.")
    return int(text)


def _ranking(retrieval: Retrieval, ties: str, seed: int, empty: Any, device: str) -> Evaluation:
    import numpy as np

    from bench.evaluation.evaluate import evaluate, evaluate_parts
    from bench.training.devices import choose_device

    there = choose_device(device)
    if ties != "shuffled":
        return evaluate_parts(
            retrieval.query, retrieval.query_labels, retrieval, retrieval.bits, ties=ties, empty=empty, device=there
        )
    parts = list(retrieval)
    codes, labels = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    return evaluate(
        retrieval.query, retrieval.query_labels, codes, labels, bits=retrieval.bits, ties=ties, seed=seed, empty=empty,
        device=there,
    )  # fmt: skip


def _as_others(retrieval: Retrieval, names: str, cuts: list[int]) -> dict[str, float]:
    """mAP by convention, at each program's default cutoff and at the user's."""
    from bench.evaluation.conventions import CONVENTIONS, map_by_convention

    wanted = list(CONVENTIONS) if names == "all" else [name.strip() for name in names.split(",") if name.strip()]
    query, labels = retrieval.query, retrieval.query_labels
    return {
        name if k is None else f"{name} @ {k}": map_by_convention(name, query, labels, retrieval, retrieval.bits, k)
        for name in wanted
        for k in (None, *cuts)
    }


def _print(
    ranking: Evaluation, found: dict[str, Any], others: dict[str, float], ties: str, as_json: bool
) -> None:  # fmt: skip
    sizes = {"queries": len(ranking.ap), "database": ranking.database_size, "bits": ranking.bits, "ties": ties}
    if as_json:
        print(json.dumps({**sizes, "empty": ranking.empty, **found, "as": others}, indent=2))
        return
    print(f"{sizes['queries']:,} queries, {sizes['database']:,} database items, {sizes['bits']} bits")
    order = {"expected": "expected over all orders of ties", "stable": "ties in the database's order"}
    print(
        f"mAP {found['map']:.4f}   95% interval {found['map_low']:.4f}-{found['map_high']:.4f} (queries resampled)   "
        f"{order.get(ties, 'ties shuffled')}"
    )
    band = f"{found['map_worst']:.4f}-{found['map_best']:.4f}"
    print(f"worst to best order of ties {band}, chance {found['map_chance']:.4f}")
    if ranking.empty_queries:
        policy = "count 0" if ranking.empty == "zero" else "are skipped"
        print(f"{ranking.empty_queries:,} queries have no relevant item and {policy}")
    shown = {"map", "map_low", "map_high", "map_worst", "map_best", "map_chance", "empty_queries"}
    for name, value in found.items():
        if name not in shown:
            print(f"  {name:<39} {value:.4f}")
    for name, value in others.items():
        print(f"  mAP as {name:<32} {value:.4f}")

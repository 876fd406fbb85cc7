"""`bench data`: what datasets there are, and whether those at hand are whole and ready."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import data_text as show
from bench.cli.format import duration, size_in_bytes
from bench.cli.options import DataRoot, Json, check_owners, complete_list
from bench.errors import ConfigError, DataError, UnknownNameError
from bench.plugins.registry import registry

if TYPE_CHECKING:
    from bench.grid.plan import Source

app = typer.Typer(no_args_is_help=True)
Name = Annotated[
    str,
    typer.Argument(metavar="DATASET", help="name, name@split, ./folder of images, ./file.npz or ./file.csv.",
                   autocompletion=complete_list("dataset")),
]  # fmt: skip
Settings = Annotated[list[str] | None, typer.Option("--set", help="A setting of the dataset, cifar100.split_seed=1.")]


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the datasets: what each is, its splits, licence, citation and homepage."""
    infos = [entry.info for entry in registry("dataset").entries().values()]
    if as_json:
        fields = ("name", "summary", "licence", "homepage", "citation", "splits")
        print(json.dumps([{field: getattr(info, field) for field in fields} for info in infos], indent=2))
    else:
        show.catalogue(infos)


@app.command("path")
def path_command(data_root: DataRoot = None, as_json: Json = False) -> None:
    """Show where data, cache and config file are, who says so, and how much is in them."""
    from bench.user_config import cache_place, config_place, data_place

    places = {"data": data_place(data_root), "cache": cache_place(), "config": config_place()}
    found: dict[str, dict[str, Any]] = {
        name: {"path": None, "bytes": None, "said_by": None} if place is None
        else {"path": str(place.path), "bytes": _size_of(place.path), "said_by": place.said_by}
        for name, place in places.items()
    }  # fmt: skip
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        show.places(found)


@app.command("info")
def info_command(dataset: Name, data_root: DataRoot = None, set_: Settings = None, as_json: Json = False) -> None:
    """Show a dataset's parts, classes, class tree, image size and fingerprint."""
    from bench.data.summary import summary

    source = _open(dataset, data_root, set_)
    with _status("reading for the fingerprint"):
        fingerprint = source.dataset.fingerprint()
    found = {"dataset": _title(source), **summary(source.dataset), "fingerprint": fingerprint}
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        show.facts(found)
        print(f"  fingerprint  {fingerprint}")


@app.command("verify")
def verify_command(
    dataset: Name, data_root: DataRoot = None, set_: Settings = None,
    distance: Annotated[
        int, typer.Option(min=0, max=16, help="Bits of 64 by which looks of near-duplicates may differ.")
    ] = 2,
    shown: Annotated[int, typer.Option(min=0, help="How many items of each finding to name.")] = 10,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Read every image; look for broken ones, for queries that are also trained on or searched, for near-duplicates.

    Ends with 1 if something is wrong. Near-duplicates alone are not: published datasets have them.
    """
    from bench.data.verify import Finding, verify

    try:
        source = _open(dataset, data_root, set_)
        with _bar("reading", len(source.dataset.labels)) as watch:
            facts, findings = verify(source.dataset, distance, shown, watch)
        facts = {"dataset": _title(source), **facts}
    except DataError as error:  # what could not even be opened is a finding, too
        facts, findings = {"dataset": dataset}, [Finding("files", True, str(error))]
    wrong = [finding for finding in findings if finding.wrong]
    if as_json:
        print(json.dumps({**facts, "ok": not wrong, "findings": [vars(finding) for finding in findings]}, indent=2))
    else:
        show.verified(facts, findings)
    if wrong:
        raise typer.Exit(1)


@app.command("prepare")
def prepare_command(
    dataset: Name, data_root: DataRoot = None, set_: Settings = None,
    size: Annotated[int | None, typer.Option(min=8, help="Side in pixels. [default: the dataset's, else 256]")] = None,
) -> None:  # fmt: skip
    """Decode all images into the cache now, so that no run has to; run again to go on where it was ended."""
    from bench.data.cache import cache_dir
    from bench.data.filling import watched
    from bench.training.regimes import TrainConfig

    source = _open(dataset, data_root, set_)
    usual: int = TrainConfig.model_fields["store_size"].default  # what finetune and frozen store
    side = source.dataset.native_size or size or usual
    start = time.perf_counter()
    with _bar("decoding", len(source.dataset.labels)) as watch, watched(lambda done, total: watch(done)):
        images = source.dataset.images(side)
    seconds = time.perf_counter() - start
    print(
        f"{_title(source)}: {len(images):,} images of {images.shape[1]} px ({size_in_bytes(images.nbytes)}) in "
        f"{duration(seconds)}, {len(images) / max(seconds, 1e-3):,.0f} images/s; the cache is {cache_dir()}"
    )


@app.command("make-subset")
def subset_command(
    dataset: Name, out: Annotated[Path, typer.Option(help="Folder to make.")],
    classes: Annotated[int, typer.Option(help="Classes, drawn by seed.")] = 10,
    images: Annotated[int, typer.Option(help="Images of each class, a quarter of them queries.")] = 20,
    size: Annotated[int | None, typer.Option(min=8, help="Side in pixels. [default: the dataset's, else 64]")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Root seed of the draw.")] = 0,
    data_root: DataRoot = None, set_: Settings = None,
) -> None:  # fmt: skip
    """Write a small part of a dataset as PNG files: class folders, or labels.csv where images have several labels."""
    from bench.data.subset import choose_subset, write_subset

    source = _open(dataset, data_root, set_)
    chosen = choose_subset(source.dataset, classes, images, seed)
    count = write_subset(source.dataset, chosen, out, size)
    reader, place = ("multilabel-csv", out / "labels.csv") if source.dataset.multi_label else ("image-folder", out)
    hint = "" if source.dataset.flip_safe else f" with --set {reader}.flip_safe=false"
    print(f"{place}: {count} images of {classes} classes of {_title(source)}; {reader} reads it{hint}")


@app.command("get")
def get_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="cifar10, cifar100 or omniglot.")],
    data_root: DataRoot = None,
) -> None:
    """Download a dataset with torchvision, which checks its checksum. Nothing else here ever downloads."""
    from bench.data.download import DOWNLOADS, download
    from bench.grid.spec import grid_spec

    if name not in DOWNLOADS and name in registry("dataset").names():
        info = registry("dataset").entry(name).info
        where = f" from {info.homepage}" if info.homepage else ""
        raise ConfigError(f"{name} cannot be downloaded here: get it{where} by hand; known are {', '.join(DOWNLOADS)}.")
    if name not in DOWNLOADS:
        raise UnknownNameError("dataset to download", name, DOWNLOADS)
    root = grid_spec(options={"data_root": data_root}).root
    if root is None:
        raise ConfigError(f"say where {name} is to go with --data-root DIR or $BENCH_DATA.")
    download(name, root)
    print(f"{name} is in {root}; look at it with: bench data verify {name} --data-root {root}")


def _open(text: str, data_root: Path | None, sets: list[str] | None) -> Source:
    """The dataset that a text means, opened and checked."""
    from bench.grid.plan import open_source
    from bench.grid.spec import grid_spec

    spec = grid_spec(options={"datasets": [text], "data_root": data_root}, sets=sets)
    source = open_source(text, spec)
    check_owners(spec, [source.name])
    return source


def _title(source: Source) -> str:
    """`cifar100@shc`, with the split that "auto" came to."""
    return f"{source.dataset.name}@{source.dataset.split_name or source.split}"


def _size_of(path: Path | None) -> int | None:
    """Bytes of a file or of all files below a folder; None where there is nothing."""
    if path is None or not path.exists():
        return None
    files = [path] if path.is_file() else (p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
    return sum(file.stat().st_size for file in files)


@contextmanager
def _status(text: str) -> Iterator[None]:
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


@contextmanager
def _bar(text: str, total: int) -> Iterator[Callable[[int], Any]]:
    """A bar on a terminal's stderr, and what to call with the number done so far."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(text, total=total)
        yield lambda done: progress.update(task, completed=done)

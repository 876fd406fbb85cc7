"""Options that several commands share, and how those of a grid become its spec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bench.errors import ConfigError, UnknownNameError
from bench.grid.choice import split_outside_brackets
from bench.plugins.registry import registry

if TYPE_CHECKING:
    from bench.grid.spec import GridSpec


def complete_list(kind: str) -> Any:
    """Completion of the last name of a comma-separated list."""

    def complete(incomplete: str) -> list[str]:
        done, comma, _ = incomplete.rpartition(",")
        return [
            f"{done}{comma}{name}" for name in registry(kind).names() if f"{done}{comma}{name}".startswith(incomplete)
        ]

    return complete


def _complete_regime(incomplete: str) -> list[str]:
    from bench.training.regimes import REGIMES

    return [name for name in REGIMES if name.startswith(incomplete)]


def _complete_backbone(incomplete: str) -> list[str]:
    from bench.backbones.build import BACKBONES

    return [name for name in BACKBONES if name.startswith(incomplete)]


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Folder = Annotated[Path, typer.Argument(help="Output folder of a run.")]
Weighting = Annotated[
    Literal["each", "shared"],
    typer.Option(help="An image of several classes counts 1 for each, or is shared among them."),
]

# The choices of a grid.
GridFile = Annotated[
    Path | None, typer.Argument(help="TOML file with the same choices as the options.", metavar="[GRID.toml]")
]
Methods = Annotated[
    str | None,
    typer.Option(help="Methods or variants, comma-separated; also 'crh\\[margin=0.3]', crh+csq-loss, a .py file. "
                      "[default: crh,csq]",
                 autocompletion=complete_list("method")),
]  # fmt: skip
Datasets = Annotated[
    str | None,
    typer.Option(help="name, name@split, ./folder of images, ./labels.csv or ./file.npz, comma-separated. "
                      "[default: glyphs]",
                 autocompletion=complete_list("dataset")),
]  # fmt: skip
Bits = Annotated[str | None, typer.Option(help="Code lengths, comma-separated. [default: 16,32,64]")]
Seeds = Annotated[str | None, typer.Option(help="Root seeds, comma-separated. [default: 0]")]
Regime = Annotated[
    str | None,
    typer.Option(help="quick, finetune or frozen. [default: by the dataset]", autocompletion=_complete_regime),
]
Settings = Annotated[
    str | None,
    typer.Option(
        help="Hyper-parameters: matched (one set for all), paper, or tuned (by bench tune). [default: matched]"
    ),
]
TunedFile = Annotated[Path | None, typer.Option(help="File of bench tune. [default: OUT/tuned.json]")]
Backbone = Annotated[
    str | None,
    typer.Option(help="Network; see bench list. [default: by the regime]", autocompletion=_complete_backbone),
]
Weights = Annotated[
    str | None,
    typer.Option(help="imagenet (the library's release), scratch or a file. [default: imagenet where there are any]"),
]
FromScratch = Annotated[
    bool | None, typer.Option("--from-scratch", help="Begin from random weights: the same as --weights scratch.")
]
DataRoot = Annotated[Path | None, typer.Option(help="Folder with the data. [default: $BENCH_DATA]")]
AllowMissing = Annotated[
    bool | None,
    typer.Option("--allow-missing", help="Leave out images that are missing or unreadable, and say which."),
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N. [default: auto]")]
Deterministic = Annotated[
    bool | None,
    typer.Option("--deterministic", help="The same bits run after run on a GPU, where torch can; slower."),
]
Compile = Annotated[
    str | None,
    typer.Option("--compile", help="Backbones through torch.compile: no, kernels, or graphs (CUDA). [default: no]"),
]
ExecutorName = Annotated[str | None, typer.Option("--executor", help="Where cells run. [default: local]")]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Processes at a time. [default: as many as fit on the GPUs, else one for each core; $BENCH_WORKERS]"
    ),
]
Timeout = Annotated[float | None, typer.Option(help="Seconds after which a cell counts as hanging. [default: none]")]
Out = Annotated[Path | None, typer.Option(help="Output folder. [default: results]")]
Overwrite = Annotated[
    str | None, typer.Option(help="Cells to run: only-missing, failed, always or never. [default: only-missing]")
]
Tracking = Annotated[
    str | None,
    typer.Option(help="Programs to follow the run with, comma-separated: tensorboard. [default: none]",
                 autocompletion=complete_list("tracker")),
]  # fmt: skip
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="owner.field=value, e.g. crh.margin=0.3 or train.epochs=20.")
]


def spec_of(
    grid: Path | None, methods: str | None, datasets: str | None, bits: str | None, seeds: str | None,
    sets: list[str] | None, tracking: str | None = None, from_scratch: bool | None = None, **others: Any,
) -> GridSpec:  # fmt: skip
    """The spec that a command line means."""
    from bench.grid.spec import grid_spec

    if from_scratch:
        others["weights"] = _scratch(others.get("weights"))
    options = {
        "methods": names("methods", methods), "datasets": names("datasets", datasets),
        "bits": _integers("bits", bits), "seeds": _integers("seeds", seeds), "tracking": names("tracking", tracking),
        **others,
    }  # fmt: skip
    return grid_spec(grid, options, sets)


def check_owners(spec: GridSpec, known: Sequence[str]) -> None:
    """Refuse a setting of anything else: it would silently do nothing.

    Raises:
        UnknownNameError: with the nearest known ones.
    """
    for owner in spec.set:
        if owner not in known:
            raise UnknownNameError("owner of settings here named", owner, known)


def _scratch(weights: str | None) -> str:
    if weights not in (None, "scratch"):
        raise ConfigError(f"--from-scratch and --weights {weights} contradict each other: leave one of them out.")
    return "scratch"


def names(option: str, text: str | None) -> list[str] | None:
    """A comma-separated list, commas in brackets left alone; None stays None."""
    if text is None:
        return None
    found = [part.strip() for part in split_outside_brackets(text, ",") if part.strip()]
    if not found:
        raise ConfigError(f"--{option} is empty: name at least one, or leave the option out.")
    return found


def _integers(option: str, text: str | None) -> list[int] | None:
    parts = names(option, text)
    try:
        return None if parts is None else [int(part) for part in parts]
    except ValueError:
        raise ConfigError(
            f"--{option} {text} is not a list of whole numbers: write for example --{option} 16,32,64."
        ) from None

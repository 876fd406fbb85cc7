"""`bench tune`: the same search of training settings for every method, on a validation part of train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import options as o
from bench.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

Rates = Annotated[str | None, typer.Option("--lr", help="Learning rates to try. [default: 3e-4,1e-3,3e-3,1e-2]")]
Decays = Annotated[str | None, typer.Option("--weight-decay", help="Weight decays to try. [default: 0,1e-4]")]
Epochs = Annotated[str | None, typer.Option("--epochs", help="Epochs to try. [default: 30,60]")]
Trials = Annotated[
    int | None, typer.Option(help="How many of all combinations, drawn at random, the same for every method.")
]


def tune_command(
    grid: o.GridFile = None, methods: o.Methods = None, datasets: o.Datasets = None, bits: o.Bits = None,
    seeds: o.Seeds = None, lr: Rates = None, weight_decay: Decays = None, epochs: Epochs = None, trials: Trials = None,
    regime: o.Regime = None, backbone: o.Backbone = None, weights: o.Weights = None,
    from_scratch: o.FromScratch = None, data_root: o.DataRoot = None,
    device: o.Device = None, deterministic: o.Deterministic = None, compile_: o.Compile = None,
    executor: o.ExecutorName = None, workers: o.Workers = None, timeout: o.Timeout = None, out: o.Out = None,
    allow_missing: o.AllowMissing = None, tracking: o.Tracking = None, set_: o.Sets = None,
) -> None:  # fmt: skip
    """Run all trials, or what is missing of them, and write the best of each method to OUT/tuned.json."""
    spec = o.spec_of(
        grid, methods, datasets, bits, seeds, set_, regime=regime, backbone=backbone, weights=weights,
        from_scratch=from_scratch, data_root=data_root, device=device, deterministic=deterministic, compile=compile_,
        executor=executor, workers=workers, timeout=timeout, out=out, allow_missing=allow_missing, tracking=tracking,
    )  # fmt: skip
    from bench.cli.format import output_console
    from bench.cli.plan import summary
    from bench.cli.progress import watching
    from bench.studies.tuning import SearchSpace, plan_tuning, tune

    given = {"lr": _numbers(lr), "weight_decay": _numbers(weight_decay), "epochs": _numbers(epochs), "trials": trials}
    space = SearchSpace.build("tune", {name: value for name, value in given.items() if value is not None})
    console = output_console()
    plan = plan_tuning(spec, space)
    console.print(f"{len(space.draw())} trials for each method, on a validation part of train", highlight=False)
    console.print(summary(plan), highlight=False)
    with watching(plan, console) as observer:
        path, found = tune(spec, space, observer, plan)
    for key, chosen in found.items():
        console.print(_table(key, chosen))
    console.print(f"wrote {path}; use it with bench run --settings tuned", highlight=False)


def _numbers(text: str | None) -> list[float] | None:
    try:
        return None if text is None else [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(f"{text} is not a list of numbers: write for example 1e-3,1e-2.") from None


def _table(key: str, chosen: dict[str, Any]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=key.rpartition(" ")[0], title_justify="left")
    for column in ("method", "val. mAP", "lr", "decay", "epochs"):
        table.add_column(column, justify="left" if column == "method" else "right", no_wrap=True)
    for method, entry in chosen.items():
        train = entry["train"]
        table.add_row(
            escape(method),
            f"{entry['map']:.4f}",
            f"{train['lr']:g}",
            f"{train['weight_decay']:g}",
            str(train["epochs"]),
        )
    return table

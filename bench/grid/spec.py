"""What a user asks for: the grid, the same whether from a TOML file, the command line or Python."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator

from bench.config import Config, printable_path, setting
from bench.errors import ConfigError
from bench.grid.choice import parse_value
from bench.tomlfiles import parse_toml
from bench.training.regimes import Compile
from bench.user_config import data_place

_SHORT = ("workers", "threads", "timeout", "memory")  # of every executor: set without its name
Overwrite = Literal["only-missing", "failed", "always", "never"]


class GridSpec(Config):
    """Methods x datasets x bits x seeds under one regime and one set of hyper-parameters."""

    methods: tuple[str, ...] = setting(
        ("crh", "csq"), "methods or variants, also crh[margin=0.3], crh+csq-loss; a .py file adds one", min_length=1
    )
    datasets: tuple[str, ...] = setting(
        ("glyphs",), "name, name@split, ./folder of images, ./labels.csv or ./file.npz",
        source="needs no download", min_length=1,
    )  # fmt: skip
    bits: tuple[int, ...] = setting((16, 32, 64), "code lengths", source="all papers", min_length=1)
    seeds: tuple[int, ...] = setting((0,), "root seeds", min_length=1)
    regime: str | None = setting(
        None,
        "how the network is trained; none: quick for image sets of at most 64 px, else finetune; frozen for features",
    )
    settings: Literal["matched", "paper", "tuned"] = setting(
        "matched", "whose hyper-parameters: one set for all, each paper's own, or those bench tune has chosen"
    )
    tuned: Path | None = setting(None, "file that bench tune has written; none: tuned.json in the output folder")
    part: Literal["test", "validation"] = setting(
        "test", "what is queried: the test set, or a fifth of the training items while the test set is not looked at"
    )
    backbone: str | None = setting(None, "network; none: the regime's")
    weights: str | None = setting(None, "'imagenet', 'scratch' or a file; none: imagenet where there are any")
    data_root: Path | None = setting(None, "folder with the data; none: $BENCH_DATA, else data_root in the config file")
    allow_missing: bool = setting(False, "leave out images that are missing or unreadable; else they are an error")
    device: str = setting("auto", "auto, cpu, cuda, cuda:N")
    deterministic: bool = setting(
        False, "use kernels that give the same bits run after run on a GPU, where torch has such; slower"
    )
    compile: Compile = setting(
        "no", "pass image backbones through torch.compile: to fused kernels, or to CUDA graphs of them too",
        source="no: it is not yet measured on a GPU whether it pays; `bench profile` tells for a cell",
    )  # fmt: skip
    executor: str = setting("local", "where cells run")
    out: Path = setting(Path("results"), "output folder")
    overwrite: Overwrite = setting("only-missing", "which cells to run that are there already")
    tracking: tuple[str, ...] = setting((), "programs to follow the run with, for example tensorboard")
    set: dict[str, dict[str, Any]] = setting(
        {}, "settings of a method, a dataset or the trainer: owner -> field -> value"
    )

    @field_validator("bits", "seeds")
    @classmethod
    def _numbers(cls, values: tuple[int, ...], info: Any) -> tuple[int, ...]:
        least = 1 if info.field_name == "bits" else 0
        if values and min(values) < least:
            raise ValueError(f"{min(values)} is less than {least}")
        return tuple(dict.fromkeys(values))

    @field_validator("methods", "datasets", "tracking")
    @classmethod
    def _once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(values))

    @field_validator("data_root", "out", "tuned")
    @classmethod
    def _a_path(cls, path: Path | None) -> Path | None:
        return printable_path(path)

    @property
    def root(self) -> Path | None:
        """`data_root`, or what the environment or the user's config file says."""
        place = data_place(self.data_root)
        return None if place is None else place.path


def grid_spec(
    file: Path | None = None, options: dict[str, Any] | None = None, sets: list[str] | None = None
) -> GridSpec:
    """A spec from a TOML file, with options over it, with `owner.field=value` texts over both.

    `workers`, `threads`, `timeout` and `memory` are the executor's, whichever it is.

    Raises:
        ConfigError: an unknown key, a value that cannot be, a file that is not TOML.
    """
    values = {} if file is None else _read_toml(file)
    values |= {key: value for key, value in (options or {}).items() if value is not None}
    table = values.get("set", {})
    if not isinstance(table, dict) or not all(isinstance(v, dict) for v in table.values()):
        raise ConfigError("[set] holds a table for each owner: [set.crh] and below it margin = 0.3.")
    values["set"] = {owner: dict(fields) for owner, fields in table.items()}
    executor = str(values.get("executor", "local"))
    for name in _SHORT:
        if name in values:
            values["set"].setdefault(executor, {})[name] = values.pop(name)
    for text in sets or []:
        owner, field, value = parse_set(text)
        values["set"].setdefault(owner, {})[field] = value
    return GridSpec.build("grid", values)


def parse_set(text: str) -> tuple[str, str, Any]:
    """`crh.margin=0.3` -> ("crh", "margin", 0.3). The value is read as TOML, or as plain text where it is none."""
    left, equals, right = text.partition("=")
    owner, dot, field = left.strip().rpartition(".")
    if not (equals and dot and owner and field):
        raise ConfigError(f"--set {text} cannot be read: write owner.field=value, for example crh.margin=0.3.")
    return owner, field, parse_value(right)


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        values = parse_toml(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no grid file {file}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} is not a readable TOML file: {error}.") from None
    for key in ("data_root", "out"):  # relative to where the user is, as on the command line
        if key in values:
            values[key] = str(values[key])
    return values

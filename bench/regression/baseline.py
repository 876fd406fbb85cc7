"""The file of a baseline: the grid it was learned on, what every seed gave, and why it was learned each time.

It holds values, not bands: those follow from them (`bench.regression.bands`).
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from bench.config import Config
from bench.errors import ConfigError, StoreError
from bench.grid.spec import GridSpec
from bench.regression.quantities import PART, QUANTITIES
from bench.storage.cell import Cell
from bench.wholefiles import whole_file

SCHEMA: Literal[1] = 1
LEAST_SEEDS = 3  # two say next to nothing of a spread
_MOST_BYTES = 2**26  # a thousand cells take a few MiB
OWN = Path(str(files("bench.regression") / "baseline.json"))  # the one that comes with this package
# What of a spec a baseline keeps: all that decides results. Where and how cells run is chosen at each check.
KEPT = (
    "methods", "datasets", "bits", "regime", "settings", "tuned", "part", "backbone", "weights", "allow_missing", "set",
)  # fmt: skip


class Learned(Config):
    """One time that it was learned.

    Attributes:
        date: ISO, UTC.
        reason: why, in the words of who did it.
        seeds: how many.
        learned_with: versions of what rounds, commit, processor.
    """

    date: str
    reason: str = Field(min_length=1)
    seeds: int = Field(ge=LEAST_SEEDS)
    learned_with: dict[str, str | int | None]


class BaselineCell(Config):
    """What the seeds gave of one method, code length and dataset.

    Attributes:
        cell: all settings, with the first of the seeds.
        values: quantity -> a value for each seed; None where it was not defined.
        centers: digests of the first centers of the seeds that a check runs; empty where training has a part in them.
    """

    cell: Cell
    values: dict[str, tuple[float | None, ...]]
    centers: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Dataset, method and bits."""
        return f"{self.cell.dataset_at_split} {self.cell.method_label} {self.cell.bits} bits"


class Baseline(Config):
    """See the module.

    Attributes:
        grid: fields of `GridSpec`, as the user gave them: the names in `KEPT`.
        seeds: learned from.
        again: how many of them, from the first on, a check runs.
        false_alarms: share of checks of an unchanged program that are to fail.
        history: the last is the one in force.
        cells: in the order of the plan.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    version: Literal[1] = Field(alias="schema")
    grid: dict[str, Any]
    seeds: Annotated[tuple[int, ...], Field(min_length=LEAST_SEEDS)]
    again: int = Field(ge=1)
    false_alarms: float = Field(gt=0, lt=1)
    history: Annotated[tuple[Learned, ...], Field(min_length=1)]
    cells: Annotated[tuple[BaselineCell, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if unknown := sorted(set(self.grid) - set(KEPT)):
            raise ValueError(f"grid cannot have {unknown[0]}")
        if len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise ValueError("seeds are not numbers from 0 on, each once")
        if self.again > len(self.seeds):
            raise ValueError(f"again = {self.again} is more than its {len(self.seeds)} seeds")
        for each in self.cells:
            named = {name for name in each.values if not name.startswith(PART)}
            if odd := sorted(named ^ set(QUANTITIES)):
                raise ValueError(f"{each.title} has other quantities than this version knows ({odd[0]})")
            if {len(values) for values in each.values.values()} != {len(self.seeds)}:
                raise ValueError(f"{each.title} has not a value for each seed")
            if len(each.centers) not in (0, self.again):
                raise ValueError(f"{each.title} has not the centers of each seed")
        return self

    def spec(self, seeds: tuple[int, ...]) -> GridSpec:
        """The grid for some seeds."""
        return GridSpec.build("grid", {**self.grid, "seeds": seeds})

    def changed(self, over: GridSpec) -> GridSpec:
        """The grid with what a user has chosen over it."""
        own = self.spec(self.seeds)
        owners = {**own.set, **over.set}
        sets = {owner: {**own.set.get(owner, {}), **over.set.get(owner, {})} for owner in owners}
        return own.model_copy(update={**{name: getattr(over, name) for name in over.model_fields_set}, "set": sets})

    @property
    def checked(self) -> tuple[int, ...]:
        """The seeds that a check runs."""
        return self.seeds[: self.again]


def kept(spec: GridSpec) -> dict[str, Any]:
    """Of a spec what a baseline keeps, without what is as by default; the executor's settings are not kept."""
    values = spec.model_dump(mode="json", include=set(KEPT), exclude_defaults=True)
    sets = {owner: fields for owner, fields in spec.set.items() if owner != spec.executor}
    return {**values, "methods": list(spec.methods), "datasets": list(spec.datasets), "bits": list(spec.bits)} | (
        {"set": sets} if sets else {}
    )


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file.

    Raises:
        ConfigError: there is none, or it is not whole, or not one of this version.
    """
    again = "learn one with bench regress --update --reason TEXT"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"{path} is no baseline: it has {path.stat().st_size:,} bytes; {again}.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no baseline {path}: {again}, or name another with --baseline.") from None
    except OSError as error:
        raise ConfigError(f"the baseline {path} cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{path} is no baseline: it is no whole JSON; {again}.") from None
    try:
        return Baseline.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "all of it"
        reason = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{path} is no baseline of this version ({place[:80]}: {reason[:200]}): {again}.") from None


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Replace the file in one step.

    Raises:
        StoreError: it cannot be written.
    """
    content = baseline.model_dump(mode="json", by_alias=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_text(_text(content) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"the baseline {path} cannot be written ({error.strerror}): name another with --baseline."
        ) from None


def _text(value: Any, indent: str = "") -> str:
    """JSON with a line for each quantity: a change of a baseline is read in a diff."""
    if not isinstance(value, dict | list) or not any(isinstance(v, dict | list) for v in _inside(value)):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    deeper = indent + " "
    if isinstance(value, dict):
        lines = [f"{deeper}{json.dumps(k, ensure_ascii=False)}: {_text(v, deeper)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + _text(v, deeper) for v in value) + f"\n{indent}]"


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value

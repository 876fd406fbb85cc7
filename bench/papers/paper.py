"""Numbers that a paper prints, with the protocol behind them: what a file of `reports/papers` holds.

A file holds what is known and leaves out what is not. No number in it is derived from another.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from bench.config import Config
from bench.errors import ConfigError
from bench.training.regimes import TrainConfig

Texts = Annotated[tuple[str, ...], Field(strict=False)]  # strict itself would refuse TOML's arrays
Integers = Annotated[tuple[int, ...], Field(strict=False, min_length=1)]
Numbers = Annotated[tuple[float, ...], Field(strict=False)]
Count = Annotated[int, Field(ge=1)]
Divisor = Literal["hits", "all", "min"]
_ELSEWHERE = {"backbone", "weights"}
_ELSEWHERE_HINT = "write backbone and pretrained in [setup], or backbone in a method"
_ANY_SIZE = {"image_size": None, "store_size": None}  # their defaults could contradict the one that a file gives


class _Part(Config):
    model_config = ConfigDict(strict=True)


def _training_settings(values: dict[str, Any]) -> dict[str, Any]:
    """As `TrainConfig` would take them and as cells hold them."""
    for name in sorted(_ELSEWHERE & set(values)):
        raise ValueError(f"{name} is no key of train: {_ELSEWHERE_HINT}")
    try:
        built = TrainConfig.build("train", {**_ANY_SIZE, **values})
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return built.model_dump(mode="json", include=set(values))


class Setup(_Part):
    """What all numbers of a paper have in common; a field that is absent is not known.

    Attributes:
        checkpoint: which state of the network was measured.
        ties: how items at equal distance were ordered.
        train: training settings, by the names of `TrainConfig`.
    """

    backbone: str | None = None
    regime: Literal["quick", "finetune", "frozen"] | None = None
    pretrained: bool | None = None
    checkpoint: Literal["last", "best-test", "best-validation"] | None = None
    ties: Literal["unspecified", "expected", "stable"] | None = None
    train: dict[str, Any] = Field(default={})

    _settings = field_validator("train")(_training_settings)


class PaperMethod(_Part):
    """A row of the paper.

    Attributes:
        ours: methods (or variants) of this suite that stand beside it, by the names in its tables.
        ran_by: whether the method's own authors made the numbers.
        backbone: instead of the setup's.
        train: over the setup's.
        train_on: over `train`, for one of the paper's datasets.
        caution: why its mAP is no target; a reason against a comparison.
    """

    ours: Texts = ()
    ran_by: Literal["authors", "re-run"]
    backbone: str | None = None
    train: dict[str, Any] = Field(default={})
    train_on: dict[str, dict[str, Any]] = Field(default={})
    caution: str | None = None

    _settings = field_validator("train")(_training_settings)

    @field_validator("train_on")
    @classmethod
    def _settings_on(cls, values: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {dataset: _training_settings(settings) for dataset, settings in values.items()}


class PaperDataset(_Part):
    """A dataset as the paper splits it.

    Attributes:
        dataset: its name in this suite, or that of a folder of the user's.
        splits: names of this suite's splits that stand for the paper's, none where it is not known.
        problem: what is wrong with the split as printed; a reason against a comparison.
        notes: what a reader of the numbers must know.
    """

    dataset: str
    splits: Texts = ()
    classes: Annotated[int, Field(ge=2)]
    train: Count | None = None
    query: Count | None = None
    database: Count | None = None
    problem: str | None = None
    notes: Texts = ()


class PaperTable(_Part):
    """Numbers of one metric.

    Attributes:
        where: which table of the source.
        cutoff: k of mAP@k or "all"; absent where it is not known.
        divisor: of mAP@k: hits within k, all relevant items, or the lesser of k and these; absent where not known.
        decimals: printed.
        values: dataset -> method -> a number for each of `bits`.
    """

    where: str
    metric: Literal["map", "d_min", "similarity_error"]
    cutoff: Count | Literal["all"] | None = None
    divisor: Divisor | None = None
    bits: Integers
    decimals: Annotated[int, Field(ge=0, le=9)]
    values: dict[str, dict[str, Numbers]]

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        if list(self.bits) != sorted(set(self.bits)) or self.bits[0] < 1:
            raise ValueError(f"bits {list(self.bits)} are not positive and rising")
        if self.metric != "map" and (self.cutoff, self.divisor) != (None, None):
            raise ValueError(f"{self.metric} has no cutoff and no divisor")
        if self.cutoff in (None, "all") and self.divisor is not None:
            raise ValueError("a divisor goes with a cutoff that is a number")
        for dataset, rows in self.values.items():
            for method, numbers in rows.items():
                self._check_row(f"{method} on {dataset}", numbers)
        return self

    def _check_row(self, row: str, numbers: tuple[float, ...]) -> None:
        if len(numbers) != len(self.bits):
            raise ValueError(f"{row} has {len(numbers)} numbers for {len(self.bits)} code lengths")
        for bits, number in zip(self.bits, numbers, strict=True):
            most = {"map": 1, "d_min": bits, "similarity_error": 4}[self.metric]  # (1 - -1)^2
            if not 0 <= number <= most:
                raise ValueError(f"{row}, {bits} bits: {number:g} is not between 0 and {most}")
            if round(number, self.decimals) != number:
                raise ValueError(f"{row}, {bits} bits: {number!r} has more than {self.decimals} decimals")

    @property
    def name(self) -> str:
        """Of the metric: `mAP`, `mAP@1000`, `least distance`."""
        if self.metric != "map":
            return {"d_min": "least distance", "similarity_error": "similarity error"}[self.metric]
        return {"all": "mAP", None: "mAP, cutoff unknown"}.get(self.cutoff, f"mAP@{self.cutoff}")  # type: ignore[arg-type]


class Number(NamedTuple):
    """One number of a paper with its place."""

    table: PaperTable
    dataset: str
    method: str
    bits: int
    value: float


class Paper(_Part):
    """A source of numbers.

    Attributes:
        name: what `bench compare --paper` knows it by.
        source: where the numbers are printed.
        notes: inconsistencies and whatever else concerns all numbers.
        claims: what the source says without absolute numbers that could stand in a table.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: str
    authors: str
    venue: str
    year: int | None = None
    arxiv: str | None = None
    source: str
    notes: Texts = ()
    claims: Texts = ()
    setup: Setup = Setup()
    methods: dict[str, PaperMethod] = Field(default={})
    datasets: dict[str, PaperDataset] = Field(default={})
    tables: Annotated[tuple[PaperTable, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        in_rows = [name for method in self.methods.values() for name in method.train_on]
        for name in [*in_rows, *(dataset for table in self.tables for dataset in table.values)]:
            _look_up("dataset", name, self.datasets)
        for name in (method for table in self.tables for rows in table.values.values() for method in rows):
            _look_up("method", name, self.methods)
        places = Counter((n.table.name, n.table.divisor, n.dataset, n.method, n.bits) for n in self.numbers)
        for (metric, _, dataset, method, bits), times in places.items():
            if times > 1:
                raise ValueError(f"{metric} of {method} on {dataset} at {bits} bits is there {times} times")
        if not self.numbers and not self.claims:
            raise ValueError("it has neither numbers nor claims")
        return self

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """Every number of every table, in the file's order."""
        return tuple(self._numbers())

    def _numbers(self) -> Iterator[Number]:
        for table in self.tables:
            for dataset, rows in table.values.items():
                for method, values in rows.items():
                    for bits, value in zip(table.bits, values, strict=True):
                        yield Number(table, dataset, method, bits, value)

    @property
    def reference(self) -> str:
        """`Chen, Liu: Deep Hashing with ..., ACM TOIS 2025, arXiv 2507.08404`."""
        where = self.venue if self.year is None else f"{self.venue} {self.year}"
        arxiv = "" if self.arxiv is None else f", arXiv {self.arxiv}"
        return f"{self.authors}: {self.title}, {where}{arxiv}"

    def training(self, method: str, dataset: str) -> dict[str, Any]:
        """What is known of the training settings behind a row."""
        own = self.methods[method]
        return {**self.setup.train, **own.train, **own.train_on.get(dataset, {})}


PARTS: tuple[type[Config], ...] = (Paper, Setup, PaperMethod, PaperDataset, PaperTable)


def _look_up(kind: str, name: str, known: Mapping[str, Any]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"add [{kind}s.{name}]"
        raise ValueError(f"there is no {kind} '{name}': {hint}")

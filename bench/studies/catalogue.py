"""Studies by name: each expands to the grid that answers its question.

Source of the values: CRH's Tables 2 and 3 and its parameter study, whose grids are not published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.errors import ConfigError, UnknownNameError
from bench.grid.choice import Sets, method_choice
from bench.plugins.registry import registry

if TYPE_CHECKING:
    from bench.grid.plan import Plan, Planned
    from bench.grid.spec import GridSpec

ABLATION = ("crh-u", "crh-m", "crh")
ROBUSTNESS = ("crh-seed", "crh-init", "crh-init-h")
CONTROLS = (
    "random-centers", "algebraic-centers", "assigned-random", "assigned-hierarchy", "assigned-backbone",
    "assigned-clip", "assigned-classifier", "classifier-codes",
)  # fmt: skip
SCHEDULE = ("reassignment", "warmup_epochs", "period")  # CRH's settings of when centers are reassigned

_CODEBOOK_FACTORS = (1, 2, 4, 8)  # M / C
_DEFAULT_FACTOR = 2
_PERIODS = (20, 10, 5, 2, 1)
_FIVE = ("crh", "csq", "orthohash", "mds", "shc")


class Given(NamedTuple):
    """What a study is expanded for.

    Attributes:
        methods: those asked for.
        has_tree: whether the dataset has a class tree.
        sets: settings of the whole grid.
    """

    methods: tuple[str, ...]
    classes: int
    bits: int
    multi_label: bool
    has_tree: bool
    sets: Sets


@dataclass(frozen=True)
class Study:
    """A question and the methods that answer it.

    Attributes:
        expand: names of methods with settings.
        seeds: where none are given.
        varies: CRH's settings that it gives itself.
        effect: (settings of a method, epochs) -> what they come to, where different settings can come to the same.
    """

    summary: str
    expand: Callable[[Given], list[str]]
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    varies: tuple[str, ...] = ()
    effect: Callable[[Mapping[str, Any], int], Any] | None = None


def reassigned_after(config: Mapping[str, Any], epochs: int) -> tuple[int, ...] | None:
    """The zero-based epochs after which CRH, so set, reassigns centers; None for settings of another method."""
    if not all(name in config for name in SCHEDULE):
        return None
    if config["reassignment"] == "never":
        return ()
    return tuple(e for e in range(epochs) if e < config["warmup_epochs"] or (e + 1) % config["period"] == 0)


def _factorial(given: Given) -> list[str]:
    asked = given.methods or _FIVE
    return [a if a == b else f"{a}+{b}-loss" for a in asked for b in asked]


def _codebook_size(given: Given) -> list[str]:
    texts = [
        "crh" if factor == _DEFAULT_FACTOR else f"crh[codebook_size={factor * given.classes}]"
        for factor in _CODEBOOK_FACTORS
    ]
    return [*_fitting(texts, given), *given.methods]


def _head_dim(given: Given) -> list[str]:
    heads = [h for h in range(1, given.bits + 1) if given.bits % h == 0]
    found = _fitting([f"crh[heads={h}]" for h in heads], given)
    return ["crh", *reversed(found[:-1]), *given.methods]  # most heads that fit are the method's own rule


def _update_frequency(given: Given) -> list[str]:
    periods = [f"crh[warmup_epochs=0,period={p}]" for p in _PERIODS]
    return ["crh", "crh[reassignment=never]", *periods, *given.methods]


def _controls(given: Given) -> list[str]:
    left_out = {"assigned-clip"} if given.has_tree else {"assigned-clip", "assigned-hierarchy"}
    return [*(name for name in CONTROLS if name not in left_out), "crh", *given.methods]


def _listed(*names: str) -> Callable[[Given], list[str]]:
    return lambda given: [*names, *given.methods]


STUDIES = {
    "factorial": Study("any method's centers with any method's loss: what centers do, and what losses do", _factorial,
                       seeds=(0, 1, 2)),
    "ablation": Study("CRH without reassignment, with one head, with all", _listed(*ABLATION)),
    "robustness": Study("CRH under other class orders, other codebooks, Hungarian reassignment", _listed(*ROBUSTNESS)),
    "codebook-size": Study("CRH with M = C, 2C, 4C, 8C candidates", _codebook_size, varies=("codebook_size",)),
    "head-dim": Study("CRH with all bits per head that hold its codebook", _head_dim, varies=("heads",)),
    "update-frequency": Study("CRH reassigned never, or every 20, 10, 5, 2, 1 epochs", _update_frequency,
                              varies=SCHEDULE, effect=reassigned_after),
    "controls": Study(
        "geometry or semantics: random and algebraic centers, CRH's codebook under other assignments", _controls
    ),
}  # fmt: skip


def study_named(name: str) -> Study:
    """A study.

    Raises:
        UnknownNameError: there is none of that name; with the nearest.
    """
    if name not in STUDIES:
        raise UnknownNameError("study", name, STUDIES)
    return STUDIES[name]


def plan_study(name: str, spec: GridSpec, methods: Sequence[str] = ()) -> Plan:
    """The cells of a study, on each of the spec's datasets and code lengths.

    Settings that do what others do already are left out, with a note.

    Args:
        methods: of the factorial, those to cross (none: the five of the papers); of others, methods to run beside.

    Raises:
        UnknownNameError: no such study.
        ConfigError: nothing in it fits a code length, it leaves nothing to compare, or the spec sets what it varies.
    """
    from bench.grid.plan import Plan, make_plan, open_source

    study = study_named(name)
    _refuse_varied(name, study, spec.set)
    cells: list[Planned] = []
    notes: list[str] = []
    for dataset in spec.datasets:
        opened = open_source(dataset, spec).dataset
        groups: dict[tuple[str, ...], list[int]] = {}  # code lengths that share a grid are planned at once
        for bits in spec.bits:
            given = Given(
                tuple(methods), opened.num_classes, bits, opened.multi_label, opened.hierarchy is not None, spec.set
            )  # fmt: skip
            groups.setdefault(_texts(name, study, given), []).append(bits)
        _refuse_alone(name, list(groups), opened.num_classes)
        for texts, lengths in groups.items():
            update = {"methods": texts, "datasets": (dataset,), "bits": tuple(lengths)}
            plan = make_plan(spec.model_copy(update=update))
            kept, left_out = _distinct(plan.cells, study)
            cells += kept
            notes += [*plan.notes, *left_out]
    return Plan(spec, cells, tuple(dict.fromkeys(notes)))


def _texts(name: str, study: Study, given: Given) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(study.expand(given)))
    except _NothingFitsError as error:
        raise ConfigError(
            f"the study {name} has nothing that fits {given.bits} bits and {given.classes} classes: {error}"
        ) from None


class _NothingFitsError(Exception):
    """Why the most modest of several settings cannot be."""


def _fitting(texts: Sequence[str], given: Given) -> list[str]:
    """Those that their method does not refuse; the most modest first, whose reason is told where none is left."""
    from bench.plugins.method import Method, Task

    task = Task(given.classes, given.bits, 0, given.multi_label)
    found, reasons = [], []
    for text in texts:
        choice = method_choice(text)
        cls: type[Method] = registry("method").load(choice.name)
        config = cls.resolve(choice.name, choice.changed(given.sets))
        try:
            cls.check(config, task)
            found.append(text)
        except ConfigError as error:
            reasons.append(str(error))
    if not found:
        raise _NothingFitsError(reasons[0])
    return found


def _distinct(cells: list[Planned], study: Study) -> tuple[list[Planned], list[str]]:
    """Cells that do what none before them does, and a sentence for each method left out."""
    if study.effect is None:
        return cells, []
    first: dict[tuple[Any, ...], str] = {}
    kept, notes = [], []
    for planned in cells:
        cell, epochs = planned.job.cell, planned.job.cell.train["epochs"]
        others = sorted((k, repr(v)) for k, v in cell.method_config.items() if k not in study.varies)
        key = cell.method, cell.bits, cell.seed, tuple(others), study.effect(cell.method_config, epochs)
        label = first.setdefault(key, cell.method_label)
        if label == cell.method_label:
            kept.append(planned)
        else:
            notes.append(f"{cell.method_label} does in {epochs} epochs what {label} does, and is left out.")
    return kept, notes


def _refuse_varied(name: str, study: Study, sets: Sets) -> None:
    for field in study.varies:
        if field in sets.get("crh", {}):
            raise ConfigError(f"the study {name} gives crh.{field} its values itself: leave --set crh.{field} out.")


def _refuse_alone(name: str, groups: list[tuple[str, ...]], classes: int) -> None:
    if all(len(texts) < 2 for texts in groups):
        raise ConfigError(
            f"the study {name} has nothing to compare: with {classes} classes and these code lengths it is "
            f"{groups[0][0]} alone; add a code length or --methods."
        )

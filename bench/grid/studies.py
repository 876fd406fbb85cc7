"""Studies by name: each expands to the grid that answers its question.

Source of the values: CRH's Tables 2 and 3 and its parameter study, whose grids are not published.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.errors import ConfigError, UnknownNameError
from bench.grid.plan import Plan, make_plan, open_source
from bench.grid.spec import GridSpec

_CODEBOOK_FACTORS = (1, 2, 4, 8)  # M / C
_PERIODS = (20, 10, 5, 2, 1)
_FIVE = ("crh", "csq", "orthohash", "mds", "shc")


@dataclass(frozen=True)
class Study:
    """A question and the methods that answer it.

    Attributes:
        expand: (methods asked for, C, K) -> names of methods with settings.
        seeds: where none are given.
    """

    summary: str
    expand: Callable[[Sequence[str], int, int], list[str]]
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)


def _factorial(methods: Sequence[str], classes: int, bits: int) -> list[str]:
    asked = methods or _FIVE
    return [a if a == b else f"{a}+{b}-loss" for a in asked for b in asked]


def _codebook_size(methods: Sequence[str], classes: int, bits: int) -> list[str]:
    sizes = [factor * classes for factor in _CODEBOOK_FACTORS]
    return [f"crh[codebook_size={size}]" for size in sizes if size <= 2**bits]


def _head_dim(methods: Sequence[str], classes: int, bits: int) -> list[str]:
    dims = [d for d in range(1, bits + 1) if bits % d == 0 and 2**d >= 2 * classes]
    return [f"crh[heads={bits // d}]" for d in dims]


def _update_frequency(methods: Sequence[str], classes: int, bits: int) -> list[str]:
    return ["crh", "crh[reassignment=never]", *(f"crh[warmup_epochs=0,period={p}]" for p in _PERIODS)]


def _listed(*names: str) -> Callable[[Sequence[str], int, int], list[str]]:
    return lambda methods, classes, bits: [*names, *methods]


STUDIES = {
    "factorial": Study("any method's centers with any method's loss: what centers do, and what losses do", _factorial,
                       seeds=(0, 1, 2)),
    "ablation": Study("CRH without reassignment, with one head, with all", _listed("crh-u", "crh-m", "crh")),
    "robustness": Study("CRH under other class orders, other codebooks, Hungarian reassignment",
                        _listed("crh-seed", "crh-init", "crh-init-h")),
    "codebook-size": Study("CRH with M = C, 2C, 4C, 8C candidates", _codebook_size),
    "head-dim": Study("CRH with all bits per head that hold its codebook", _head_dim),
    "update-frequency": Study("CRH reassigned never, or every 20, 10, 5, 2, 1 epochs", _update_frequency),
    "controls": Study(
        "geometry or semantics: random and algebraic centers, CRH's codebook under other assignments",
        _listed("random-centers", "algebraic-centers", "assigned-random", "assigned-backbone", "assigned-classifier",
                "crh", "classifier-codes"),
    ),
}  # fmt: skip


def plan_study(name: str, spec: GridSpec, methods: Sequence[str] = ()) -> Plan:
    """The cells of a study, on each of the spec's datasets and code lengths.

    Args:
        methods: of the factorial, those to cross (none: the five of the papers); of others, methods to run beside.

    Raises:
        UnknownNameError: no such study.
        ConfigError: nothing in it fits the code length.
    """
    if name not in STUDIES:
        raise UnknownNameError("study", name, STUDIES)
    cells = []
    for dataset in spec.datasets:
        classes = open_source(dataset, spec).dataset.num_classes
        for bits in spec.bits:
            texts = STUDIES[name].expand(methods, classes, bits)
            if not texts:
                raise ConfigError(f"the study {name} has nothing that fits {bits} bits and {classes} classes.")
            one = spec.model_copy(update={"methods": tuple(texts), "datasets": (dataset,), "bits": (bits,)})
            cells += make_plan(one).cells
    return Plan(spec, cells)

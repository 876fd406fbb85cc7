"""Checks of `bench.conformance`: centers, loss, gradient, codes, other sizes."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.conformance.expectations import (
    Unmet,
    agree,
    backward,
    binary,
    code_rows,
    expect,
    falls,
    kind,
    scalar,
    shared,
    shown,
)
from bench.conformance.probes import (
    BITS,
    CLASSES,
    Subject,
    batch,
    descend,
    first_loss,
    random_codes,
    update_epochs,
)
from bench.errors import ConfigError
from bench.plugins.combined import Combined
from bench.training.regimes import train_config

OTHER_BITS, OTHER_CLASSES = (8, 13, 48, 100, 256), (2, 3, 300)
_OWN = 0.95  # share of codes that must end nearest to their own center


class Skipped(Exception):
    """Why there is nothing to check."""


@dataclass(frozen=True)
class Check:
    """A check: its function returns a remark or nothing, and raises what it finds wrong.

    Attributes:
        summary: what must hold.
        may_refuse: whether the method may answer with a ConfigError.
        may_skip: whether it is given up when it takes too long: a search of centers can take minutes at some sizes.
    """

    summary: str
    run: Callable[[Subject], str | None]
    may_refuse: bool = False
    may_skip: bool = False


CHECKS: dict[str, Check] = {}


def checks(
    name: str, summary: str, may_refuse: bool = False, may_skip: bool = False
) -> Callable[..., Callable[[Subject], str | None]]:
    """Register a function as the check `name`; the rest is as in `Check`."""

    def register(function: Callable[[Subject], str | None]) -> Callable[[Subject], str | None]:
        CHECKS[name] = Check(summary, function, may_refuse, may_skip)
        return function

    return register


@checks("info", "INFO has a summary, a citation and a licence")
def _info(subject: Subject) -> None:
    missing = [field for field in ("summary", "citation", "licence") if not getattr(subject.info, field)]
    expect(not missing, f"expected INFO to have summary, citation and licence; it has no {', '.join(missing)}")


@checks("settings", "every setting has its help and its source, and survives JSON")
def _settings(subject: Subject) -> None:
    for field, _, text, source in subject.cls.Config.describe():
        for what, given in (("help text", text), ("source of its default", source)):
            expect(bool(given), f"expected setting {field} to have a {what}; it has none: use bench.config.setting")
    again = subject.cls.Config.build(subject.name, json.loads(subject.config.model_dump_json()))
    expect(again == subject.config, f"expected the settings back from JSON; found {again!r}")


@checks("centers", "centers are (C, K) float32 of -1 and +1; facts are JSON")
def _centers(subject: Subject) -> str | None:
    method = subject.build()
    binary(method, "the first centers")
    json.dumps(method.facts, allow_nan=False)
    return shared(method)


@checks("seed", "one seed gives one set of centers and one loss")
def _seed(subject: Subject) -> str | None:
    first, again = subject.build(), subject.build()
    other = subject.build(subject.task(seed=1))
    expect(torch.equal(first.centers, again.centers), "expected equal centers from one seed; found different ones")
    losses = [first_loss(method, *batch(method)) for method in (first, again)]
    expect(
        torch.equal(*losses),
        f"expected equal losses from one seed; found {shown(losses[0])} and {shown(losses[1])}: draw from "
        "bench.randomness.stream(task.seed, ...)",
    )
    if not torch.equal(first.centers, other.centers):
        return None
    draw = "" if first.training_seed == other.training_seed else "; training does"
    return f"centers do not depend on the seed{draw}"


@checks("loss", "the loss is a finite scalar, its logged parts are detached scalars")
def _loss(subject: Subject) -> None:
    method = subject.build()
    outputs, targets = batch(method)
    loss = first_loss(method, outputs.requires_grad_(), targets)
    scalar(loss)
    for name, value in method.log.items():
        fits = isinstance(value, Tensor) and value.ndim == 0 and not value.requires_grad
        expect(fits, f"expected log[{name!r}] to be a detached scalar tensor; found {kind(value)}")


@checks("gradient", "the gradient of the loss is finite and not zero")
def _gradient(subject: Subject) -> None:
    method = subject.build()
    outputs, targets = batch(method)
    backward(first_loss(method, outputs.requires_grad_(), targets), outputs)


@checks("float64", "float32 and float64 outputs give the same loss, where float64 is taken")
def _float64(subject: Subject) -> str | None:
    single, double = subject.build(), subject.build().double()
    outputs, targets = batch(single)
    try:
        wide = first_loss(double, outputs.double(), targets)
    except (RuntimeError, TypeError):
        return "float64 is not accepted"
    agree(first_loss(single, outputs, targets), wide, "in float32 and float64")
    return None


@checks("descent", "the loss falls under gradient descent")
def _descent(subject: Subject) -> None:
    falls(subject.build())


@checks("own-center", "under gradient descent codes end nearest to the center of their own class")
def _own_center(subject: Subject) -> None:
    method = subject.build()
    outputs, _ = descend(method, 200)
    targets = batch(method)[1]
    nearest = (method.codes(outputs).float() @ method.centers.T).argmax(dim=1)
    share = float((nearest == targets).float().mean())
    expect(share > _OWN, f"expected more than {_OWN:.0%} of codes at their own center; found {share:.0%}")


@checks("codes", "codes are (n, K) int8 of -1 and +1, also of outputs that are 0")
def _codes(subject: Subject) -> None:
    method = subject.build()
    code_rows(method, torch.cat([batch(method)[0], torch.zeros(1, method.outputs)]))


@checks("multi-label", "items of several classes are trained and coded, or refused", may_refuse=True)
def _multi_label(subject: Subject) -> None:
    method = subject.build(subject.task(multi_label=True))
    binary(method, "the first centers")
    outputs, targets = batch(method)
    loss = first_loss(method, outputs.requires_grad_(), targets)
    scalar(loss)
    backward(loss, outputs)
    falls(method)
    code_rows(method, outputs.detach())


@checks("given-centers", "centers that are given are used, and wrong ones refused")
def _given_centers(subject: Subject) -> None:
    method = subject.build()
    outputs, targets = batch(method)
    before = first_loss(method, outputs, targets), method.codes(outputs)
    given = random_codes(CLASSES, BITS).float()
    method.centers = given
    expect(torch.equal(method.centers, given), "expected the given centers in force; found others")
    after = first_loss(method, outputs, targets), method.codes(outputs)
    changed = not torch.equal(before[0], after[0]) or not torch.equal(before[1], after[1])
    expect(changed, "expected other centers to change the loss or the codes; found both as before: use self.centers")
    for wrong, what in ((given[:, 1:], "of another shape"), (given * 0, "of zeros")):
        try:
            method.centers = wrong
        except ConfigError:
            continue
        raise Unmet(f"expected centers {what} to be refused with a ConfigError; they were taken")


@checks("as-loss", "it can be the loss of a combination: built on another's centers, make_centers never called")
def _as_loss(subject: Subject) -> None:
    if issubclass(subject.cls, Combined):
        raise Skipped("a combination is not combined again")
    given = random_codes(CLASSES, BITS).float()
    method = subject.build(centers=given)
    expect(torch.equal(method.centers, given), "expected the given centers in force; found others")
    scalar(first_loss(method, *batch(method)))
    code_rows(method, batch(method)[0])


@checks("paper-training", "the paper's training settings are settings of the trainer")
def _paper_training(subject: Subject) -> str | None:
    for multi_label in (False, True):
        train_config("finetune", subject.cls.paper_training(multi_label), {})
    return None if subject.cls.paper_training(False) else "none given"


def _size(subject: Subject, classes: int, bits: int) -> str | None:
    method = subject.build(subject.task(classes, bits))
    binary(method, "the first centers")
    outputs, targets = batch(method)
    loss = first_loss(method, outputs.requires_grad_(), targets)
    scalar(loss)
    backward(loss, outputs)
    code_rows(method, outputs.detach())
    for epoch in update_epochs(method, 1):
        method.after_epoch(epoch, random_codes(len(targets), bits), targets)
        binary(method, f"centers after epoch {epoch + 1}")
    return shared(method)


for _bits in OTHER_BITS:
    checks(f"bits-{_bits}", f"{_bits} bits for {CLASSES} classes, or a refusal", may_refuse=True, may_skip=True)(
        functools.partial(_size, classes=CLASSES, bits=_bits)
    )
for _classes in OTHER_CLASSES:
    checks(f"classes-{_classes}", f"{_classes} classes at {BITS} bits, or a refusal", may_refuse=True, may_skip=True)(
        functools.partial(_size, classes=_classes, bits=BITS)
    )

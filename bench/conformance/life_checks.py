"""Checks of `bench.conformance`: the life of a method, from one epoch to the next, to disk and to another device."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from bench.conformance.checks import Skipped, checks
from bench.conformance.expectations import Unmet, agree, backward, binary, expect, scalar, shown
from bench.conformance.probes import (
    BITS,
    Ended,
    OneEpoch,
    Refusal,
    Subject,
    batch,
    begin,
    eventful_epochs,
    first_loss,
    random_codes,
    tiny_training,
    update_epochs,
)
from bench.errors import BenchWarning
from bench.plugins.method import Method
from bench.training.bundles import losses_together
from bench.training.checkpoint import Checkpoint
from bench.training.nested import load_nested, save_nested


@checks("after-epoch", "after_epoch keeps centers (C, K) of -1 and +1, the same for the same codes")
def _after_epoch(subject: Subject) -> str | None:
    read = 0
    for multi_label in (False, True):
        try:
            pair = [subject.build(subject.task(multi_label=multi_label)) for _ in range(2)]
        except Refusal:
            if not multi_label:
                raise
            continue  # said by the check multi-label
        targets = batch(pair[0])[1]
        for method in pair:
            method.before_training(targets)
        for epoch in update_epochs(pair[0]):
            for method in pair:
                method.after_epoch(epoch, random_codes(len(targets), BITS, epoch), targets)
                binary(method, f"centers after epoch {epoch + 1}")
            equal = torch.equal(pair[0].centers, pair[1].centers)
            expect(equal, "expected equal centers after the same codes; found different ones")
            read += 1
    return None if read else "reads no codes: its centers stay"


@checks("state", "its state goes through safetensors and gives the same loss again")
def _state(subject: Subject) -> None:
    method, restored = subject.build(), subject.build()
    method.centers = -method.centers
    with TemporaryDirectory() as folder:
        save_nested(Path(folder, "state"), method.state_dict())
        restored.load_state_dict(load_nested(Path(folder, "state")))
    expect(torch.equal(method.centers, restored.centers), "expected the centers in the state; found the first ones")
    losses = [first_loss(m, *batch(m)) for m in (method, restored)]
    expect(
        torch.equal(*losses),
        f"expected the same loss after loading; found {shown(losses[0])} and {shown(losses[1])}",
    )


@checks("momentum", "the hooks of a slow copy work over several epochs")
def _momentum(subject: Subject) -> str | None:
    pair = [subject.build() for _ in range(2)]
    share = pair[0].momentum
    if share is None:
        raise Skipped("it wants no slow copy of the network")
    expect(0 <= share < 1, f"expected a momentum in [0, 1); found {share}")
    start = next((epoch for epoch in range(1000) if pair[0].reads_slow_outputs(epoch)), None)
    if start is None:
        raise Unmet("expected reads_slow_outputs to be true for some epoch, since momentum is set; found none")
    found = [_losses_over(method, (0, 1, start, start + 1, start + 2)) for method in pair]
    expect(found[0] == found[1], "expected equal losses from one seed; found different ones")
    return f"slow outputs are read from epoch {start + 1} on"


@checks("training", "two epochs of the trainer end with finite losses and codes, twice alike")
def _training(subject: Subject) -> None:
    _train_twice(subject, multi_label=False)


@checks("training-multi-label", "the same with several classes per item, or a refusal", may_refuse=True)
def _training_multi_label(subject: Subject) -> None:
    _train_twice(subject, multi_label=True)


@checks("resume", "a training that is ended after every epoch, and goes on, ends in the same bits")
def _resume(subject: Subject) -> None:
    epochs = eventful_epochs(subject.build())
    trained, encoded = tiny_training(subject.build(), epochs)
    with TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BenchWarning)
        for _ in range(epochs):
            try:
                again, codes = tiny_training(subject.build(), epochs, Checkpoint(Path(folder), every=0), OneEpoch())
            except Ended:
                continue
            break
        else:
            said = next((str(w.message) for w in caught if "checkpoint" in str(w.message)), "no warning")
            raise Unmet(f"expected its state to be saved and taken back; found training start again: {said}")
    same = again.history == trained.history and (codes.relaxed == encoded.relaxed).all()
    same = same and (again.centers_final == trained.centers_final).all() and (codes.codes == encoded.codes).all()
    expect(
        bool(same),
        f"expected a training that is ended after each of {epochs} epochs and goes on to end in the same bits; found "
        "others: what changes in training must be in the state dict (see bench.plugins.method.Method)",
    )


@checks("vmap", "losses of several seeds computed by one call are those of each, where the method allows it")
def _vmap(subject: Subject) -> None:
    methods = [subject.build(subject.task(seed=seed)) for seed in range(3)]
    if not methods[0].loss_vmaps:
        raise Skipped("it does not allow it")
    outputs, targets = batch(methods[0])
    several = torch.stack([outputs.roll(number, dims=1) for number in range(3)]).requires_grad_()
    for method, own in zip(methods, several, strict=True):
        next(begin(method, own, targets))
    losses, logged = losses_together(methods)(several, targets.expand(3, *targets.shape))
    (found,) = torch.autograd.grad(losses.sum(), several)
    for number, method in enumerate(methods):
        own = several[number].detach().requires_grad_()
        alone = method.loss(own, targets)
        agree(losses[number], alone, "by torch.func.vmap and alone")
        for name, value in method.log.items():
            agree(logged[name][number], value, f"log[{name!r}] by torch.func.vmap and alone")
        (gradient,) = torch.autograd.grad(alone, own)
        expect(torch.allclose(found[number], gradient, atol=1e-6), "expected the same gradient by torch.func.vmap")


@checks("cuda", "loss and centers are the same on a GPU")
def _cuda(subject: Subject) -> None:  # pragma: no cover - needs a GPU
    if not torch.cuda.is_available():
        raise Skipped("no CUDA device")
    for multi_label in (False, True):
        try:
            cpu, gpu = (subject.build(subject.task(multi_label=multi_label)) for _ in range(2))
        except Refusal:
            if not multi_label:
                raise
            continue
        gpu = gpu.cuda()
        outputs, targets = batch(cpu)
        loss = first_loss(gpu, outputs.cuda(), targets.cuda())
        agree(first_loss(cpu, outputs, targets), loss.cpu(), "on the CPU and on CUDA")
        expect(torch.equal(cpu.codes(outputs), gpu.codes(outputs.cuda()).cpu()), "expected equal codes on CUDA")
        for epoch in update_epochs(cpu, 1):
            codes = random_codes(len(targets), BITS)
            cpu.after_epoch(epoch, codes, targets)
            gpu.after_epoch(epoch, codes.cuda(), targets.cuda())
        expect(torch.equal(cpu.centers, gpu.centers.cpu()), "expected equal centers on CUDA; found different ones")


def _losses_over(method: Method, epochs: tuple[int, ...]) -> list[float]:
    outputs, targets = batch(method)
    outputs.requires_grad_()
    losses = []
    for _ in begin(method, outputs, targets, epochs):
        loss = method.loss(outputs, targets)
        scalar(loss)
        backward(loss, outputs)
        losses.append(loss.item())
    return losses


def _train_twice(subject: Subject, multi_label: bool) -> None:
    runs = [tiny_training(subject.build(subject.task(multi_label=multi_label))) for _ in range(2)]
    trained, encoded = runs[0]
    for name, value in ((name, value) for epoch in trained.history for name, value in epoch.items()):
        expect(math.isfinite(value), f"expected a finite {name} in the history; found {value}")
    for what, array in (("centers", trained.centers_final), ("codes", encoded.codes)):
        expect(bool((abs(array) == 1).all()), f"expected {what} of -1 and +1 after training; found others")
    same = trained.history == runs[1][0].history and (encoded.codes == runs[1][1].codes).all()
    expect(bool(same), "expected two trainings from one seed to be equal; found different losses or codes")

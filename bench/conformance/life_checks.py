"""Checks of `bench.conformance`: the life of a method, from one epoch to the next, to disk and to another device."""

from __future__ import annotations

import math

import torch

from bench.conformance.checks import Skipped, checks
from bench.conformance.expectations import Unmet, agree, backward, binary, expect, scalar, shown
from bench.conformance.probes import (
    BITS,
    Refusal,
    Subject,
    batch,
    begin,
    first_loss,
    random_codes,
    tiny_training,
    update_epochs,
)
from bench.plugins.method import Method


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
    from safetensors.torch import load, save

    method, restored = subject.build(), subject.build()
    method.centers = -method.centers
    written = save({name: value.clone() for name, value in method.state_dict().items()})
    restored.load_state_dict(load(written))
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


@checks("cuda", "loss and centers are the same on a GPU")
def _cuda(subject: Subject) -> None:
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

"""Losses of trainings that go on together, and their gradients.

Most of the time of many small losses goes to the calls of their operations, not to the numbers. Losses that differ only
by seed are therefore computed as one, by `torch.func.vmap`, where the method allows it (`Method.loss_vmaps`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.func import vmap

from bench.plugins.method import Method
from bench.training.device_errors import of_the_process
from bench.training.runs import Run, Sums

Losses = Callable[[Tensor, Tensor], tuple[Tensor, dict[str, Tensor]]]
_AT_ONCE = 2**24  # items x classes of the losses whose graphs are kept until their gradients are taken
_FEW = 2  # so many are not worth it: a call through vmap costs as much as three


class Bundle:
    """Runs whose losses are computed by one call; one run alone, or several of one method and different seeds."""

    def __init__(self, runs: list[Run]) -> None:
        self.runs = runs
        self._losses = losses_together([run.method for run in runs]) if len(runs) > 1 else None
        self.relaxed = torch.empty(0)  # outputs as a leaf: (B, K), or (S, B, K)
        self.total = torch.empty(0)

    @property
    def size(self) -> int:
        """Items x classes."""
        return len(self.runs) * len(self.runs[0].places) * self.runs[0].method.task.num_classes

    def forward(self) -> None:
        """Compute the loss of each run."""
        if self._losses is None:
            (run,) = self.runs
            self.relaxed = run.outputs.requires_grad_()
            self.total = run.loss = run.method.loss(self.relaxed, run.targets)
            return
        self.relaxed = torch.stack([run.outputs for run in self.runs]).requires_grad_()
        losses, logged = self._losses(self.relaxed, torch.stack([run.targets for run in self.runs]))
        self.total = losses.sum()
        parts = {name: values.unbind() for name, values in logged.items()}
        for number, (run, loss) in enumerate(zip(self.runs, losses.unbind(), strict=True)):
            run.loss, run.method.log = loss, {name: values[number] for name, values in parts.items()}

    def give(self) -> None:
        """Give each run the gradient of its outputs, and let go of the graph."""
        gradient = self.relaxed.grad
        if gradient is not None:
            for run, own in zip(self.runs, [gradient] if len(self.runs) == 1 else gradient.unbind(), strict=True):
                run.gradient = own
        for run in self.runs:
            run.loss = run.loss.detach()
        self.relaxed = self.total = torch.empty(0)

    def forget(self) -> None:
        """Let no gradient be left of a backward pass that was broken off."""
        self.relaxed.grad = None
        for weight in (weight for run in self.runs for weight in run.method.parameters()):
            weight.grad = None


def bundled(runs: Iterable[Run]) -> list[Bundle]:
    """Bundles for an epoch that has begun."""
    kinds: dict[Hashable, list[Run]] = {}
    for number, run in enumerate(runs):
        with run.guarded():
            kinds.setdefault(_kind(run.method) if run.can_be_bundled() else number, []).append(run)
    parts = ([alike] if len(alike) > _FEW else [[run] for run in alike] for alike in kinds.values())
    return [Bundle(part) for some in parts for part in some]


def gradients(bundles: list[Bundle], sums: Sums) -> list[Bundle]:
    """Give every run the gradient of its loss, and record what came of the batch; the bundles that go on."""
    going: list[Bundle] = []
    for some in _portions(bundles):
        computed = _backward([part for bundle in some for part in _forward(bundle)])
        for bundle in computed:
            bundle.give()
            for run in bundle.runs:
                with run.guarded():
                    run.record(sums)
        going += [bundle for bundle in computed if any(run.error is None for run in bundle.runs)]
    return going


def losses_together(methods: Sequence[Method]) -> Losses:
    """The losses of methods that differ by seed only, as one function of outputs (S, B, K) and targets (S, B, ...).

    It gives losses (S,) and logged parts, each (S,), with the methods' buffers as they are now.
    """
    first = methods[0]
    names = [name for name, _ in first.named_buffers(remove_duplicate=False)]
    slots = [(first.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in names]
    state = [torch.stack([method.get_buffer(name) for method in methods]) for name in names]

    def loss(own: list[Tensor], relaxed: Tensor, targets: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        _put(slots, own)
        return first.loss(relaxed, targets), dict(first.log)

    def losses(relaxed: Tensor, targets: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        kept = [getattr(module, name) for module, name in slots]
        try:
            return vmap(loss)(state, relaxed, targets)
        finally:
            _put(slots, kept)

    return losses


def _put(slots: list[tuple[nn.Module, str]], buffers: list[Tensor]) -> None:
    """What torch's `functional_call` does; its checks, and those of `setattr`, take longer than the exchange."""
    for (module, name), buffer in zip(slots, buffers, strict=True):
        module._buffers[name] = buffer  # noqa: SLF001


def _kind(method: Method) -> Hashable:
    """What methods must agree in to be computed together."""
    task, config = method.task, method.config.model_dump_json()
    return type(method), config, task.num_classes, task.bits, task.multi_label


def _portions(bundles: list[Bundle]) -> Iterator[list[Bundle]]:
    some, size = list[Bundle](), 0
    for bundle in bundles:
        if some and size + bundle.size > _AT_ONCE:
            yield some
            some, size = [], 0
        some.append(bundle)
        size += bundle.size
    yield some


def _forward(bundle: Bundle) -> list[Bundle]:
    """The bundle with its losses, or its runs apart: then an error can be told to be one's own."""
    if len(bundle.runs) == 1:
        (run,) = bundle.runs
        if run.error is None:
            with run.guarded():
                bundle.forward()
        return [bundle] if run.error is None else []
    try:
        bundle.forward()
    except Exception as error:
        if of_the_process(error):
            raise
        return _apart(bundle)
    return [bundle]


def _apart(bundle: Bundle) -> list[Bundle]:
    return [part for run in bundle.runs for part in _forward(Bundle([run]))]


def _backward(bundles: list[Bundle]) -> list[Bundle]:
    """Gradients of all losses at once; if that raises, one after another. The bundles that have theirs."""
    if not bundles:
        return []
    try:
        torch.autograd.backward([bundle.total for bundle in bundles], retain_graph=True)
    except Exception as error:
        if of_the_process(error):
            raise
        for bundle in bundles:
            bundle.forget()
    else:
        return bundles
    alone = [part for bundle in bundles for part in ([bundle] if len(bundle.runs) == 1 else _apart(bundle))]
    for bundle in alone:
        with bundle.runs[0].guarded():
            bundle.total.backward()
        if bundle.runs[0].error is not None:
            bundle.forget()
    return [bundle for bundle in alone if bundle.runs[0].error is None]

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import bench
from bench.backbones.build import Weights
from bench.conformance.probes import similarity
from bench.errors import BenchWarning, NotFiniteError, TrainingError
from bench.plugins.method import Method, Task
from bench.training import bundles, heads
from bench.training.checkpoint import Checkpoint
from bench.training.course import Trained
from bench.training.inputs import FeatureInputs, ImageInputs
from bench.training.model import build_model
from bench.training.nested import load_nested
from bench.training.progress import Observer
from bench.training.regimes import train_config
from bench.training.stacked import Member, stackable, train_stacked
from bench.training.trainer import encode, train

CPU = torch.device("cpu")
CLASSES, DIM, COUNT = 12, 20, 150
RNG = np.random.default_rng(0)
LABELS = np.arange(COUNT) % CLASSES
ROWS = np.arange(0, COUNT, 1)[5:]  # not all items
FEATURES = (RNG.normal(size=(CLASSES, DIM))[LABELS] + 0.7 * RNG.normal(size=(COUNT, DIM))).astype(np.float32)
SEVERAL = (RNG.random((COUNT, CLASSES)) < 0.1) | np.eye(CLASSES, dtype=bool)[LABELS]
SEVERAL[:20] = False
INPUTS = FeatureInputs(FEATURES, CPU)
METHODS = ["crh", "crh-pass", "csq", "orthohash", "mds", "shc", "classifier-codes", "crh+mds-loss", "csq+crh-loss"]


def built(name: str, bits: int, seed: int, multi_label: bool = False) -> Method:
    settings: dict[str, Any] = {"mds": {"pair_from": 2}, "crh+mds-loss": {"loss": {"pair_from": 1}}}.get(name, {})
    wanted = similarity(CLASSES) if name == "shc" else None
    return bench.method(name, CLASSES, bits, seed, multi_label, similarity=wanted, **settings)


def config(**settings: Any) -> Any:
    return train_config("frozen", None, {"backbone": "features", "epochs": 5, "batch_size": 32, "lr": 1e-2, **settings})


def member(method: Method, **settings: Any) -> Member:
    seed = method.training_seed
    return Member(build_model(INPUTS, Weights("features"), config(**settings), method.outputs, seed, CPU), method, seed)


def alone(one: Member, labels: np.ndarray = LABELS, **settings: Any) -> Trained:
    return train(
        one.model, one.method, INPUTS, labels, ROWS, config(**settings),
        seed=one.seed, pretrained=False, device=CPU, observer=Observer(),
    )  # fmt: skip


def together(
    members: list[Member], labels: np.ndarray = LABELS, observer: Observer | None = None,
    checkpoint: Checkpoint | None = None, **settings: Any,
) -> list[Trained | Exception]:  # fmt: skip
    return train_stacked(
        members, INPUTS, labels, ROWS, config(**settings), device=CPU, observer=observer or Observer(),
        checkpoint=checkpoint,
    )  # fmt: skip


def agree(build: Callable[[], list[Method]], labels: np.ndarray = LABELS, **settings: Any) -> None:
    """Each ends where it ends alone, but for rounding."""
    apart, stack = ([member(method, **settings) for method in build()] for _ in range(2))
    found = together(stack, labels, **settings)
    equal = []
    for one, other, result in zip(apart, stack, found, strict=True):
        expected = alone(one, labels, **settings)
        assert isinstance(result, Trained), result
        assert np.array_equal(expected.centers_used, result.centers_used)
        assert np.array_equal(expected.centers_final, result.centers_final)
        for epoch, same in zip(expected.history, result.history, strict=True):
            assert epoch == pytest.approx(same, rel=1e-4)
        assert torch.allclose(one.model.head.weight, other.model.head.weight, atol=1e-4)
        codes = [encode(m.model, m.method, INPUTS, np.arange(COUNT), Observer()).codes for m in (one, other)]
        equal.append((codes[0] == codes[1]).mean())
    assert np.mean(equal) >= 0.999


@pytest.mark.parametrize("labels", [LABELS, SEVERAL], ids=["single-label", "multi-label"])
def test_all_methods_lengths_and_seeds_end_where_they_end_alone(labels: np.ndarray) -> None:
    several = labels.ndim == 2
    sizes = (8, 0), (8, 1), (16, 0)
    agree(lambda: [built(name, bits, seed, several) for name in METHODS for bits, seed in sizes], labels, epochs=4)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_every_optimiser(optimizer: str) -> None:
    settings = {"optimizer": optimizer, "weight_decay": 1e-3, "clip_norm": 0.1}
    names, lr = ("crh", "csq", "mds"), 0.3 if optimizer == "sgd" else 1e-2
    agree(lambda: [built(name, 8, seed) for name in names for seed in (0, 1)], lr=lr, **settings)


@pytest.mark.parametrize("settings", [{"drop_last": True, "clip_norm": None}, {"schedule": "step", "batch_size": 200}])
def test_settings_of_the_trainer(settings: dict[str, Any]) -> None:
    agree(lambda: [built(name, 8, 3) for name in ("crh", "orthohash", "mds")], **settings)


def test_seeds_of_one_method_are_computed_by_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: set[tuple[int, ...]] = set()
    forward = bundles.Bundle.forward

    def listen(bundle: bundles.Bundle) -> None:
        forward(bundle)
        sizes.add(tuple(bundle.relaxed.shape))

    monkeypatch.setattr(bundles.Bundle, "forward", listen)
    names = ["crh", "orthohash", "mds", "csq", "csq+crh-loss"]
    agree(lambda: [built(name, 8, seed) for name in names for seed in range(3)], batch_size=29)
    assert sizes == {(3, 29, 8), (29, 8)}
    sizes.clear()
    agree(lambda: [built("crh", 8, seed, True) for seed in range(4)], SEVERAL, batch_size=65)
    assert sizes == {(4, 65, 8)}


def test_variants_and_lengths_are_computed_apart() -> None:
    runs = [heads.Run(member(m), torch.from_numpy(LABELS[ROWS]), config()) for m in (
        *(built("crh", bits, seed) for bits in (8, 16) for seed in range(3)),
        *(bench.method("crh", CLASSES, 8, seed, margin=0.3) for seed in range(3)),
        *(bench.method("crh+mds-loss", CLASSES, 8, seed) for seed in range(3)),
        *(built("random-centers", 8, seed) for seed in range(2)),
    )]  # fmt: skip
    assert [len(bundle.runs) for bundle in bundles.bundled(runs)] == [3, 3, 3, 3, 1, 1]
    runs[0].error = ValueError()
    runs[-3].course.epoch = 8  # reads slow outputs
    assert sorted(len(b.runs) for b in bundles.bundled(r for r in runs if r.error is None)) == [1] * 7 + [3, 3]


def test_graphs_are_kept_for_as_many_losses_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_AT_ONCE", 2 * 32 * CLASSES)
    calls: list[int] = []
    backward = bundles._backward
    monkeypatch.setattr(bundles, "_backward", lambda some: calls.append(len(some)) or backward(some))  # type: ignore[func-returns-value]
    agree(lambda: [built("csq", 8, seed) for seed in range(5)], epochs=1, batch_size=32)
    assert calls[:3] == [2, 2, 1]


class Faulty(Method):
    """Pulls to +1; what it is told to do wrong it does in its second epoch."""

    momentum = 0.5

    def __init__(self, fault: str, seed: int = 0, bits: int = 8) -> None:
        self.fault, self.wrong = fault, False
        super().__init__(Method.Config(), Task(CLASSES, bits, seed))
        self.fault, self.wrong = fault, False
        if fault == "in its own weights":
            self.own = nn.Parameter(torch.ones(8))

    def make_centers(self) -> Tensor:
        return torch.ones(self.task.num_classes, self.task.bits)

    def fail(self, where: str) -> None:
        if self.fault == where and self.wrong:
            raise LookupError(where)

    def before_training(self, targets: Tensor) -> None:
        self.wrong = True
        self.fail("before training")

    def before_epoch(self, epoch: int) -> None:
        self.wrong = epoch == 1
        self.fail("before an epoch")

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        self.fail("in the loss")
        loss = (relaxed - self.centers[0]).square().mean()
        self.log = {"part": loss.detach()}
        if not self.wrong:
            return loss
        match self.fault:
            case "NaN":
                return loss * torch.nan
            case "in the gradient":
                return Broken.apply(loss)
            case "in its own weights":
                return Broken.apply(loss * self.own.sum())
            case "several numbers":
                return relaxed.square().mean(dim=1)
            case "no gradient":
                return loss.detach()
            case "no tensor":
                return loss.item()  # type: ignore[return-value]
            case "log":
                self.log = {"part": relaxed.detach()}
            case "other log":
                self.log = {"other part": loss.detach(), "number": 2.0}  # type: ignore[dict-item]
        return loss

    def reads_slow_outputs(self, epoch: int) -> bool:
        return True

    def before_loss(self, places: Tensor, slow: Tensor) -> None:
        self.fail("before the loss")

    def codes(self, outputs: Tensor) -> Tensor:
        self.fail("in the codes")
        return super().codes(outputs)

    def reads_codes(self, epoch: int) -> bool:
        return True

    def after_epoch(self, epoch: int, codes: Tensor, targets: Tensor) -> None:
        self.fail("after an epoch")


class Broken(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, loss: Tensor) -> Tensor:
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        raise LookupError("in the gradient")


FAULTS = [
    "before training", "before an epoch", "before the loss", "in the loss", "in the gradient", "in its own weights",
    "several numbers", "no gradient", "no tensor", "log", "in the codes", "after an epoch", "NaN",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_one_member_as_it_would_alone_and_no_other(fault: str) -> None:
    def others() -> list[Member]:
        return [member(built(name, 8, seed)) for name in ("crh", "mds", "csq") for seed in (0, 1)]

    with pytest.raises(Exception) as expected:  # noqa: PT011 - any: it is compared
        alone(member(Faulty(fault)))
    sound, undisturbed = others(), others()
    first, *found, last = together([member(Faulty(fault)), *sound, member(Faulty("none", 1))])
    assert (type(first), str(first)) == (type(expected.value), str(expected.value)) or fault == "log"
    assert isinstance(first, Exception)
    assert isinstance(last, Trained)
    together(undisturbed)
    for result, one, same in zip(found, sound, undisturbed, strict=True):
        assert isinstance(result, Trained)
        assert torch.allclose(one.model.head.weight, same.model.head.weight, atol=1e-6)


class Alike(Method):
    """Allows to be computed with its like; what differs by seed is in a buffer."""

    loss_vmaps = True
    looks = False

    def make_centers(self) -> Tensor:
        self.register_buffer("factor", torch.ones(()))
        return torch.ones(self.task.num_classes, self.task.bits)

    def before_epoch(self, epoch: int) -> None:
        self.factor = torch.tensor(torch.nan if (epoch, self.task.seed) == (2, 1) else 1.0 + epoch)

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        if self.looks and relaxed.sum().item() > 1e9:  # cannot be asked of several at once
            raise ValueError
        return self.factor * (relaxed - 1).square().mean()

    def reads_codes(self, epoch: int) -> bool:
        return True

    def after_epoch(self, epoch: int, codes: Tensor, targets: Tensor) -> None:
        if (epoch, self.task.seed) == (1, 3):
            raise LookupError


@pytest.mark.parametrize("looks", [False, True])
def test_a_fault_in_a_bundle_ends_one_member(looks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Alike, "looks", looks)
    members, apart = ([member(Alike(Method.Config(), Task(CLASSES, 8, s))) for s in range(5)] for _ in range(2))
    results = together(members)
    assert [type(result) for result in results] == [Trained, NotFiniteError, Trained, LookupError, Trained]
    for number in (0, 2, 4):
        expected, found = alone(apart[number]), results[number]
        assert isinstance(found, Trained)
        assert expected.history[-1]["loss"] == pytest.approx(found.history[-1]["loss"])
        assert torch.allclose(members[number].model.head.weight, apart[number].model.head.weight, atol=1e-4)


def test_when_all_have_failed_it_ends() -> None:
    class Counting(Observer):
        epochs = 0

        def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
            self.epochs += 1

    seen = Counting()
    results = together([member(Faulty("NaN")), member(Faulty("after an epoch", 1))], observer=seen)
    assert isinstance(results[0], NotFiniteError)
    assert "the loss is nan in epoch 2 of 5: try a smaller train.lr" in str(results[0])
    assert isinstance(results[1], LookupError)
    assert seen.epochs == 1
    assert together([]) == []
    assert isinstance(NotFiniteError("x"), TrainingError)


def test_memory_that_runs_out_is_nobodys_fault() -> None:
    method = Faulty("none")
    method.loss = lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("no"))  # type: ignore[method-assign]
    with pytest.raises(torch.OutOfMemoryError):
        together([member(method), member(Faulty("none"))])


def test_what_is_logged_may_change() -> None:
    (changing, same) = together([member(Faulty("other log")), member(Faulty("none"))])
    assert isinstance(changing, Trained)
    assert isinstance(same, Trained)
    keys = [set(epoch) - {"loss", "lr", "centers_moved"} for epoch in changing.history]
    assert keys == [{"part"}, {"other part", "number"}, {"part"}, {"part"}, {"part"}]
    assert changing.history[1]["number"] == 2
    assert changing.history[1]["loss"] == pytest.approx(same.history[1]["loss"])


class Scaled(Method):
    """Has weights of its own, and a bit that nothing is learned from."""

    loss_vmaps = True

    def make_centers(self) -> Tensor:
        self.scale = nn.Parameter(torch.ones(7))
        return torch.ones(self.task.num_classes, self.task.bits)

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        return (self.scale * relaxed[:, 1:] - 1).square().mean()


def test_weights_of_methods_are_trained() -> None:
    task = [Task(CLASSES, 8, seed) for seed in (0, 1, 2)]
    agree(lambda: [*(Scaled(Method.Config(), t) for t in task), built("csq", 8, 0)])
    stack = [member(Scaled(Method.Config(), t)) for t in task]
    together(stack)
    one = member(Scaled(Method.Config(), task[0]))
    alone(one)
    assert (one.method.scale - 1).abs().max() > 0.01
    assert torch.allclose(one.method.scale, stack[0].method.scale, atol=1e-4)


def test_observers_hear_of_every_item_of_every_member() -> None:
    class Counting(Observer):
        items, total, losses = 0, 0, []

        def stage(self, name: str, total: int) -> None:
            self.total = total

        def advance(self, items: int) -> None:
            self.items += items

        def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
            self.losses.append(loss)

    seen = Counting()
    found = together([member(built(name, 8, seed)) for name in ("crh-pass", "csq") for seed in (0, 1)], observer=seen)
    assert seen.items == seen.total == 4 * 5 * len(ROWS)
    means = [np.mean([result.history[epoch]["loss"] for result in found]) for epoch in range(5)]  # type: ignore[union-attr]
    assert seen.losses == pytest.approx(means)


def test_what_can_be_stacked() -> None:
    images = ImageInputs(np.zeros((3, 8, 8, 3), np.uint8), train_config("quick", None, {}), Weights("x"), True, CPU)
    assert stackable(config(), INPUTS)
    assert not stackable(config(head="linear-bn"), INPUTS)
    assert not stackable(config(), images)
    with pytest.raises(TypeError, match="only linear heads can be stacked"):
        together([member(built("csq", 8, 0), head="linear-bn")])


class EndAfter(Observer):
    """Ends a training after so many items."""

    def __init__(self, items: int) -> None:
        self.left = items

    def advance(self, items: int) -> None:
        self.left -= items
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_a_pass_that_was_ended_ends_in_the_same_bits(tmp_path: Path, optimizer: str) -> None:
    def stack() -> list[Member]:
        return [member(built(name, bits, seed)) for name in METHODS for bits in (8, 16) for seed in (0, 1)]

    def state(members: list[Member], found: list[Trained | Exception]) -> list[Any]:
        assert all(isinstance(result, Trained) for result in found)
        return [
            (result.history, result.centers_final.tolist(), [c.tolist() for c in result.centers_path],
             one.model.head.weight.tolist(), one.model.head.bias.tolist())
            for one, result in zip(members, found, strict=True)
        ]  # fmt: skip

    whole = stack()
    expected = state(whole, together(whole, optimizer=optimizer))
    step = 32 * len(whole)
    for steps in (3, 12, 22):  # five steps an epoch; the last in the epoch after the pair losses have begun
        with pytest.raises(KeyboardInterrupt):
            together(stack(), observer=EndAfter(steps * step), checkpoint=Checkpoint(tmp_path, 0), optimizer=optimizer)
    again, heard = stack(), EndAfter(10**9)
    found = together(again, observer=heard, checkpoint=Checkpoint(tmp_path, 0), optimizer=optimizer)
    assert state(again, found) == expected
    assert 10**9 - heard.left == 5 * len(ROWS) * len(again)  # those of before the end are told at once


def test_a_pass_of_others_does_not_go_on_from_it(tmp_path: Path) -> None:
    first = [member(built("crh", 8, seed)) for seed in (0, 1)]
    together(first, checkpoint=Checkpoint(tmp_path, 0))
    other = [member(built("crh", 8, seed)) for seed in (0, 2)]
    with pytest.warns(BenchWarning, match=r"is of another run \(other heads\): training starts again"):
        found = together(other, checkpoint=Checkpoint(tmp_path, 0))
    assert all(isinstance(result, Trained) and len(result.history) == 5 for result in found)


def test_a_pass_in_which_one_has_failed_is_saved_no_more(tmp_path: Path) -> None:
    members = [member(Alike(Method.Config(), Task(CLASSES, 8, 1))), member(built("crh", 8, 0))]
    found = together(members, checkpoint=Checkpoint(tmp_path, 0))
    assert isinstance(found[0], NotFiniteError)  # in its third epoch
    saved = load_nested(Checkpoint(tmp_path).path)
    assert saved["parts"]["run 1"]["course"]["epoch"] == 2

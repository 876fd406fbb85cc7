import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import bench
import bench.plugins.method
from bench.errors import TrainingError
from bench.plugins.method import Method, signs
from bench.training.devices import chosen_kernels
from bench.training.inputs import FeatureInputs
from bench.training.model import HashModel, build_head
from bench.training.progress import Observer
from bench.training.regimes import TrainConfig, train_config
from bench.training.seeding import seeded
from bench.training.trainer import Trained, batches, encode, follow, slow_copy, told, train

CPU = torch.device("cpu")
CLASSES, BITS, DIM = 5, 16, 12
RNG = np.random.default_rng(0)
LABELS = np.arange(101) % CLASSES
FEATURES = (RNG.normal(size=(CLASSES, DIM))[LABELS] + 0.5 * RNG.normal(size=(101, DIM))).astype(np.float32)


def fit(
    method: Method, labels: np.ndarray = LABELS, seed: int = 0, observer: Observer | None = None,
    micro_batches: int = 1, **settings: object,
) -> tuple[HashModel, Trained]:  # fmt: skip
    config = train_config("frozen", None, {"epochs": 4, "batch_size": 20, **settings})
    with seeded(seed, "network-init"):
        model = HashModel(nn.Identity(), build_head(config, DIM, BITS))
    trained = train(
        model, method, FeatureInputs(FEATURES, CPU), labels, np.arange(101), config,
        seed=seed, pretrained=True, device=CPU, observer=observer or Observer(), micro_batches=micro_batches,
    )  # fmt: skip
    return model, trained


@given(st.integers(1, 300), st.integers(2, 70))
def test_batches_drop_nothing_and_leave_nobody_alone(count: int, size: int) -> None:
    order = np.random.default_rng(0).permutation(count)
    parts = list(batches(order, size))
    assert np.array_equal(np.concatenate(parts), order)
    assert all(len(p) > 1 for p in parts) or count == 1
    assert all(len(p) == size for p in parts[:-1])
    assert len(parts[-1]) <= size + 1


def test_training_learns_and_repeats_exactly() -> None:
    first, trained = fit(bench.method("csq", CLASSES, BITS), epochs=20, lr=1e-2)
    assert trained.history[-1]["loss"] < 0.5 * trained.history[0]["loss"]
    again, repeated = fit(bench.method("csq", CLASSES, BITS), epochs=20, lr=1e-2)
    assert trained.history == repeated.history
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    method = bench.method("csq", CLASSES, BITS)
    codes, relaxed, features = encode(first, method, FeatureInputs(FEATURES, CPU), np.arange(101), Observer())
    assert np.array_equal(codes, np.where(relaxed >= 0, 1, -1))
    assert features.shape == (101, DIM)
    assert bench.evaluate(codes, LABELS, codes, LABELS).map > 0.9


def test_centers_used_are_those_before_the_last_reassignment() -> None:
    method = bench.method("crh", CLASSES, BITS)
    _, trained = fit(method)
    assert np.array_equal(trained.centers_final, method.centers.numpy().astype(np.int8))
    assert trained.history[-1]["centers_moved"] == (trained.centers_used != trained.centers_final).any(1).sum()
    fixed, kept = bench.method("crh-u", CLASSES, BITS), None
    before = fixed.centers.numpy().astype(np.int8)
    _, kept = fit(fixed)
    assert np.array_equal(kept.centers_used, before)
    assert np.array_equal(kept.centers_final, before)


class Spy(Method):
    """Remembers what the trainer shows it."""

    def make_centers(self) -> Tensor:
        self.seen: list[tuple[Tensor, Tensor]] = []
        return torch.ones(self.task.num_classes, self.task.bits)

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        return relaxed.square().mean()

    def reads_codes(self, epoch: int) -> bool:
        return epoch % 2 == 1

    def after_epoch(self, epoch: int, codes: Tensor, targets: Tensor) -> None:
        self.seen.append((codes.clone(), targets.clone()))


def test_a_method_sees_every_code_of_the_epochs_it_reads() -> None:
    spy = Spy(Spy.Config(), bench.plugins.method.Task(CLASSES, BITS))
    fit(spy, epochs=4)
    assert len(spy.seen) == 2
    codes, targets = spy.seen[0]
    assert codes.shape == (101, BITS)
    assert set(codes.unique().tolist()) <= {-1, 1}
    assert targets.tolist() == LABELS.tolist()


def test_items_without_a_label_are_not_trained_on() -> None:
    rows = np.eye(CLASSES, dtype=bool)[LABELS]
    rows[:7] = False
    spy = Spy(Spy.Config(), bench.plugins.method.Task(CLASSES, BITS, 0, True))
    fit(spy, rows)
    assert len(spy.seen[0][0]) == 94


class Diverging(Spy):
    """A loss that is no number."""

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        return relaxed.sum() * torch.nan


def test_a_loss_that_is_no_number_ends_training() -> None:
    with pytest.raises(TrainingError, match=r"loss is nan in epoch 1 of 4: try a smaller train\.lr"):
        fit(Diverging(Diverging.Config(), bench.plugins.method.Task(CLASSES, BITS)))


def test_observers_hear_of_every_item_and_epoch() -> None:
    class Counting(Observer):
        items, epochs, total = 0, 0, 0

        def stage(self, name: str, total: int) -> None:
            self.total = total

        def advance(self, items: int) -> None:
            self.items += items

        def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
            self.epochs += 1

    seen = Counting()
    fit(bench.method("csq", CLASSES, BITS), observer=seen)
    assert (seen.items, seen.total, seen.epochs) == (404, 404, 4)


def test_zero_is_a_positive_bit() -> None:
    assert signs(torch.tensor([-0.5, 0.0, -0.0, 2.0])).tolist() == [-1, 1, 1, 1]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
@pytest.mark.parametrize("head", ["linear", "linear-bn", "mlp"])
def test_every_optimiser_and_head_trains(optimizer: str, head: str) -> None:
    lr = 0.3 if optimizer == "sgd" else 5e-3
    settings = {"optimizer": optimizer, "head": head, "hidden": (32, 32), "lr": lr, "epochs": 10}
    _, trained = fit(bench.method("csq", CLASSES, BITS), **settings)
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]


def test_other_code_keeps_its_random_numbers() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with seeded(0, "network-init"):
        torch.rand(100)
    assert torch.equal(torch.rand(2), expected)


def test_pretrained_backbones_learn_at_their_own_rate() -> None:
    config = TrainConfig.build("train", {"backbone_lr_ratio": 0.0, "epochs": 1, "lr": 0.1})
    for pretrained in (True, False):
        torch.manual_seed(0)
        backbone = nn.Linear(DIM, DIM)
        before = backbone.weight.detach().clone()
        model = HashModel(backbone, build_head(config, DIM, BITS))
        train(
            model, bench.method("csq", CLASSES, BITS), FeatureInputs(FEATURES, CPU), LABELS, np.arange(101), config,
            seed=0, pretrained=pretrained, device=CPU, observer=Observer(),
        )  # fmt: skip
        assert torch.equal(backbone.weight, before) == pretrained


class Probe(Method):
    """Writes down what the trainer tells it."""

    momentum = 0.9

    def make_centers(self) -> Tensor:
        self.heard: list[object] = []
        return torch.ones(CLASSES, BITS)

    def before_training(self, targets: Tensor) -> None:
        self.heard.append(targets)

    def before_epoch(self, epoch: int) -> None:
        self.heard.append(epoch)

    def reads_slow_outputs(self, epoch: int) -> bool:
        return epoch > 0

    def before_loss(self, places: Tensor, slow: Tensor) -> None:
        assert not slow.requires_grad
        self.heard.append((places, slow))

    def loss(self, relaxed: Tensor, targets: Tensor) -> Tensor:
        self.heard.append(relaxed.detach().clone())
        return relaxed.square().mean()


def test_a_slow_copy_is_what_torch_averages() -> None:
    model = HashModel(nn.Sequential(nn.Linear(DIM, 7), nn.BatchNorm1d(7)), nn.Linear(7, BITS))
    slow, theirs = slow_copy(model), AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    for _ in range(3):
        for mine in (lambda: follow(slow, model, 0.9), lambda: theirs.update_parameters(model)):
            mine()
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn_like(weight))
    pairs = list(zip(slow.parameters(), theirs.module.parameters(), strict=True))
    assert len(pairs) == 6
    assert all(torch.equal(one, other) for one, other in pairs)
    assert not any(weight.requires_grad for weight in slow.parameters())


@pytest.mark.parametrize("deterministic", [False, True])
def test_kernels_are_searched_for_where_a_batch_is_of_the_usual_size(deterministic: bool) -> None:
    heard: dict[int, set[bool]] = {}

    class Listener(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            heard.setdefault(len(x), set()).add(torch.backends.cudnn.benchmark)
            return super().forward(x)

    config = TrainConfig.build("train", {"epochs": 2, "batch_size": 32})
    model, inputs = HashModel(nn.Identity(), Listener(DIM, BITS)), FeatureInputs(FEATURES, CPU)
    inputs.test_batch_size = 40
    method = bench.method("csq", CLASSES, BITS)
    with chosen_kernels(deterministic):
        train(
            model, method, inputs, LABELS, np.arange(101), config,
            seed=0, pretrained=False, device=CPU, observer=Observer(),
        )  # fmt: skip
        encode(model, method, inputs, np.arange(101), Observer())
        assert torch.backends.cudnn.benchmark is not deterministic
    wanted = not deterministic
    assert heard == {32: {wanted}, 5: {False}, 40: {wanted}, 21: {False}}


def test_each_batch_is_told_of_before_the_one_ahead_of_it_is_handed_out() -> None:
    parts, heard = [np.array([n]) for n in range(4)], list[str]()
    for part in told(parts, lambda rows: heard.append(f"told {rows[0]}")):
        heard.append(f"took {part[0]}")
    assert heard == ["told 0", "told 1", "took 0", "told 2", "took 1", "told 3", "took 2", "took 3"]
    assert list(told([], heard.append)) == []


def test_a_slow_copy_follows_the_network() -> None:
    probe = Probe(Method.Config(), bench.plugins.method.Task(CLASSES, BITS))
    fit(probe, epochs=2, batch_size=101, lr=1e-3)
    targets, first, loss_0, second, (places, slow), loss_1 = probe.heard
    assert torch.equal(targets, torch.from_numpy(LABELS))
    assert (first, second) == (0, 1)
    assert sorted(places.tolist()) == list(range(101))
    # Of one linear layer outputs are linear in the weights: the slow ones lie a tenth of the way to the new ones.
    assert isinstance(loss_0, Tensor)
    by_item = torch.empty(101, BITS)
    order_0 = torch.from_numpy(bench.randomness.stream(0, "loader", 0).permutation(101))
    by_item[order_0] = loss_0
    assert torch.allclose(slow, 0.9 * by_item[places] + 0.1 * loss_1, atol=1e-5)


def test_codes_of_a_pass_are_those_of_the_network_after_the_epoch() -> None:
    method = bench.method("crh-pass", CLASSES, BITS)
    seen: list[Tensor] = []
    after_epoch = method.after_epoch

    def listen(epoch: int, codes: Tensor, targets: Tensor) -> None:
        seen.append(codes)
        after_epoch(epoch, codes, targets)

    method.after_epoch = listen  # type: ignore[method-assign]
    model, _ = fit(method, epochs=3)
    now = encode(model, method, FeatureInputs(FEATURES, CPU), np.arange(101), Observer()).codes
    assert len(seen) == 3
    assert np.array_equal(seen[-1].numpy(), now)


def test_a_dropped_batch_is_not_read() -> None:
    method = bench.method("crh", CLASSES, BITS)
    sizes: list[int] = []
    method.after_epoch = lambda epoch, codes, targets: sizes.append(len(codes))  # type: ignore[method-assign]
    fit(method, epochs=2, drop_last=True)
    assert sizes == [100, 100]
    assert [len(part) for part in batches(np.arange(7), 8, drop_last=True)] == [7]  # never nothing


@pytest.mark.parametrize("name", ["crh", "csq", "orthohash", "mds"])  # MDS's pair loss comes in later epochs
@pytest.mark.parametrize("number", [2, 3, 50])
def test_a_batch_in_parts_is_the_same_step(name: str, number: int) -> None:
    whole, by_whole = fit(bench.method(name, CLASSES, BITS), lr=1e-2)
    parts, by_parts = fit(bench.method(name, CLASSES, BITS), lr=1e-2, micro_batches=number)
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.allclose(one, other, atol=2e-5)
    for one, other in zip(by_whole.history, by_parts.history, strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    assert np.array_equal(by_whole.centers_final, by_parts.centers_final)


def test_batches_in_parts_show_every_item_once() -> None:
    probe = Probe(Method.Config(), bench.plugins.method.Task(CLASSES, BITS))
    fit(probe, epochs=2, batch_size=40, micro_batches=30, head="linear-bn")
    second = probe.heard[[isinstance(heard, int) and heard == 1 for heard in probe.heard].index(True) + 1 :]
    pairs, sizes = second[::2], [len(loss) for loss in second[1::2]]
    assert sorted(place for places, _ in pairs for place in places.tolist()) == list(range(101))
    assert sizes == [len(slow) for _, slow in pairs]  # a part's slow outputs come before its loss
    assert min(sizes) == 2
    spy = Spy(Spy.Config(), bench.plugins.method.Task(CLASSES, BITS))
    counted: list[int] = []
    spy.codes = lambda outputs: counted.append(len(outputs)) or signs(outputs)  # type: ignore[method-assign, func-returns-value]
    _, trained = fit(spy, epochs=2, batch_size=40, micro_batches=3)
    assert sum(counted) == 202
    assert spy.seen[0][0].shape == (101, BITS)
    assert len(trained.history) == 2


def test_the_first_epoch_has_the_full_rate_and_the_next_has_its_own() -> None:
    settings = {"optimizer": "sgd", "schedule": "step", "step_epochs": 1, "step_factor": 1e-9, "lr": 0.1}
    one, two = (fit(bench.method("csq", CLASSES, BITS), **settings, epochs=epochs)[0].head.weight for epochs in (1, 2))
    with seeded(0, "network-init"):
        start = build_head(train_config("frozen", None, {}), DIM, BITS).weight
    assert (one - start).abs().max() > 1e-2
    assert torch.allclose(one, two, atol=1e-6)


def test_the_gradient_of_the_whole_network_is_clipped() -> None:
    """One step of plain descent is as long as the norm that gradients are clipped to, times the rate."""
    values = {"optimizer": "sgd", "betas": (0.0, 0.999), "weight_decay": 0.0, "lr": 2.0, "epochs": 1, "batch_size": 101}
    for clip in (1e-3, None):
        config = TrainConfig.build("train", {**values, "schedule": "constant", "clip_norm": clip})
        torch.manual_seed(0)
        model = HashModel(nn.Linear(DIM, DIM), build_head(config, DIM, BITS))
        before = [weight.detach().clone() for weight in model.parameters()]
        train(
            model, bench.method("csq", CLASSES, BITS), FeatureInputs(FEATURES, CPU), LABELS, np.arange(101), config,
            seed=0, pretrained=False, device=CPU, observer=Observer(),
        )  # fmt: skip
        moved = [(new.detach() - old).square().sum() for new, old in zip(model.parameters(), before, strict=True)]
        length = float(torch.stack(moved).sum().sqrt())
        assert length == pytest.approx(2e-3, rel=1e-2) if clip else length > 4e-3


@pytest.mark.parametrize("head", ["linear-bn", "mlp"])
def test_codes_of_an_item_do_not_hang_on_its_company_or_on_chance(head: str) -> None:
    method = bench.method("csq", CLASSES, BITS)
    model, _ = fit(method, head=head, hidden=(32, 32))
    inputs = FeatureInputs(FEATURES, CPU)
    every, few = (encode(model, method, inputs, np.arange(n), Observer()).relaxed for n in (101, 7))
    assert np.allclose(every[:7], few, atol=1e-5)
    assert np.array_equal(every, encode(model, method, inputs, np.arange(101), Observer()).relaxed)


def test_codes_of_an_epoch_are_those_of_their_items() -> None:
    spy = Spy(Spy.Config(), bench.plugins.method.Task(CLASSES, BITS))
    model, _ = fit(spy, epochs=2, lr=1e-12)  # so little that no bit changes
    codes = encode(model, spy, FeatureInputs(FEATURES, CPU), np.arange(101), Observer()).codes
    assert np.array_equal(spy.seen[0][0].numpy(), codes)
    assert len(np.unique(codes, axis=0)) > 50


class Drawing(FeatureInputs):
    """Features that are augmented by nothing but a draw."""

    def train_batch(self, rows: np.ndarray, generator: torch.Generator) -> Tensor:
        self.drawn.append(float(torch.rand(1, generator=generator)))
        return super().train_batch(rows, generator)


def test_augmentation_follows_the_seed_and_goes_on_over_epochs() -> None:
    drawn = {}
    config = train_config("frozen", None, {"epochs": 2, "batch_size": 50})
    for run, seed in enumerate((0, 0, 1)):
        inputs = Drawing(FEATURES, CPU)
        inputs.drawn = drawn[run] = []
        train(
            HashModel(nn.Identity(), build_head(config, DIM, BITS)), bench.method("csq", CLASSES, BITS), inputs, LABELS,
            np.arange(101), config, seed=seed, pretrained=True, device=CPU, observer=Observer(),
        )  # fmt: skip
    assert drawn[0] == drawn[1]
    assert len({*drawn[0], *drawn[2]}) == len(drawn[0]) + len(drawn[2]) == 8

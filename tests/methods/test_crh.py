import numpy as np
import pytest
import torch

import bench
from bench.centers.assignment import assignment_cost, class_code_sums
from bench.centers.codebook import compose
from bench.errors import ConfigError, TrainingError
from bench.losses import margin_softmax, quantization

Z = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [-1, -1, 1, 1]], dtype=torch.float32)
V = torch.tensor([[0.5, -1, 2, 0.1]])


def codes_and_targets(classes: int, bits: int, per_class: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 2, (classes * per_class, bits), generator=g, dtype=torch.int8) * 2 - 1
    return codes, torch.arange(classes).repeat(per_class)


def test_golden_loss() -> None:
    method = bench.method("crh", 3, 4)
    method.centers = Z
    assert method.loss(V, torch.tensor([1])).item() == pytest.approx(1.0774992275, abs=1e-6)
    assert method.log["center"].item() == pytest.approx(1.0485480517, abs=1e-6)
    assert method.log["quantization"].item() == pytest.approx(0.2895117585, abs=1e-6)


def test_multi_label_logs_the_quantisation_without_its_weight() -> None:
    method = bench.method("crh", 3, 4, multi_label=True)
    method.centers = Z
    assert method.loss(V, torch.tensor([[0.0, 1, 1]])).item() == pytest.approx(1.0679175805, abs=1e-6)
    assert method.log["quantization"].item() == pytest.approx(0.2895117585, abs=1e-6)


@pytest.mark.parametrize(
    ("classes", "scale"),
    [(3, 0.980258), (10, 3.107345), (80, 6.179332), (100, 6.498481), (196, 7.457147), (555, 8.933820)],
)
def test_golden_scale(classes: int, scale: float) -> None:
    assert bench.method("crh", classes, 32).scale == pytest.approx(scale, abs=1e-6)


def test_cosine_of_the_tanh_is_a_named_choice() -> None:
    method = bench.method("crh", 3, 4, cosine_on="tanh")
    method.centers = Z
    y = torch.tensor([[0.0, 1, 0]])
    expected = margin_softmax(torch.tanh(V), Z, y, method.scale, 0.2) + 0.1 * quantization(V)
    assert method.loss(V, torch.tensor([1])).item() == pytest.approx(expected.item(), abs=1e-6)


def test_update_epochs() -> None:
    method = bench.method("crh", 10, 16)
    assert sum(method.reads_codes(e) for e in range(300)) == 76
    assert [e for e in range(30) if method.reads_codes(e)] == [*range(20), 24, 29]
    assert not any(bench.method("crh-u", 10, 16).reads_codes(e) for e in range(30))


def test_heads_of_the_variants() -> None:
    assert bench.method("crh", 100, 64).codebook.shape == (8, 200, 8)
    assert bench.method("crh-m", 100, 64).codebook.shape == (1, 200, 64)
    assert bench.method("crh-u", 100, 64).codebook.shape == (1, 200, 64)
    assert bench.method("crh-hungarian", 100, 64).config.reassignment == "hungarian"


def test_cars_at_16_bits_is_a_single_head() -> None:
    crh, single = bench.method("crh", 196, 16), bench.method("crh-m", 196, 16)
    assert np.array_equal(crh.codebook, single.codebook)
    assert torch.equal(crh.centers, single.centers)


@pytest.mark.parametrize("name", ["crh", "crh-m", "crh-hungarian"])
@pytest.mark.parametrize("epoch", [None, 0, 3])
def test_subcenters_stay_distinct_in_each_head(name: str, epoch: int | None) -> None:
    method = bench.method(name, 20, 32)
    if epoch is not None:
        method.after_epoch(epoch, *codes_and_targets(20, 32))
    assert all(len(set(row)) == 20 for row in method.assignment)
    heads = len(method.codebook)
    distances = (32 - method.centers @ method.centers.T) / 2
    assert distances[np.triu_indices(20, 1)].min() >= heads
    assert torch.equal(method.centers, torch.from_numpy(compose(method.codebook, method.assignment)).float())


def test_reassignment_costs_less_than_what_was() -> None:
    codes, targets = codes_and_targets(20, 32)
    for name in ("crh", "crh-hungarian"):
        method = bench.method(name, 20, 32)
        cost = assignment_cost(*class_code_sums(codes, targets, 20), method.codebook)
        before = np.take_along_axis(cost, method.assignment[:, :, None], 2).sum()
        method.after_epoch(0, codes, targets)
        assert np.take_along_axis(cost, method.assignment[:, :, None], 2).sum() < before


def test_each_stream_varies_by_itself() -> None:
    codes, targets = codes_and_targets(20, 32)
    a, b = bench.method("crh", 20, 32, seed=0), bench.method("crh", 20, 32, seed=1)
    assert not np.array_equal(a.codebook, b.codebook)
    assert not np.array_equal(a.assignment, b.assignment)
    a.after_epoch(0, codes, targets)
    first = a.assignment.copy()
    a.after_epoch(1, codes, targets)  # same codes, another epoch's class order
    assert not np.array_equal(a.assignment, first)
    a.after_epoch(0, codes, targets)
    assert np.array_equal(a.assignment, first)


def test_order_of_items_changes_nothing() -> None:
    codes, targets = codes_and_targets(20, 32)
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(5))
    a, b = bench.method("crh", 20, 32), bench.method("crh", 20, 32)
    a.after_epoch(0, codes, targets)
    b.after_epoch(0, codes[order], targets[order])
    assert torch.equal(a.centers, b.centers)


def test_best_of_several_draws_is_farther_apart_and_keeps_the_first_when_one() -> None:
    def least(method: torch.nn.Module) -> float:
        return float(((16 - method.centers @ method.centers.T) / 2)[np.triu_indices(40, 1)].min())

    one, many = bench.method("crh-m", 40, 16), bench.method("crh-m", 40, 16, best_of=50)
    assert least(many) >= least(one)
    assert not torch.equal(one.centers, many.centers)


@pytest.mark.parametrize(
    ("task", "settings", "message"),
    [
        ((2, 16), {}, "at least 3 classes"),
        ((10, 16), {"codebook_size": 9}, "less than the 10 classes"),
        ((10, 16), {"heads": 5}, "does not divide 16 bits"),
        ((10, 4), {}, "does not fit into 4 bits"),
        ((10, 16), {"heads": 4}, "20 candidates do not fit into 4 bits per head"),
        ((10, 16), {"margin": -1}, "crh.margin = -1 cannot be"),
        ((10, 16), {"marginn": 0.1}, "did you mean crh.margin"),
    ],
)
def test_bad_choices_end_in_one_sentence(task: tuple[int, int], settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        bench.method("crh", *task, **settings)
    assert "\n" not in str(caught.value)


def test_two_classes_work_with_a_scale_of_their_own() -> None:
    assert bench.method("crh", 2, 16, scale=1.0).centers.shape == (2, 16)


def test_a_class_without_items_is_an_error() -> None:
    method = bench.method("crh", 4, 16)
    codes, targets = codes_and_targets(3, 16)
    with pytest.raises(TrainingError, match=r"class 3 .* has no training item"):
        method.after_epoch(0, codes, targets)


def test_the_robustness_arms_vary_what_they_are_named_after() -> None:
    codes, targets = codes_and_targets(20, 32)

    def reassigned(name: str, seed: int, codebook: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        method = bench.method(name, 20, 32, seed=seed)
        first = method.centers.numpy()
        method.codebook = method.codebook if codebook is None else codebook
        method.after_epoch(0, codes, targets)
        return first, method.assignment

    (first, order), (same, other) = (reassigned("crh-seed", seed) for seed in (1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(order, other)
    codebook = bench.method("crh-init", 20, 32, seed=1).codebook
    (first, order), (other, same) = (reassigned("crh-init", seed, codebook) for seed in (1, 2))
    assert not np.array_equal(first, other)
    assert np.array_equal(order, same)
    seeds = [bench.method(name, 20, 32, seed=2).training_seed for name in ("crh", "crh-seed", "crh-init", "crh-init-h")]
    assert seeds == [2, 0, 0, 0]


def test_heads_choose_by_themselves() -> None:
    method = bench.method("crh", 20, 32)
    heads = len(method.codebook)
    assert len({tuple(row) for row in method.assignment}) == heads
    codes, targets = codes_and_targets(20, 32)
    # The same words and the same codes in every head: only the order of the classes is left to differ.
    method.codebook = np.repeat(method.codebook[:1], heads, axis=0)
    method.after_epoch(0, codes[:, : 32 // heads].repeat(1, heads), targets)
    assert len({tuple(row) for row in method.assignment}) == heads


def test_no_two_draws_share_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.methods import _codebook
    from bench.randomness import stream

    asked: list[tuple[int, tuple[str | int, ...]]] = []

    def listening(seed: int, *names: str | int) -> np.random.Generator:
        asked.append((seed, names))
        return stream(seed, *names)

    monkeypatch.setattr(_codebook, "stream", listening)
    bench.method("crh", 20, 32, best_of=3)
    assert len(set(asked)) == len(asked) == 6


def test_hungarian_reassignment_is_of_least_cost() -> None:
    codes, targets = codes_and_targets(20, 32)
    greedy, least = (bench.method(name, 20, 32) for name in ("crh", "crh-hungarian"))
    cost = assignment_cost(*class_code_sums(codes, targets, 20), greedy.codebook)
    paid = []
    for method in (greedy, least):
        method.after_epoch(0, codes, targets)
        paid.append(np.take_along_axis(cost, method.assignment[:, :, None], 2).sum())
    assert paid[1] < paid[0]

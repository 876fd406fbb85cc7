import warnings

import numpy as np
import pytest
import torch

import bench
from bench.centers.hadamard_rows import hadamard_rows
from bench.centers.separation import separation
from bench.errors import BenchWarning, ConfigError


def products(classes: int, bits: int) -> np.ndarray:
    centers = bench.hash_centers("csq", classes, bits).astype(int)
    return (centers @ centers.T)[np.triu_indices(classes, 1)]


def test_golden_structure_of_the_centers() -> None:
    assert {v: int((products(80, 64) == v).sum()) for v in (-64, 0)} == {-64: 16, 0: 3144}
    assert {v: int((products(100, 64) == v).sum()) for v in (-64, 0)} == {-64: 36, 0: 4914}
    assert not products(10, 16).any()
    few = bench.hash_centers("csq", 10, 16)
    assert (few[0] == 1).all()
    assert int((few == few[0]).all(axis=0).sum()) == 1  # bit 0 carries nothing


@pytest.mark.filterwarnings("ignore::bench.errors.BenchWarning")
def test_random_rows_fill_up_beyond_twice_the_bits() -> None:
    centers = bench.hash_centers("csq", 80, 32)
    hadamard = bench.hash_centers("csq", 64, 32)
    assert np.array_equal(centers[:64], hadamard)
    assert (centers[64:].sum(axis=1) == 0).all()  # balanced


def test_a_failed_test_is_said_and_the_last_draw_kept() -> None:
    with pytest.warns(BenchWarning, match=r"196 classes at 16 bits.*pairs of equal centers"):
        centers = bench.hash_centers("csq", 196, 16)
    assert centers.shape == (196, 16)


def test_an_accepted_draw_passes_the_test() -> None:
    rng = np.random.default_rng(0)
    centers, accepted = hadamard_rows(6, 52, rng, 50)  # no Hadamard matrix of order 52: all rows are random
    found = separation(centers)
    assert accepted
    assert found.least > 13
    assert found.mean >= 26
    assert found.duplicates == 0


@pytest.mark.parametrize("bits", [12, 20, 48])
def test_lengths_that_are_no_power_of_two_use_paley_rows(bits: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not products(10, bits).any()


@pytest.mark.filterwarnings("ignore::bench.errors.BenchWarning")
@pytest.mark.parametrize("bits", [1, 7, 13])
def test_any_length_gives_centers(bits: int) -> None:
    assert bench.hash_centers("csq", 5, bits).shape == (5, bits)


def test_votes_by_hand() -> None:
    method = bench.method("csq", 4, 4, multi_label=True)
    tie = method.tie_vector
    two = method.target_codes(torch.tensor([[1, 1, 0, 0]]))[0]
    assert two.tolist() == [1, tie[1], 1, tie[3]]
    three = method.target_codes(torch.tensor([[1, 1, 1, 0]]))[0]
    assert three.tolist() == [1, 1, 1, -1]


def test_ties_use_one_vector_for_the_whole_run() -> None:
    a, b = (bench.method("csq", 8, 16, multi_label=True) for _ in range(2))
    rows = torch.tensor([[1, 1, 0, 0, 0, 0, 0, 0]] * 3)
    assert torch.equal(a.target_codes(rows), b.target_codes(rows))
    assert (a.target_codes(rows) == a.target_codes(rows)[0]).all()
    assert (a.target_codes(rows).abs() == 1).all()


def test_golden_loss() -> None:
    method = bench.method("csq", 3, 4)
    method.centers = torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1], [-1, -1, 1, 1]])
    v = torch.tensor([[0.5, -1, 2, 0.1]])
    expected = 0.3141196240 + 0.05 * 0.2895117585
    assert method.loss(v, torch.tensor([1])).item() == pytest.approx(expected, abs=1e-6)


def test_pair_loss_equals_a_loop() -> None:
    method = bench.method("csq", 3, 4, pairwise_weight=1.0, quantization_weight=0.0)
    plain = bench.method("csq", 3, 4, quantization_weight=0.0)
    g = torch.Generator().manual_seed(0)
    v, targets = torch.randn(6, 4, generator=g), torch.tensor([0, 1, 2, 0, 1, 1])
    u = torch.tanh(v)
    terms = []
    for i in range(3):
        for j in range(3, 6):
            theta = 10 / 4 * float(u[i] @ u[j])
            terms.append(np.log1p(np.exp(theta)) - float(targets[i] == targets[j]) * theta)
    difference = method.loss(v, targets) - plain.loss(v, targets)
    assert difference.item() == pytest.approx(np.mean(terms), abs=1e-5)
    assert method.loss(v[:5], targets[:5]).item() == pytest.approx(plain.loss(v[:5], targets[:5]).item())


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ConfigError, match="csq has no setting 'lambda'"):
        bench.method("csq", 4, 8, **{"lambda": 1})


def test_a_quarter_of_the_bits_is_not_far_enough() -> None:
    """Every word of 8 bits is within distance 2 of one of the 16 Hadamard rows, and CSQ asks for more than K/4."""
    for seed in range(5):
        centers, accepted = hadamard_rows(17, 8, np.random.default_rng(seed), 20)
        assert not accepted
        assert separation(centers).least <= 2

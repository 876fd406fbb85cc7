import numpy as np
import torch

from bench.randomness import stream, torch_stream


def test_streams_are_functions_of_seed_and_names() -> None:
    draws = {
        key: tuple(stream(*key).integers(0, 2**40, 4))
        for key in [(0, "a"), (0, "b"), (1, "a"), (0, "a", 0), (0, "a", 1), (0, "a", "b")]
    }
    assert len(set(draws.values())) == len(draws)
    assert draws[(0, "a")] == tuple(stream(0, "a").integers(0, 2**40, 4))


def test_streams_do_not_change_between_versions() -> None:
    assert stream(7, "codebook").integers(0, 1000, 3).tolist() == [534, 48, 433]


def test_torch_streams_leave_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    a, b = (torch.rand(3, generator=torch_stream(0, "loader")) for _ in range(2))
    assert torch.equal(a, b)
    assert not torch.equal(a, torch.rand(3, generator=torch_stream(0, "augmentation")))
    assert torch.equal(torch.get_rng_state(), state)
    assert isinstance(stream(0), np.random.Generator)

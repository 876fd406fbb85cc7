"""Which kernels torch uses inside a run, and that the process is as before afterwards."""

from __future__ import annotations

import os
import warnings

import pytest
import torch

from bench.errors import BenchWarning, ConfigError
from bench.training.devices import choose_device, chosen_kernels, full_precision, has_bfloat16


@pytest.mark.parametrize("deterministic", [False, True])
def test_kernels_are_chosen_inside_and_given_back(deterministic: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    before = torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark
    with pytest.raises(KeyError), chosen_kernels(deterministic):
        assert torch.are_deterministic_algorithms_enabled() is deterministic
        assert not deterministic or torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.backends.cudnn.benchmark is not deterministic
        assert os.environ.get("CUBLAS_WORKSPACE_CONFIG") == (":4096:8" if deterministic else None)
        raise KeyError
    assert (torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark) == before


def test_a_workspace_of_the_user_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with chosen_kernels(True):
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


@pytest.mark.parametrize("used", [True, False])
def test_a_process_that_has_used_cublas_is_warned_of_once(used: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: used)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            with chosen_kernels(True):
                pass
    told = [str(one.message) for one in caught if issubclass(one.category, BenchWarning)]
    assert len(told) == used
    assert all("CUBLAS_WORKSPACE_CONFIG=:4096:8" in text for text in told)


def test_a_device_that_cannot_be_is_refused() -> None:
    for text in ("gpu", "cuda:99"):
        with pytest.raises(ConfigError, match=text):
            choose_device(text)


def test_full_precision_is_asked_for_inside_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with pytest.raises(KeyError), full_precision():
        assert not torch.backends.cudnn.allow_tf32
        raise KeyError
    assert torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize(("capability", "has"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_gpus_since_ampere_have_bfloat16(
    capability: tuple[int, int], has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    has_bfloat16.cache_clear()
    assert has_bfloat16(torch.device("cuda", 0)) is has
    assert not has_bfloat16(torch.device("cpu"))
    has_bfloat16.cache_clear()


@pytest.mark.gpu
def test_a_training_with_deterministic_kernels_gives_the_same_bits_twice() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(3, 64, 3, device="cuda")
    x = torch.randn(64, 3, 32, 32, device="cuda")
    with chosen_kernels(True):
        one, two = (torch.autograd.grad(layer(x).square().sum(), [layer.weight])[0] for _ in range(2))
    assert torch.equal(one, two)

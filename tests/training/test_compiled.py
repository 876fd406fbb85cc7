"""Compiled backbones: once for all cells of a shape, the same as plain ones, and plain where torch cannot compile."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.exc import TorchDynamoException

import bench.workshop
from bench.api import run
from bench.errors import BenchWarning
from bench.training.compiled import CompiledNetworks
from bench.training.model import HashModel
from bench.training.trainer import slow_copy

BATCH = 4


class Counter:
    """A backend that compiles nothing, and counts how often it is asked to."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, graph: Any, inputs: list[Tensor]) -> Any:
        self.count += 1
        return graph.forward


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def model(networks: CompiledNetworks, seed: int) -> HashModel:
    found = HashModel(networks.take("small", network(seed)), nn.Linear(4, 8))
    found.compiled, found.sizes = networks.forward, frozenset({BATCH})
    return found


def images(count: int = BATCH) -> Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_what_is_compiled_for_one_cell_serves_the_next() -> None:
    counter = Counter()
    networks = CompiledNetworks("kernels", counter)
    for seed in range(3):
        one = model(networks, seed)
        for _ in range(2):
            one(images()).sum().backward()
        with torch.inference_mode():
            one.eval()(images())
    assert counter.count == 2  # training, encoding


def test_the_next_cell_has_its_own_weights_in_the_kept_network() -> None:
    networks = CompiledNetworks("kernels", Counter())
    first = model(networks, 0)
    first(images()).sum().backward()  # moves its batch norm's statistics too
    first.eval()
    for weight in first.backbone.parameters():
        weight.requires_grad_(False)
    second, fresh = model(networks, 1), network(1)
    assert second.backbone is first.backbone
    assert second.backbone.training
    assert all(weight.grad is None and weight.requires_grad for weight in second.backbone.parameters())
    for name, value in fresh.state_dict().items():
        assert torch.equal(second.backbone.state_dict()[name], value), name
    torch.testing.assert_close(second.features(images()), fresh(images()))  # whose weights lie channels first


def test_batches_of_other_sizes_run_plainly() -> None:
    counter = Counter()
    one = model(CompiledNetworks("kernels", counter), 0).eval()
    for count in (2, 3, 7):
        one(images(count))
    assert counter.count == 0


def test_another_kind_takes_the_place_of_the_one_before() -> None:
    networks = CompiledNetworks("kernels", Counter())
    first, other = network(0), network(1)
    assert networks.take("a", first) is first
    assert networks.take("b", other) is other
    again = network(2)
    assert networks.take("a", again) is again


def test_a_slow_copy_has_its_own_weights_and_runs_plainly() -> None:
    counter = Counter()
    one = model(CompiledNetworks("kernels", counter), 0)
    slow = slow_copy(one)
    assert slow.backbone is not one.backbone
    assert slow.compiled is None
    with torch.no_grad():
        assert torch.equal(one(images()), slow(images()))
    assert counter.count == 1


def test_where_torch_cannot_compile_the_network_runs_as_it_is() -> None:
    def broken(graph: Any, inputs: list[Tensor]) -> Any:
        raise RuntimeError("no compiler\nand more")

    networks = CompiledNetworks("kernels", broken)
    one, plain = model(networks, 0), network(0)
    with pytest.warns(BenchWarning, match=r"torch\.compile cannot be used here .*: the network runs as it is"):
        torch.testing.assert_close(one.features(images()), plain(images()))
    one.features(images())  # and says so once (a second warning would be an error)


def test_where_torch_cannot_compile_the_backward_pass_the_training_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(graph: Any, inputs: list[Tensor]) -> Any:
        raise TorchDynamoException("no backward pass\nand more")

    half = aot_autograd(fw_compiler=lambda graph, inputs: graph, bw_compiler=broken)
    monkeypatch.setattr(bench.workshop, "CompiledNetworks", lambda how: CompiledNetworks(how, half))
    options: dict[str, Any] = {
        "methods": ["csq"], "bits": [8], "seeds": [0, 1], "reports": False,
        "set": {"train": {"epochs": 1, "batch_size": 16}, "local": {"workers": 0},
                "glyphs": {"classes": 8, "train": 10, "query": 2, "database": 4}},
    }  # fmt: skip
    plain = run(out=tmp_path / "plain", **options)
    compiled = run(out=tmp_path / "compiled", compile="kernels", **options)
    for one, other in zip(plain.cells, compiled.cells, strict=True):
        assert one.result["metrics"] == other.result["metrics"]
        assert other.result["provenance"]["compiled"] == "no"
    notes = [[note for note in cell.result["notes"] if "torch.compile" in note] for cell in compiled.cells]
    assert notes == [["torch.compile cannot be used here (no backward pass): the network runs as it is."], []]


@pytest.mark.parametrize("how", ["kernels", "graphs"])
def test_a_grid_gives_the_same_bits_and_tells_how(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = Counter()
    monkeypatch.setattr(bench.workshop, "CompiledNetworks", lambda how: CompiledNetworks(how, counter))
    options: dict[str, Any] = {
        "methods": ["csq", "mds"], "bits": [8, 16], "reports": False,
        "set": {"train": {"epochs": 2, "batch_size": 16}, "mds": {"pair_from": 1}, "local": {"workers": 0},
                "glyphs": {"classes": 8, "train": 10, "query": 2, "database": 4}},
    }  # fmt: skip
    plain = run(out=tmp_path / "plain", **options)
    compiled = run(out=tmp_path / "compiled", compile=how, **options)
    assert all(cell.ok for cell in [*plain.cells, *compiled.cells])
    for one, other in zip(plain.cells, compiled.cells, strict=True):
        assert one.result["metrics"] == other.result["metrics"]
        assert one.result["provenance"]["compiled"] == "no"
        assert other.result["provenance"]["compiled"] == how
    assert 0 < counter.count <= 4  # of four cells: training, encoding, MDS's slow copy


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_what_torch_really_compiles_computes_the_same() -> None:
    plain, one = network(0), model(CompiledNetworks("kernels"), 0)
    found, expected = one.features(images()), plain(images())
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    (gradient,) = torch.autograd.grad(found.square().sum(), [next(one.backbone.parameters())])
    (wanted,) = torch.autograd.grad(expected.square().sum(), [next(plain.parameters())])
    torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-5)

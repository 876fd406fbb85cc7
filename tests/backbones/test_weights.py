"""Files of weights: the forms they come in, those that are refused, and digests."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bench.backbones.build import build_backbone, resolve_weights
from bench.backbones.small_cnn import SmallCNN
from bench.backbones.weights import load_weights, weights_digest
from bench.errors import ConfigError

State = dict[str, torch.Tensor]


@pytest.fixture
def network() -> SmallCNN:
    torch.manual_seed(1)
    return SmallCNN()


def renamed(state: State, prefix: str) -> State:
    return {prefix + name: tensor for name, tensor in state.items()}


FORMS: dict[str, Callable[[State], object]] = {
    "bare": lambda s: s,
    "state_dict": lambda s: {"state_dict": s, "epoch": 3, "optimizer": {"state": {0: torch.zeros(2)}}},
    "model": lambda s: {"model": s},
    "parallel": lambda s: renamed(s, "module."),
    "both": lambda s: {"model": renamed(s, "module.")},
    "with a classifier": lambda s: s | {"fc.weight": torch.zeros(9, 2048)},
    "image tower": lambda s: renamed(s, "visual.") | {"text_projection": torch.zeros(2, 2)},
    "of an old PyTorch": lambda s: {k: t for k, t in s.items() if not k.endswith("num_batches_tracked")},
    "half precision": lambda s: {k: t.half() if t.is_floating_point() else t for k, t in s.items()},
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_network_is_found_in_every_form(tmp_path: Path, network: SmallCNN, form: str) -> None:
    path = tmp_path / "weights.pth"
    torch.save(FORMS[form](network.state_dict()), path)
    other = SmallCNN()
    load_weights(other, path, "small-cnn")
    if form == "half precision":
        network = network.half().float()
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(other.eval()(images), network.eval()(images))


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth", "weights"])
@pytest.mark.parametrize("prefix", ["", "visual."])
def test_safetensors_are_known_by_their_content(tmp_path: Path, network: SmallCNN, name: str, prefix: str) -> None:
    save_file(renamed(network.state_dict(), prefix), tmp_path / name)
    weights = resolve_weights("small-cnn", str(tmp_path / name))
    loaded, _ = build_backbone("small-cnn", weights, 32)
    assert weights.id.startswith("sha256:")
    assert weights_digest(loaded) == weights_digest(network)


@pytest.mark.parametrize("name", ["resnet18", "timm:test_vit", "efficientnet-lite0"])
def test_files_saved_by_a_library_go_back_into_its_networks(tmp_path: Path, name: str) -> None:
    from bench.compat import import_torchvision

    torchvision = import_torchvision()
    if name == "resnet18":
        full = torchvision.models.resnet18()
    elif name == "timm:test_vit":
        import timm

        full = timm.create_model("test_vit")
    else:
        full = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet.from_name(name)
    torch.save(full.state_dict(), tmp_path / "weights.pth")
    network, _ = build_backbone(name, resolve_weights(name, str(tmp_path / "weights.pth")), 160)
    state = full.state_dict()
    assert network.state_dict()
    assert all(torch.equal(tensor, state[key]) for key, tensor in network.state_dict().items())


class _Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (exec, (f"open({str(self.mark)!r}, 'w')",))


@pytest.mark.parametrize("old", [False, True])
def test_a_hostile_file_runs_nothing(tmp_path: Path, network: SmallCNN, old: bool) -> None:
    path = tmp_path / "weights.pth"
    saved = {"state_dict": network.state_dict(), "more": _Hostile(tmp_path / "ran")}
    torch.save(saved, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(ConfigError, match="holds Python objects, which may be code and are not read"):
        load_weights(network, path, "small-cnn")
    assert not (tmp_path / "ran").exists()


def test_programs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    with pytest.raises(ConfigError, match="holds Python objects, which may be code and are not read"):
        load_weights(torch.nn.Linear(2, 2), path, "linear")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
def test_a_file_that_is_cut_is_refused(tmp_path: Path, network: SmallCNN, suffix: str, share: float) -> None:
    path = tmp_path / f"weights{suffix}"
    save_file(network.state_dict(), path) if suffix == ".safetensors" else torch.save(network.state_dict(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ConfigError, match=r"is no file of weights \(it is damaged or cut short"):
        load_weights(network, path, "small-cnn")


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"conv.weight,1,2,3\n", json.dumps({"a": 1}).encode(), b"\x00" * 99]
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, network: SmallCNN, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"is no file of weights \(there are no tensors in it.*: save them with"):
        load_weights(network, path, "small-cnn")


@pytest.mark.parametrize("saved", [{}, {"epoch": 3}, [1, 2]])
def test_a_file_without_tensors_is_refused(tmp_path: Path, network: SmallCNN, saved: object) -> None:
    torch.save(saved, tmp_path / "weights.pth")
    with pytest.raises(ConfigError, match="there are no tensors in it"):
        load_weights(network, tmp_path / "weights.pth", "small-cnn")


def test_weights_of_another_network_are_refused(tmp_path: Path, network: SmallCNN) -> None:
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    wide = SmallCNN(width=64)
    before = weights_digest(wide)
    with pytest.raises(ConfigError, match=r"does not fit small-cnn: \d+ of its \d+ tensors"):
        load_weights(wide, tmp_path / "weights.pth", "small-cnn")
    assert weights_digest(wide) == before
    with pytest.raises(ConfigError, match=r"does not fit resnet18: 100 of its 100 tensors .*\(bn1.bias, bn1"):
        build_backbone("resnet18", resolve_weights("resnet18", str(tmp_path / "weights.pth")), 64)


def test_of_several_networks_that_fit_none_is_guessed(tmp_path: Path, network: SmallCNN) -> None:
    torch.save({"model": network.state_dict(), "ema": SmallCNN().state_dict()}, tmp_path / "weights.pth")
    with pytest.raises(ConfigError, match=r"holds 2 networks that fit small-cnn \('model.', 'ema.'\): save the one"):
        load_weights(network, tmp_path / "weights.pth", "small-cnn")


def test_the_digest_is_of_names_types_shapes_and_values() -> None:
    def digest(**tensors: torch.Tensor) -> str:
        module = torch.nn.Module()
        for name, tensor in tensors.items():
            module.register_buffer(name, tensor)
        return weights_digest(module)

    a = torch.arange(6, dtype=torch.float32)
    one = digest(a=a)
    assert one == digest(a=a.clone())
    others = [
        digest(b=a), digest(a=a.double()), digest(a=a.view(torch.int32)), digest(a=a.reshape(2, 3)), digest(a=a, b=a),
        digest(a=torch.nextafter(a, a + 1)), digest(a=a.bfloat16()), digest(a=torch.tensor(0.0)), digest(),
    ]  # fmt: skip
    assert len({one, *others}) == 10
    assert all(len(text) == len("sha256:") + 64 for text in [one, *others])


def test_the_digest_does_not_hang_on_the_layout_in_memory(network: SmallCNN) -> None:
    before = weights_digest(network)
    assert weights_digest(network.to(memory_format=torch.channels_last)) == before

